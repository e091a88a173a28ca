"""What a folder says of the arms of a sweep with `compare:`: how each was tuned, and what came out on shared seeds."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from grokjax.analysis.arms import (
    ArmResult,
    best_setting,
    compare_arms,
    on_edge,
    seeds_needed,
    tuning_curve,
)
from grokjax.analysis.cells import EVENT
from grokjax.analysis.censoring import event_values
from grokjax.orders.arms import COMPARING, TUNING, Arms
from grokjax.orders.ledger import is_over
from grokjax.orders.order import Orders
from grokjax.plan.cohorts import find_cohorts
from grokjax.reader.comparison import Arm, Comparison
from grokjax.reader.points import Points
from grokjax.reader.shown_values import shown_value
from grokjax.reader.sweep import Sweep
from grokjax.results.orders_given import orders_given
from grokjax.results.reading import read_dataset
from grokjax.results.stored_sweep import refuse_changed_sources, sweep_for_reading
from grokjax.results.table import judged_table
from grokjax.store.committed import read_spec
from grokjax.store.files import read_json_lines
from grokjax.store.layout import Layout, StoreError


@dataclasses.dataclass(frozen=True)
class TunedArm:
    """How an arm was tuned for a case.

    Attributes:
      curve: one row per setting, see `analysis.arms.tuning_curve`, with a column of values for each tuned path.
      best: path -> value at its best setting; empty for an arm with nothing to tune.
      edges: tuned paths at which the best value is the smallest or largest that was tried.
    """

    curve: pd.DataFrame
    best: dict[str, Any]
    edges: list[str]


@dataclasses.dataclass(frozen=True)
class CaseReport:
    """The comparison in one cell of the sweep's own axes.

    Attributes:
      case: path -> value of the axes; empty where there are none.
      tuned: arm -> how it was tuned.
      results: by arm, in the order of the file; empty while the tuned arms have not all ended.
    """

    case: dict[str, Any]
    tuned: dict[str, TunedArm]
    results: list[ArmResult]


@dataclasses.dataclass(frozen=True)
class ComparisonReport:
    """Everything that is known of a comparison.

    Attributes:
      name: of the sweep.
      baseline: arm that the others are held against.
      budget: updates of a run.
      seeds: that compare the tuned arms, and how many can find a difference at all.
      tuning_runs: arm -> runs that tuned it.
      is_complete: whether all runs of the comparison have ended.
      seconds_per_update: arm -> of one run on one device, from the folder's own log; NaN where nothing was logged.
      cases: one comparison each.
      runs: one row per order, with `arm`, `stage`, `case`, `setting`, `seed`, `run_id` and `steps` (+inf for never).
    """

    name: str
    baseline: str
    budget: int
    seeds: int
    seeds_needed: int
    tuning_runs: dict[str, int]
    is_complete: bool
    seconds_per_update: dict[str, float]
    cases: list[CaseReport]
    runs: pd.DataFrame


def comparison_report(root: Path) -> ComparisonReport:
    """Read the comparison of a folder; while it runs, as far as it has come.

    Raises:
      StoreError: the sweep compares no arms, or nothing of it has ended that could be judged.
    """
    sweep = sweep_for_reading(root)
    if sweep.compare is None:
        raise StoreError(f"{root}: sweep {sweep.name} compares no arms; its file has no `compare:`.")
    source, rounds = Arms(sweep, sweep.compare), list(orders_given(root, sweep))
    trials = source.trials(rounds)
    runs = _runs(root, rounds, trials)
    tuned = runs.loc[runs["stage"] == TUNING]
    left = int(np.count_nonzero(~tuned["has_ended"]))
    if left:
        refuse_changed_sources(root, read_spec(root), sweep)
        raise StoreError(
            f"{root}: {left} of {len(tuned)} runs that tune the arms have not ended; nothing is known yet."
        )
    final = runs.loc[runs["stage"] == COMPARING]
    is_complete = len(final) > 0 and bool(final["has_ended"].all())
    names = [arm.name for arm in sweep.compare.arms]
    return ComparisonReport(
        name=sweep.name,
        baseline=sweep.compare.baseline,
        budget=sweep.steps,
        seeds=len(sweep.seeds.values),
        seeds_needed=seeds_needed(len(names)),
        tuning_runs={arm.name: arm.num_points * len(sweep.compare.tuning_seeds.values) for arm in sweep.compare.arms},
        is_complete=is_complete,
        seconds_per_update=_seconds_per_update(root, names, rounds[-1]),
        cases=[
            _case(sweep, sweep.compare, number, tuned, final if is_complete else None)
            for number in range(len(sweep.points))
        ],
        runs=runs.drop(columns="row"),
    )


def _runs(root: Path, rounds: list[Orders], trials: pd.DataFrame) -> pd.DataFrame:
    """The trials with what came out of each; a run that two arms share stands in both."""
    dataset, spec, _ = read_dataset(root)
    table = judged_table(dataset, spec)
    row = {run_id: number for number, run_id in enumerate(table["run_id"])}
    ids = [order.run_id for orders in rounds for order in orders]
    rows = np.array([row.get(run_id, -1) for run_id in ids], np.int64)
    steps = np.append(event_values(table, EVENT), np.nan)[rows]
    is_done = np.append(is_over(table["stop_reason"], table["final_step"], spec["steps"]), False)
    return trials.assign(run_id=ids, row=rows, has_ended=is_done[rows], steps=steps).join(
        table.drop(columns=["run_id", *(name for name in trials if name in table)]), on="row"
    )


def _case(
    sweep: Sweep, comparison: Comparison, number: int, tuned: pd.DataFrame, final: pd.DataFrame | None
) -> CaseReport:
    arms = {arm.name: _tuned(sweep, arm, _of(tuned, number, arm.name)) for arm in comparison.arms}
    results = []
    if final is not None:
        steps = {name: _of(final, number, name).sort_values("seed")["steps"].to_numpy() for name in arms}
        results = compare_arms(steps, sweep.steps, comparison.baseline)
    case = {path: shown_value(value, path) for path, value in sweep.points[number].items()}
    return CaseReport(case, arms, results)


def _of(runs: pd.DataFrame, case: int, arm: str) -> pd.DataFrame:
    return runs.loc[(runs["case"] == case) & (runs["arm"] == arm)]


def _tuned(sweep: Sweep, arm: Arm, runs: pd.DataFrame) -> TunedArm:
    curve = tuning_curve(runs, runs["setting"].to_numpy(), sweep.steps)
    settings, own = Points(arm.base, arm.tune), [path for axis in arm.tune for path in axis.paths]
    for path in own:
        curve[path] = [shown_value(settings[int(setting)][path], path) for setting in curve["setting"]]
    best = int(np.flatnonzero(curve["setting"] == best_setting(curve))[0])
    values = {path: curve[path].tolist() for path in own}
    edges = [path for path in own if _is_edge(values[path], values[path][best])]
    return TunedArm(curve, {path: values[path][best] for path in own}, edges)


def _is_edge(values: list[Any], best: Any) -> bool:
    return all(isinstance(value, int | float) for value in values) and on_edge(values, best)


def _seconds_per_update(root: Path, names: list[str], orders: Orders) -> dict[str, float]:
    """From the log of segments: seconds of a device over updates, of the cohorts that an arm's runs are in."""
    spent: dict[str, np.ndarray] = {}
    for event in read_json_lines(Layout(root).events):
        if event.get("event") == "trained":
            own = np.array([event["seconds"], event["run_steps"]])
            spent[event["cohort"]] = spent.get(event["cohort"], np.zeros(2)) + own
    seconds = {}
    cohorts = find_cohorts(orders)
    for name, grid in zip(names, orders.grids, strict=True):
        cells = set(range(*_cells_of(orders, names.index(name))))
        keys = {one.key for one in cohorts if cells & set(one.orders.cells_of(one.numbers).tolist())}
        total = sum((spent[key] for key in keys if key in spent), np.zeros(2))
        seconds[name] = float(total[0] / total[1]) if len(grid) and total[1] else float("nan")
    return seconds


def _cells_of(orders: Orders, grid: int) -> tuple[int, int]:
    first = sum(len(one.points) for one in orders.grids[:grid])
    return first, first + len(orders.grids[grid].points)
