"""Can an axis of numbers and words (`[full, 16, 5]`) be stored, selected and drawn as any other?"""

import pytest

from grokjax import open_results
from grokjax.cli.reading import select
from tests.store.small_sweep import LANES, typed

MIXED = """
name: mixed
task: {kind: modular_arithmetic, modulus: 7}
model: {kind: mlp, embedding: 4, width: 8}
optimizer: {kind: adamw, learning_rate: 1.0e-2}
train: {steps: 4}
axes:
  train.minibatch: [full, 16, 5]
measure: {every: 2, what: [fit]}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("mixed")
    (place / "mixed.yaml").write_text(MIXED)
    assert typed("run", place / "mixed.yaml", "--out", place / "mixed", *LANES) == 0
    return place / "mixed"


def test_a_finished_sweep_holds_every_run_of_an_axis_of_numbers_and_words(folder):
    found = open_results(folder)
    assert found.is_complete
    assert sorted(found.runs["train.minibatch"]) == ["16", "5", "full"]
    assert found.grid("train/loss").sizes["minibatch"] == 3
    assert len(found.cells()) == 3


@pytest.mark.parametrize(
    ("condition", "runs"),
    [("minibatch = full", 1), ("minibatch = 16", 1), ("minibatch < 10", 1), ("minibatch in [full, 5]", 2)],
)
def test_runs_are_selected_by_a_number_or_a_word_of_such_an_axis(condition: str, runs: int, folder):
    assert len(select(open_results(folder).runs, [condition])) == runs


def test_such_an_axis_is_drawn_with_its_numbers_by_size(folder, capsys):
    assert typed("phases", folder) == 0
    words = [line.split()[0] for line in capsys.readouterr().out.splitlines() if line.strip()]
    assert [word for word in words if word in ("5", "16", "full")] == ["5", "16", "full"]


PLAIN = """
name: plain
task: {kind: modular_arithmetic, modulus: 7}
model: {kind: mlp, width: 8}
optimizer: {kind: adamw, learning_rate: 1.0e-2}
train: {steps: 4}
axes:
  optimizer.weight_decay: [0.1, 1]
measure: {every: 2, what: [fit]}
claims:
  - {name: more, that: "probability(generalized, weight_decay=1) > probability(generalized, weight_decay=0.1)"}
"""


def test_a_setting_that_was_null_becomes_an_axis(tmp_path, capsys):
    (tmp_path / "plain.yaml").write_text(PLAIN)
    assert typed("run", tmp_path / "plain.yaml", "--out", tmp_path / "out", *LANES) == 0
    assert typed("extend", tmp_path / "out", "--axis", "model.dropout=[null, 0.1]", *LANES) == 0
    assert "axis 'model.dropout' varies" in capsys.readouterr().err
    runs = open_results(tmp_path / "out").runs
    assert sorted(runs["model.dropout"]) == ["0.1", "0.1", "null", "null"]
    assert len(select(runs, ["dropout = null"])) == len(select(runs, ["dropout > 0"])) == 2
