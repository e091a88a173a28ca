"""Is a network that was written as its shortest code the coarse network, and as good as was allowed?"""

import numpy as np
import pytest

import grokjax
from grokjax.lab.compressed import compressed_arrays, load_compressed, write_compressed
from grokjax.probes.coarse_graining import CoarseGraining
from tests.store.small_sweep import LANES, typed

SWEEP = """
name: compressed
task: {kind: modular_arithmetic, modulus: 11, train_fraction: 0.7}
model: {kind: mlp, width: 48}
optimizer: {kind: adamw, learning_rate: 0.01, weight_decay: 1}
train: {steps: 150, minibatch: full}
measure: {every: 150, what: [fit]}
weights: {every: 50}
"""


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    folder = tmp_path_factory.mktemp("compressed")
    (folder / "sweep.yaml").write_text(SWEEP)
    assert typed("run", folder / "sweep.yaml", "--out", folder / "sweep", *LANES) == 0
    assert typed("measure", folder / "sweep", "--what", "description_length") == 0
    return folder


def train_loss(results, run_id, params):
    """Mean cross-entropy over the train set, in NumPy."""
    model, signature, data = results.model(run_id), results.signature(run_id), results.dataset(run_id)
    rows = data["train_index"]
    logits = np.asarray(model.logits(model.prepare(params, signature), data["inputs"][rows], signature, None))
    logits = logits.astype(np.float64)
    return np.mean(np.log(np.exp(logits).sum(1)) - logits[np.arange(len(rows)), data["labels"][rows]])


@pytest.mark.parametrize("tolerance", [1.0, 0.125])
def test_the_decoded_network_loses_no_more_than_was_allowed(measured, tolerance, capsys):
    results = grokjax.open_results(measured / "sweep")
    run_id, file = results.runs["run_id"].iloc[0], measured / f"{tolerance}.npz"
    words = ["--format", "compressed", "--tolerance", tolerance, "--out", file]
    assert typed("export", measured / "sweep", run_id, *words) == 0
    assert f"{file.stat().st_size:,} bytes" in capsys.readouterr().err
    before = train_loss(results, run_id, results.params(run_id))
    after = train_loss(results, run_id, grokjax.load_compressed(file))
    assert after <= before + tolerance + 1e-4
    told = results.history.sel(run_id=run_id)
    row = told["description_length/tolerance"].values[-1].tolist().index(tolerance)
    assert after == pytest.approx(told["description_length/train_loss"].values[-1][row], rel=1e-4)


def test_a_file_holds_the_coarse_network_to_rounding(tmp_path):
    rng = np.random.default_rng(0)
    low_rank = (rng.normal(size=(40, 3)) @ rng.normal(size=(3, 30))).astype(np.float32)
    params = {"layer": {"kernel": low_rank, "bias": rng.normal(size=30).astype(np.float32)}}
    write_compressed(tmp_path / "network.npz", compressed_arrays(params, 0.05, 0.999))
    graining = CoarseGraining(params)
    coarse = graining.params(0.05, graining.ranks(0.999))
    loaded = load_compressed(tmp_path / "network.npz")
    assert graining.ranks(0.999) == (None, 3)
    np.testing.assert_allclose(loaded["layer"]["kernel"], coarse["layer"]["kernel"], rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(loaded["layer"]["bias"], coarse["layer"]["bias"])


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--tolerance", "0.3"], "no code within 0.3 nats was looked for; there are 4, 2, 1"),
        (["--step", "50"], "description_length is not measured after 50 updates"),
    ],
)
def test_what_was_not_measured_is_refused(measured, capsys, words, message):
    run_id = grokjax.open_results(measured / "sweep").runs["run_id"].iloc[0]
    out = ["--out", measured / "refused.npz"]
    assert typed("export", measured / "sweep", run_id, "--format", "compressed", *words, *out) == 2
    assert message in capsys.readouterr().err
    assert not (measured / "refused.npz").exists()
