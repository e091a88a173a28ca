"""How does a number of the table change along an axis, for each value of another? Medians, and how sure they are."""

import dataclasses

import numpy as np
import pandas as pd

from grokjax.analysis.censoring import event_values
from grokjax.analysis.chance import fewest_seeds
from grokjax.analysis.columns import distinct, find, has_values, rows, seed_ids, series, sorted_values
from grokjax.analysis.diagram import pooled_axes
from grokjax.analysis.intervals import bootstrap_median

LEVEL = 0.95
"""Of the intervals."""


@dataclasses.dataclass(frozen=True)
class ValueLines:
    """A number along an axis, one line for each value of another.

    Attributes:
      x_name, by_name, value_name: full column names; `by_name` is empty for a single line.
      x, by: values of the axes, sorted; one empty text as `by` for a single line.
      median, low, high: [by, x] over the runs there, and the interval from drawing seeds anew, +inf where it is never
        reached; NaN without runs, limits also with fewer seeds than say anything.
      n: [by, x] int64, runs behind it.
      never: [by, x] int64, runs among these for which the event never came.
      unknown: [by, x] int64, further runs, without a value: of the delay those that came to neither of its events.
      runs: [run, 3] float64, of each run its place in `by`, in `x`, and its value, which may be infinite or NaN.
      pooled: axes other than seeds in which runs at one place of a line differ.
      left_out: number of runs without a value of an axis.
    """

    x_name: str
    by_name: str
    value_name: str
    x: np.ndarray
    by: np.ndarray
    median: np.ndarray
    low: np.ndarray
    high: np.ndarray
    n: np.ndarray
    never: np.ndarray
    unknown: np.ndarray
    runs: np.ndarray
    pooled: tuple[str, ...]
    left_out: int


def value_lines(runs: pd.DataFrame, value: str, x: str, by: str | None = None) -> ValueLines:
    """The median of a column along `x`, for each value of `by`; equal histories count once, never is +inf.

    Args:
      runs: one row per run.
      value: a column of numbers, or its last word when no other column ends so.
      x, by: columns of the axes, likewise.

    Raises:
      ValueError: a column is missing, ambiguous, an axis twice or holds no numbers, or no run has a value.
    """
    x_name, by_name, value_name = find(x, runs.columns), find(by, runs.columns) if by else "", find(value, runs.columns)
    if x_name == by_name:
        raise ValueError(f"{x_name} is both the axis and what tells lines apart")
    if value_name in (x_name, by_name):
        raise ValueError(f"{value_name} is both what is drawn and an axis")
    if not pd.api.types.is_numeric_dtype(runs[value_name]):
        raise ValueError(f"{value_name} holds no numbers")
    axes = [name for name in (x_name, by_name) if name]
    runs = distinct(runs)
    used = rows(runs, has_values(runs, axes))
    values = event_values(used, value_name).astype(np.float64)
    if np.isnan(values).all():
        raise ValueError(f"no run has a value of {' and '.join([*axes, value_name])}")
    x_values = sorted_values(series(used, x_name))
    by_values = sorted_values(series(used, by_name)) if by_name else np.array([""])
    row = _places(series(used, by_name), by_values) if by_name else np.zeros(len(used), int)
    column = _places(series(used, x_name), x_values)
    told = _medians(row, column, values, seed_ids(used, but=axes), (len(by_values), len(x_values)))
    return ValueLines(
        x_name,
        by_name,
        value_name,
        x_values,
        by_values,
        *told,
        runs=np.stack([row, column, values], axis=1),
        pooled=pooled_axes(used, axes),
        left_out=len(runs) - len(used),
    )


def _medians(
    row: np.ndarray, column: np.ndarray, values: np.ndarray, seeds: np.ndarray, shape: tuple[int, int]
) -> tuple[np.ndarray, ...]:
    """Median, its limits, and how many runs are behind it, never came and have no value: [row, column] each."""
    median, low, high = (np.full(shape, np.nan) for _ in range(3))
    n, never, unknown = (np.zeros(shape, np.int64) for _ in range(3))
    for place in sorted(set(zip(row.tolist(), column.tolist(), strict=True))):
        is_here = (row == place[0]) & (column == place[1])
        is_known = is_here & ~np.isnan(values)
        n[place], unknown[place] = np.count_nonzero(is_known), np.count_nonzero(is_here & ~is_known)
        never[place] = np.count_nonzero(np.isposinf(values[is_known]))
        if not is_known.any():
            continue
        known = bootstrap_median(values[is_known], seeds[is_known], level=LEVEL)
        median[place] = known.estimate
        if len(np.unique(seeds[is_known])) >= fewest_seeds(LEVEL):
            low[place], high[place] = known.low, known.high
    return median, low, high, n, never, unknown


def _places(column: pd.Series, values: np.ndarray) -> np.ndarray:
    """[run] where the value of each run stands among sorted ones."""
    place = {value: index for index, value in enumerate(values.tolist())}
    return np.array([place[value] for value in column.tolist()], int)
