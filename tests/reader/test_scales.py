"""Is a scale the same sweep with some keys replaced, under a name of its own?"""

from pathlib import Path

import pytest

from grokjax.reader.errors import SpecError
from grokjax.reader.sweep_file import load

FULL = """
name: map
task: {kind: modular_arithmetic, modulus: 31}
model: {kind: mlp, width: 20}
optimizer: adamw
train: {steps: 2000}
axes:
  optimizer.weight_decay: {log: [0.3, 30, 7]}
  task.train_fraction: [0.3, 0.6]
seeds: 6
"""
SCALES = """
scales:
  cpu:
    task: {modulus: 7}
    train: {steps: 100}
    axes: {optimizer.weight_decay: [1, 3], task.train_fraction: null}
    seeds: 2
  tiny: {seeds: 1, name: smallest}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "map.yaml"
    path.write_text(FULL + SCALES)
    return path


def test_without_a_scale_the_sweep_is_the_one_in_full(file, tmp_path):
    plain = tmp_path / "plain.yaml"
    plain.write_text(FULL)
    assert load(file) == load(plain)


def test_a_scale_replaces_what_it_names_and_keeps_the_rest(file):
    small = load(file, scale="cpu")
    assert (small.name, small.steps, small.num_seeds) == ("map-cpu", 100, 2)
    assert small.base.task.modulus == 7 and small.base.model.width == 20
    assert small.axis_names == ("optimizer.weight_decay",) and small.num_runs == 4


def test_a_scale_may_have_a_name_of_its_own_and_overrides_come_last(file):
    assert load(file, scale="tiny").name == "smallest"
    assert load(file, ["train.steps=7"], scale="cpu").steps == 7


def test_a_sweep_that_builds_on_another_has_not_its_scales(file, tmp_path):
    above = tmp_path / "above.yaml"
    above.write_text("from: map.yaml\nseeds: 3\n")
    assert load(above).num_seeds == 3
    with pytest.raises(SpecError, match="this sweep has no scales"):
        load(above, scale="cpu")


def test_an_unknown_scale_is_refused_with_the_nearest(file):
    with pytest.raises(SpecError, match=r"no scale of this sweep \(got .cpus.\); did you mean .cpu."):
        load(file, scale="cpus")


@pytest.mark.parametrize("text", ["scales: 3", "scales: [cpu]", "scales: {cpu: 3}"])
def test_scales_that_are_no_names_with_keys_are_refused_even_when_none_is_asked_for(tmp_path, text):
    path = tmp_path / "bad.yaml"
    path.write_text(FULL + text)
    with pytest.raises(SpecError, match="scales: expected names with the keys that they replace"):
        load(path)


def test_what_is_wrong_in_a_scale_is_told_with_its_own_line(file):
    file.write_text(file.read_text().replace("train: {steps: 100}", "train: {steps: -1}"))
    line = file.read_text().splitlines().index("    train: {steps: -1}") + 1
    with pytest.raises(SpecError, match=rf"map.yaml:{line}: train.steps"):
        load(file, scale="cpu")
