"""Can every sweep that ships, in full and at each of its scales, be run as it stands?"""

from pathlib import Path

import pytest

from grokjax.cli.sweep_names import read_sweep
from grokjax.reader.yaml_file import load

SWEEPS = sorted((Path(__file__).parents[2] / "sweeps").glob("*.yaml"))
VERSIONS = [(path, scale) for path in SWEEPS for scale in (None, *load(path).content.get("scales", ()))]
SETTINGS = ("task", "model", "optimizer", "loss", "axes")
"""What claims speak of; steps, seeds and the way of measuring are not."""


@pytest.mark.parametrize(
    ("path", "scale"), VERSIONS, ids=[f"{path.stem}-{scale or 'full'}" for path, scale in VERSIONS]
)
def test_a_sweep_that_ships_is_read_and_its_claims_can_be_decided(path, scale):
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
