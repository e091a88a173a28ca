"""What does one row per cell say? Shares of phases, the chance to generalize, and when, with their intervals."""

import numpy as np
import pandas as pd

from grokjax.analysis.censoring import FELL, event_values, is_event
from grokjax.analysis.columns import distinct, find, rows, seed_ids, series
from grokjax.analysis.intervals import bootstrap_median, wilson
from grokjax.analysis.rules import GENERALIZED, PHASES

EVENT = "steps_to_test_99"


def cell_table(runs: pd.DataFrame, axes: list[str], level: float = 0.95, event: str = EVENT) -> pd.DataFrame:
    """One row per cell, cells in the order of their axes.

    Args:
      runs: one row per run, with `phase` and the axes.
      axes: columns that tell cells apart; the runs of a cell differ in their seeds alone.
      level: of the intervals.
      event: the column that says when, `steps_to_...` or `log10_delay`.

    Raises:
      ValueError: there is no such event.

    Columns:
      the axes; runs: number of runs, equal histories counted once; decided: without those whose phase is undecided,
        which enter nothing below but their own share.
      one for each phase that some run has: its share of all runs.
      generalized, generalized_low, generalized_high: share of decided runs in `rules.GENERALIZED`, Wilson interval.
      steps_to_test_99 (or the `event`), ..._low, ..._high: median, +inf when half of the runs never got there, and its
        bootstrap interval over seeds; NaN with one seed.
      censored: number of decided runs that had not got there at their budget.
      fell: number of those that diverged, or got there and lost it: they count as never.
    """
    runs = distinct(runs)
    if runs.empty:
        return pd.DataFrame(columns=axes)
    if not is_event(find(event, runs.columns)):
        raise ValueError(f"cells: {event!r} is no event; those are steps_to_... and log10_delay")
    seeds = seed_ids(runs, but=axes)
    present = [phase for phase in PHASES if phase in set(runs["phase"])]
    groups = runs.groupby(axes, sort=True, dropna=False).indices if axes else {(): np.arange(len(runs))}
    records = []
    for key, places in groups.items():
        cell = runs.iloc[places]
        values = dict(zip(axes, key if isinstance(key, tuple) else (key,), strict=True))
        records.append(values | _cell(cell, seeds[places], present, level, event))
    return pd.DataFrame(records)


def _cell(cell: pd.DataFrame, seeds: np.ndarray, phases: list[str], level: float, event: str) -> dict[str, float]:
    """What is said of the runs of one cell."""
    labels = series(cell, "phase")
    is_decided = (labels != "undecided").to_numpy()
    decided = rows(cell, is_decided)
    general, fell = (series(decided, "phase").isin(phases).to_numpy() for phases in (GENERALIZED, FELL))
    share = wilson(np.array(np.count_nonzero(general)), np.array(len(decided)), level)
    steps = event_values(decided, event)
    median = _median(steps, seeds[is_decided], level)
    return (
        {"runs": len(cell), "decided": len(decided)}
        | {phase: float((labels == phase).mean()) for phase in phases}
        | dict(zip(("generalized", "generalized_low", "generalized_high"), map(float, share), strict=True))
        | dict(zip((event, f"{event}_low", f"{event}_high"), median, strict=True))
        | {"censored": int(np.count_nonzero(np.isinf(steps) & ~fell)), "fell": int(np.count_nonzero(fell))}
    )


def _median(steps: np.ndarray, seeds: np.ndarray, level: float) -> tuple[float, ...]:
    if not len(steps):
        return np.nan, np.nan, np.nan
    return tuple(float(value) for value in bootstrap_median(steps, seeds, level=level))
