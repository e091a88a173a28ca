"""A source that orders more after it has seen results: is its sweep trained to the end, also after it was stopped?"""

import functools

import numpy as np
import pandas as pd
import pytest

from grokjax import open_results
from grokjax.drive.options import Options
from grokjax.drive.run_sweep import run_sweep
from grokjax.lab.replaying import replay
from grokjax.orders.order import Grid, Orders
from grokjax.reader.plans import SeedPlan
from grokjax.reader.sweep_file import load
from grokjax.results.status import status
from tests.reader.conftest import SMALL

SWEEP = load({**SMALL, "train": {"steps": 60}, "axes": {"optimizer.weight_decay": [0.1, 1, 10]}, "seeds": 2})


class BestAgain:
    """Three decays at two seeds; then the one with the best test loss at two further seeds, twice."""

    def __init__(self, sweep, seen):
        self._sweep, self._seen = sweep, seen

    def first(self):
        return Orders([Grid(self._sweep.points, self._sweep.seeds)])

    def more(self, table):
        runs = table()
        self._seen.append(runs["run_id"].tolist())
        if len(runs) >= 10:
            return Orders([])
        best = runs.groupby("optimizer.weight_decay")["test/loss"].mean().idxmin()
        sweep = load({**SMALL, "train": {"steps": 60}, "axes": {"optimizer.weight_decay": [float(best)]}})
        return Orders([Grid(sweep.points, SeedPlan((len(runs), len(runs) + 1)))])


@pytest.fixture
def asked(monkeypatch):
    """What the source was shown, question by question."""
    seen = []
    for place in ("drive.standing", "drive.opening", "results.orders_given"):
        monkeypatch.setattr(f"grokjax.{place}.source_of", functools.partial(BestAgain, seen=seen))
    return seen


def outcome(root):
    dataset = open_results(root).history
    return {name: dataset[name].values for name in sorted(map(str, dataset.variables))}


@pytest.fixture
def whole(asked, tmp_path):
    progress = run_sweep(SWEEP, tmp_path / "whole", Options(lanes=2))
    assert (progress.done, progress.total, progress.reason) == (10, 10, "")
    return tmp_path / "whole"


def test_a_source_sees_all_its_runs_and_its_further_orders_are_trained(whole, asked):
    runs = open_results(whole).runs
    assert asked == [runs["run_id"].tolist()[:count] for count in (6, 8, 10)]
    assert runs["seeds.init"].tolist() == [0, 1, 0, 1, 0, 1, 6, 7, 8, 9]
    best = runs[:6].groupby("optimizer.weight_decay")["test/loss"].mean().idxmin()
    assert set(runs["optimizer.weight_decay"][6:]) == {best}
    assert list(pd.read_csv(whole / "table.csv")["run_id"]) == runs["run_id"].tolist()
    state = status(whole)
    assert (state["total"], state["done"], state["queued"], state["stage"]) == (10, 10, 0, "complete")


@pytest.mark.parametrize("ended", [3, 6, 7])
def test_a_stopped_sweep_asks_its_source_the_same_again(whole, asked, tmp_path, ended):
    root, told = tmp_path / "stopped", []

    def watch(progress):
        told.append(progress.done)

    stop = Options(lanes=1, stop=lambda: "enough" if told and told[-1] >= ended else "", watch=watch)
    assert run_sweep(SWEEP, root, stop).reason == "enough"
    assert status(root)["done"] < 10
    asked.clear()
    assert run_sweep(SWEEP, root, Options(lanes=1)).done == 10
    assert asked[-1] == open_results(whole).runs["run_id"].tolist()
    left, right = outcome(root), outcome(whole)
    assert list(left) == list(right)
    for name in left:
        np.testing.assert_array_equal(left[name], right[name], err_msg=name)


def test_a_run_of_a_later_round_is_replayed(whole):
    last = open_results(whole).runs["run_id"].iloc[-1]
    assert replay(whole, SWEEP, last).is_equal
