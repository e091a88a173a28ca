"""A small bench as typed: stopped, resumed, reported as text, figure, Markdown and JSON."""

import json

import numpy as np
import pandas as pd
import pytest

from grokjax import open_results
from tests.store.small_sweep import copied, small, typed

__all__ = ["small"]
BENCH = """
name: bench
task: {kind: modular_arithmetic, operation: x+y, modulus: 7, train_fraction: 0.7}
model: {kind: mlp, activation: square, width: 32}
optimizer: {kind: adamw, learning_rate: 1.0e-2}
loss: {kind: mse}
train: {steps: 150}
seeds: 3
compare:
  tuning_seeds: 2
  arms:
    adamw: {tune: {optimizer.weight_decay: [0.1, 1]}}
    no decay: {optimizer.weight_decay: 0, tune: {optimizer.learning_rate: [0.01, 0.1]}}
    shared: {tune: {optimizer.weight_decay: [1, 3]}}
"""


@pytest.fixture(scope="module")
def bench(tmp_path_factory):
    """Folder of a finished bench; `bench.yaml` beside it."""
    place = tmp_path_factory.mktemp("bench")
    (place / "bench.yaml").write_text(BENCH)
    assert typed("run", place / "bench.yaml", "--out", place / "bench", "--lanes", 2) == 0
    return place / "bench"


def report(root, capsys):
    capsys.readouterr()
    assert typed("compare", root, "--json") == 0
    return json.loads(capsys.readouterr().out)


def test_the_report_says_what_an_independent_count_of_the_table_says(bench, capsys):
    found = report(bench, capsys)
    table = pd.read_csv(bench / "table.csv").set_index("run_id")
    runs = pd.DataFrame(found["runs"])
    assert len(runs) == 3 * 2 * 2 + 3 * 3 and found["is_complete"]
    assert set(runs["run_id"]) == set(table.index)
    steps = table["steps_to_test_99"].fillna(np.inf).clip(upper=150)
    for arm in found["cases"][0]["arms"]:
        own = runs[(runs["arm"] == arm["name"]) & (runs["stage"] == "comparing")]
        assert own["seed"].tolist() == [0, 1, 2]
        assert arm["mean"]["estimate"] == pytest.approx(steps[own["run_id"]].mean())
        tuned = runs[(runs["arm"] == arm["name"]) & (runs["stage"] == "tuning")]
        means = steps[tuned["run_id"]].to_numpy().reshape(2, 2).mean(axis=1)
        curve = found["cases"][0]["tuned"][arm["name"]]["curve"]
        assert [row["mean"] for row in curve] == pytest.approx(means.tolist())
        best = np.flatnonzero(means == means.min())
        assert own["setting"].iloc[0] in best
    assert all(seconds > 0 for seconds in found["seconds_per_update"].values())


def test_a_run_that_two_arms_order_is_trained_once(bench, capsys):
    runs = pd.DataFrame(report(bench, capsys)["runs"])
    shared = runs[runs.duplicated("run_id", keep=False)]
    assert set(shared["arm"]) >= {"adamw", "shared"}
    assert open_results(bench).runs["run_id"].is_unique
    assert typed("verify", bench) == 0


def test_a_bench_that_was_stopped_ends_as_one_that_was_not(bench, tmp_path, capsys):
    root = tmp_path / "stopped"
    assert typed("run", bench.parent / "bench.yaml", "--out", root, "--lanes", 2, "--max-seconds", "0.001") == 75
    assert typed("compare", root) == 5
    assert "runs that tune the arms have not ended" in capsys.readouterr().err
    assert typed("run", bench.parent / "bench.yaml", "--out", root, "--lanes", 2) == 0
    assert (root / "table.csv").read_bytes() == (bench / "table.csv").read_bytes()
    assert report(root, capsys)["cases"] == report(bench, capsys)["cases"]


def test_figure_markdown_and_text_name_every_arm_and_what_speaks_against_them(bench, tmp_path, capsys):
    capsys.readouterr()
    assert typed("compare", bench, "--out", tmp_path / "arms.png") == 0
    text = capsys.readouterr().out
    assert (tmp_path / "arms.png").stat().st_size > 10_000
    assert typed("compare", bench, "--out", tmp_path / "arms.md") == 0
    markdown = (tmp_path / "arms.md").read_text()
    for name in ("adamw", "no decay", "shared"):
        assert name in text and f"Tuning of {name}" in markdown
    assert "3 seeds cannot find any difference between 3 arms" in text
    assert "at the edge of what was tried" in text
    assert typed("compare", bench, "--out", tmp_path / "arms.txt") == 2


def test_a_plan_says_how_many_runs_tune_and_how_many_compare(bench, capsys):
    capsys.readouterr()
    assert typed("plan", bench.parent / "bench.yaml", "--no-probe") == 0
    text = capsys.readouterr().out
    assert "3 arms: 10 runs that tune them, then 9 that compare them" in text
    assert "no decay" in text


def test_a_sweep_without_arms_says_so(small, capsys):
    capsys.readouterr()
    assert typed("compare", small) == 5
    assert "compares no arms" in capsys.readouterr().err


def test_an_extension_that_was_stopped_is_not_reported_as_a_comparison(bench, tmp_path, capsys):
    root = copied(bench, tmp_path)
    assert typed("extend", root, "--steps", 200, "--lanes", 2, "--max-seconds", "0.001") == 75
    capsys.readouterr()
    assert typed("compare", root) == 5
    assert "runs that tune the arms have not ended" in capsys.readouterr().err


def test_an_extension_by_seeds_counts_the_runs_that_it_trains(bench, tmp_path, capsys):
    root = copied(bench, tmp_path)
    runs = len(open_results(root).runs)
    assert typed("extend", root, "--seeds", 4, "--lanes", 2) == 0
    new = len(open_results(root).runs) - runs
    assert 0 < new <= 3
    assert f"{runs} runs reused, 0 continued, {new} new" in capsys.readouterr().err
    assert report(root, capsys)["seeds"] == 4


def test_an_arm_can_be_tried_and_a_broken_one_is_told_by_its_name(bench, tmp_path, capsys):
    capsys.readouterr()
    assert typed("try", bench.parent / "bench.yaml", "--cell", 3, "--steps", 2) == 0
    assert "optimizer.weight_decay=0" in capsys.readouterr().out
    (tmp_path / "own.py").write_text(
        "def broken(learning_rate: float):\n    raise RuntimeError('my optimizer is broken')\n"
    )
    mine = '{optimizer: {kind: "./own.py:broken", learning_rate: 0.1}, tune: {optimizer.learning_rate: [0.1, 1]}}'
    (tmp_path / "broken.yaml").write_text(f"{BENCH}    mine: {mine}\n")
    assert typed("run", tmp_path / "broken.yaml", "--out", tmp_path / "out") == 2
    said = capsys.readouterr().err
    assert "broken.yaml:15: compare.arms.mine.optimizer" in said and "my optimizer is broken" in said


def test_reproduce_ends_with_the_comparison_where_a_sweep_has_arms(bench, tmp_path, capsys):
    capsys.readouterr()
    assert typed("compare", bench) == 0
    text = capsys.readouterr().out
    assert typed("reproduce", bench.parent / "bench.yaml", "--out", bench, "--lanes", 2) == 0
    assert capsys.readouterr().out == text
    short = "--out", tmp_path / "short", "--lanes", 2, "--max-seconds", "0.001"
    assert typed("reproduce", bench.parent / "bench.yaml", *short) == 75
    assert "runs that tune the arms have not ended" in capsys.readouterr().out
