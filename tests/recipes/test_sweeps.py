"""Can every sweep that ships, in full and at each of its scales, be run as it stands?"""

from pathlib import Path

import jax
import pytest

from grokjax.cli.sweep_names import read_sweep
from grokjax.drive.opening import write_spec
from grokjax.drive.trainable import load_sweep
from grokjax.reader.errors import SpecError
from grokjax.reader.measured_steps import cadence_steps
from grokjax.reader.yaml_file import load
from grokjax.store.layout import Layout
from grokjax.store.records import flat_params

SWEEPS = sorted((Path(__file__).parents[2] / "sweeps").glob("*.yaml"))
VERSIONS = [(path, scale) for path in SWEEPS for scale in (None, *load(path).content.get("scales", ()))]
SETTINGS = ("task", "model", "optimizer", "loss", "axes")
"""What claims speak of; steps, seeds and the way of measuring are not."""


STARTS_FROM = {"minegishi2024_tickets": "minegishi2024_tickets_base"} | {
    "transfer_between_operations": "transfer_between_operations_base"
}


def check_first_sweep(path, scale, monkeypatch):
    """Without its source a sweep is refused with the command that trains that; then let its folder say what it holds.

    Weights of a source are read as those that its network draws, since none is trained here.
    """
    first, option = STARTS_FROM[path.stem], f" --scale {scale}" if scale else ""
    with pytest.raises(SpecError, match=f"train it first: `grokjax run {first}{option}`"):
        read_sweep(path, (), scale)
    base = load_sweep(path.with_name(f"{first}.yaml"), (), scale=scale)
    folder = Path("results") / base.name
    folder.mkdir(parents=True)
    write_spec(Layout(folder.absolute()), base)
    stored = set(cadence_steps(base.weights, base.steps).tolist()) | {base.steps}
    drawn = flat_params(base.base.model.init(jax.random.key(0), base.base.task.signature()))

    def stored_params(_folder, _run_id, step):
        assert step in stored
        return drawn

    monkeypatch.setattr("grokjax.lab.initial_params.flat_stored_params", stored_params)


@pytest.mark.parametrize(
    ("path", "scale"), VERSIONS, ids=[f"{path.stem}-{scale or 'full'}" for path, scale in VERSIONS]
)
def test_a_sweep_that_ships_is_read_and_its_claims_can_be_decided(path, scale, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if path.stem in STARTS_FROM:
        check_first_sweep(path, scale, monkeypatch)
    sweep = read_sweep(path, (), scale)
    assert sweep.name == path.stem + (f"-{scale}" if scale else "")
    assert sweep.num_runs > 1
    assert sweep.claims or sweep.compare is not None  # arms are judged by their comparison
    assert path.stem == "quickstart" or all(claim.published for claim in sweep.claims)


@pytest.mark.parametrize(("path", "scale"), [(path, scale) for path, scale in VERSIONS if scale])
def test_a_scale_of_other_settings_states_its_own_claims(path, scale):
    changed = load(path).content["scales"][scale]
    assert {"claims", "compare"} & set(changed) or not any(key in changed for key in SETTINGS)


@pytest.mark.parametrize("path", SWEEPS, ids=lambda path: path.stem)
def test_a_sweep_that_ships_says_in_its_first_line_what_it_asks(path):
    first = path.read_text().splitlines()[0]
    assert first.startswith("# ") and len(first) > 30
