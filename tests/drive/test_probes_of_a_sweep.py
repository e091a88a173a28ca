"""Probes that a sweep names: of every stored network once its runs have ended, each once, also after a stop."""

import numpy as np
import pytest

from grokjax import open_results
from grokjax.drive.options import Options
from grokjax.drive.run_sweep import run_sweep
from grokjax.lab import probing
from grokjax.orders.identity import spec_hash
from grokjax.reader.errors import SpecError
from grokjax.reader.sweep_file import load
from grokjax.reader.yaml_text import dump
from tests.reader.conftest import SMALL
from tests.store.small_sweep import typed

NORM = """
import pathlib

import jax
import numpy as np
from grokjax import Probe, part


@part
class Norm(Probe):
    def probe(self, network):
        with (pathlib.Path(__file__).parent / "probed").open("a") as log:
            log.write(f"{network.step}\\n")
        leaves = jax.tree.leaves(network.params)
        return {"norm/whole": np.sqrt(sum(np.sum(leaf.astype(float) ** 2) for leaf in leaves))}
"""
KEYS = {**SMALL, "train": {"steps": 30}, "axes": {}, "seeds": 2, "weights": 10}  # weights at 0, 10, 20 and 30


def sweep(folder, what):
    (folder / "norm.py").write_text(NORM)
    return load({**KEYS, "measure": {"every": 10, "what": what}}, folder=folder)


def norms(root):
    """[run, step] as stored, and by the parameters that are stored."""
    results = open_results(root)
    stored = results.history["norm/whole"].values
    steps = results.history["step"].values
    by_hand = [
        [_norm(results.params(run_id, int(step))) for step in row]
        for run_id, row in zip(results.history["run_id"].values.tolist(), steps, strict=True)
    ]
    return stored, np.array(by_hand)


def _norm(params):
    return np.sqrt(sum(np.sum(np.square(leaf, dtype=float)) for layer in params.values() for leaf in layer.values()))


def test_every_stored_network_is_probed_and_a_stop_repeats_none(tmp_path, monkeypatch):
    named, root, log = sweep(tmp_path, ["fit", "./norm.py:Norm"]), tmp_path / "results", tmp_path / "probed"
    monkeypatch.setattr(probing, "_SECONDS", 0.0)  # each is committed

    def stop():
        return "enough" if log.exists() and len(log.read_text().split()) >= 3 else ""

    progress = run_sweep(named, root, Options(lanes=2, stop=stop))
    assert (progress.done, progress.reason, progress.stage) == (2, "enough", "stopped")
    assert len(log.read_text().split()) == 3
    progress = run_sweep(named, root, Options(lanes=2))
    assert progress.stage == "done" and sorted(log.read_text().split()) == sorted(["0", "10", "20", "30"] * 2)
    np.testing.assert_allclose(*norms(root), rtol=1e-6)
    run_sweep(named, root, Options(lanes=2))
    assert typed("measure", root, "--what", f"{tmp_path}/norm.py:Norm", "--step", "all") == 0
    assert len(log.read_text().split()) == 8


def test_what_a_stop_left_is_probed_by_the_next_run_whatever_was_measured_between(tmp_path, monkeypatch):
    named, root, log = sweep(tmp_path, ["fit", "./norm.py:Norm"]), tmp_path / "results", tmp_path / "probed"
    monkeypatch.setattr(probing, "_SECONDS", 0.0)
    run_sweep(named, root, Options(lanes=2, stop=lambda: "enough" if log.exists() else ""))
    assert len(log.read_text().split()) == 1
    assert typed("measure", root, "--what", "weight_norm") == 0
    assert run_sweep(named, root, Options(lanes=2)).stage == "done"
    assert np.isfinite(norms(root)[0]).all() and len(log.read_text().split()) == 8


def test_a_probe_that_refuses_a_network_leaves_the_results_complete(tmp_path):
    (tmp_path / "norm.py").write_text(NORM.replace("leaves = ", "raise ValueError('not this one')\n        leaves = "))
    named = load({**KEYS, "measure": {"what": ["fit", "./norm.py:Norm"]}}, folder=tmp_path)
    with pytest.raises(SpecError, match="not this one"):
        run_sweep(named, tmp_path / "results", Options(lanes=2))
    assert open_results(tmp_path / "results").is_complete and (tmp_path / "results" / "table.csv").exists()


def test_two_settings_of_a_probe_that_give_one_name_are_refused(tmp_path):
    scaled = NORM.replace("import Probe, part", "import Probe, part, setting").replace(
        "    def probe", "    factor: int = setting(1, 'factor')\n\n    def probe"
    )
    (tmp_path / "norm.py").write_text(scaled)
    what = ["./norm.py:Norm", {"kind": "./norm.py:Norm", "factor": 2}]
    named = load({**KEYS, "measure": {"what": what}}, folder=tmp_path)
    with pytest.raises(SpecError, match="gives 'norm/whole', which norm gives too"):
        run_sweep(named, tmp_path / "results", Options(lanes=2))


def test_a_probe_changes_the_sweep_and_none_of_its_runs(tmp_path):
    plain, named = sweep(tmp_path, ["fit"]), sweep(tmp_path, ["./norm.py:Norm", "fit"])
    assert [part.kind for part in named.measure.what] == ["fit"] and len(named.measure.probes) == 1
    assert spec_hash(plain) != spec_hash(named) and plain.base == named.base
    assert load(named.to_mapping()) == named


def test_a_name_that_is_neither_measure_nor_probe_is_refused_with_the_nearest(tmp_path):
    with pytest.raises(SpecError, match=r"measure.what.1.kind: .*'description_length'"):
        sweep(tmp_path, ["fit", "description_lenght"])


def test_a_claim_on_a_probe_is_taken_on_trust_and_undecided_where_the_probe_gives_no_such_number(tmp_path, capsys):
    (tmp_path / "claims.yaml").write_text(
        dump(
            {
                **KEYS,
                "task": {**KEYS["task"], "label_noise": 0},
                "loss": "cross_entropy",
                "axes": {"optimizer.weight_decay": [0.1, 10]},
                "seeds": 6,
                "measure": {"what": [{"kind": "description_length", "tolerances": [1], "steps": 2, "thresholds": 2}]},
                "claims": [
                    {"name": "shorter", "that": claim("description_length/bytes_1", "description_length/bytes_1")},
                    {"name": "untold", "that": claim("description_length/bytes_2", "description_length/bytes_1")},
                ],
            }
        )
    )
    assert typed("reproduce", tmp_path / "claims.yaml", "--out", tmp_path / "claims") == 0
    said = capsys.readouterr().out
    assert (
        said.count("over 6 pairs, 6 seeds") == 1 and said.count("verdict   undecided: claim 'untold': no column") == 1
    )


def claim(left, right):
    return f"median({left}, optimizer.weight_decay=10) < median({right}, optimizer.weight_decay=0.1)"


SEEN = """
import jax
import numpy as np
from grokjax import Probe, part

TRACED = []


@jax.jit
def losses_of(apply, loss, params, inputs, labels):
    TRACED.append(1)
    outputs = apply(params, inputs)
    return loss(outputs, labels), outputs.argmax(axis=1) == labels


@part
class Seen(Probe):
    def probe(self, network):
        losses, is_right = losses_of(network.apply, network.loss, network.params, network.inputs, network.split.labels)
        is_train = np.isin(np.arange(len(network.inputs)), network.split.order[: network.n_train])
        assert np.array_equal(is_train, network.split.group < 2)
        return {
            "seen/right": np.sum(np.asarray(is_right)[is_train], dtype=np.int32),
            "seen/loss": np.mean(np.asarray(losses)[is_train]),
            "seen/drawn": float(jax.random.uniform(network.key)),
            "seen/traced": len(TRACED),
        }
"""


def test_a_probe_sees_the_data_the_outputs_and_the_loss_of_its_run_and_is_compiled_once(tmp_path):
    (tmp_path / "seen.py").write_text(SEEN)
    keys = {**KEYS, "axes": {"task.label_noise": [0.3], "optimizer.weight_decay": [0, 1]}}
    named = load({**keys, "measure": {"every": 10, "what": ["fit", "./seen.py:Seen"]}}, folder=tmp_path)
    run_sweep(named, tmp_path / "results", Options(lanes=2))
    history = open_results(tmp_path / "results").history
    np.testing.assert_array_equal(history["seen/right"], history["train/correct"])
    np.testing.assert_allclose(history["seen/loss"], history["train/objective"], rtol=1e-5)
    assert (history["seen/traced"] == 1).all() and history["seen/traced"].shape == (4, 4)  # [run, step]
    drawn = history["seen/drawn"].values
    assert len(np.unique(drawn)) == 2 and (drawn == drawn[:, :1]).all()  # one number for each seed
