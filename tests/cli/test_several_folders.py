"""Are several folders shown as one sweep, and can whole parts be told apart and selected by short names there?"""

import json
import shutil

import numpy as np
import pandas as pd
import pytest

from grokjax import open_results
from grokjax.store.files import read_record, write_record
from tests.store.small_sweep import LANES, typed

ARMS = """
name: arms
task: {kind: modular_arithmetic, modulus: 5}
model: {kind: mlp, width: 4}
optimizer: adamw
train: {steps: 4}
axes:
  optimizer:
    - {kind: adamw, learning_rate: 1.0e-2}
    - {kind: "./opt.py:slow", gain: 5}
    - {kind: "./opt.py:slow"}
measure: {every: 2, what: [fit]}
"""
SLOW = """
import optax
def slow(learning_rate: float = 1e-3, gain: float = 2.0) -> optax.GradientTransformation:
    return optax.sgd(learning_rate * gain)
"""
NAMES = ["adamw", "slow gain=2", "slow gain=5"]
FOLDERS = ("a", "b")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("arms")
    (folder / "arms.yaml").write_text(ARMS)
    (folder / "opt.py").write_text(SLOW)
    for name, seeds in zip(FOLDERS, ("[0, 1]", "[1, 2]"), strict=True):
        words = ("--set", f"seeds={{list: {seeds}, streams: {{}}}}", "--out", folder / name)
        assert typed("run", folder / "arms.yaml", *words, *LANES) == 0
    return folder


def table(capsys, *words):
    capsys.readouterr()
    assert typed("table", *words) == 0
    text = capsys.readouterr().out.splitlines()
    return pd.DataFrame([line.split(",") for line in text[1:]], columns=text[0].split(","))


def test_folders_are_one_sweep_and_what_both_hold_counts_once(place, tmp_path, capsys):
    both = [place / name for name in FOLDERS]
    shown = table(capsys, *both)
    assert len(shown) == 9 and shown["run_id"].is_unique
    assert sorted(set(shown["seeds.split"])) == ["0", "1", "2"]
    assert typed("phases", *both, "--out", tmp_path / "phases.csv") == 0
    assert pd.read_csv(tmp_path / "phases.csv").groupby("optimizer")["count"].sum().to_dict() == dict.fromkeys(NAMES, 3)
    assert typed("curves", *both, "--out", tmp_path / "curves.png") == 0
    assert "9 runs" in capsys.readouterr().err


def test_each_folder_must_be_there(place, capsys):
    assert typed("table", place / "a", place / "bb") == 2
    assert f"did you mean {place / 'b'}?" in capsys.readouterr().err or "there is no folder" in capsys.readouterr().err


def test_whole_parts_have_short_names_in_tables_and_grids(place, capsys):
    results = open_results(place / "a")
    assert sorted(set(results.runs["optimizer"])) == NAMES
    assert sorted(results.grid("test/accuracy").coords["optimizer"].values.tolist()) == NAMES
    assert sorted(set(results.history["optimizer"].values.tolist())) == NAMES
    stored = pd.read_csv(place / "a" / "table.csv")
    assert sorted(set(stored["optimizer"])) == NAMES


@pytest.mark.parametrize(
    ("condition", "runs"),
    [
        ("optimizer = adamw", 2),
        ("optimizer = slow", 4),
        ("optimizer = slow gain=5", 2),
        ("optimizer in [adamw, slow gain=2]", 4),
        ("optimizer = adamw {learning_rate: 0.01}", 2),
        ("optimizer.gain < 3", 2),
        ("model.width * 2 = 8", 6),
        ("test/accuracy >= 0", 6),
    ],
)
def test_runs_are_selected_by_names_kinds_stored_texts_and_any_setting(condition, runs, place, capsys):
    assert len(table(capsys, place / "a", "--where", condition)) == runs


def test_a_name_that_is_not_there_is_answered_with_those_that_are(place, capsys):
    assert typed("table", place / "a", "--where", "optimizer = slw") == 2
    said = capsys.readouterr().err
    assert all(name in said for name in NAMES)


def test_any_setting_can_be_a_column(place, capsys):
    shown = table(capsys, place / "a", "--with", "model.width,gain")
    assert set(shown["model.width"]) == {"4"}
    assert dict(zip(shown["optimizer"], shown["optimizer.gain"], strict=True)) == dict(
        zip(NAMES, ["", "2.0", "5.0"], strict=True)
    )
    assert typed("table", place / "a", "--with", "model.widht") == 2
    assert "model.width" in capsys.readouterr().err


def test_a_folder_without_records_of_its_values_opens_alone_and_beside_a_new_one(place, tmp_path):
    old = tmp_path / "old"
    shutil.copytree(place / "a", old)
    spec = read_record(old / "spec.json")
    assert json.dumps(spec).count("slow") and spec.pop("values")
    write_record(old / "spec.json", spec)
    alone = open_results(old).runs
    assert sorted(set(alone["optimizer"])) == ["adamw", "slow gain=5", "slow gain=default"]
    together = open_results([old, place / "b"]).runs
    assert len(together) == 9 and sorted(set(together["optimizer"])) == NAMES
    np.testing.assert_array_equal(np.sort(together["run_id"].unique()), np.sort(together["run_id"]))
