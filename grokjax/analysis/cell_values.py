"""What value has a measure over the cells of two axes? Its median over seeds."""

import dataclasses

import numpy as np
import pandas as pd

from grokjax.analysis.censoring import event_values
from grokjax.analysis.columns import distinct, find, has_values, rows, series, sorted_values
from grokjax.analysis.diagram import pooled_axes
from grokjax.analysis.intervals import censored_median


@dataclasses.dataclass(frozen=True)
class CellValues:
    """A number over the cells of two axes.

    Attributes:
      x_name, y_name, value_name: full column names; `y_name` is empty over one axis.
      x, y: values of the axes, sorted. One empty text as `y` over one axis.
      median: [y, x] over the runs of a cell that have a value, +inf where half of them never got there; NaN without.
      n: [y, x] int64, runs behind it.
      pooled: axes other than seeds along which the runs of one cell differ.
      left_out: number of runs without a value of an axis or of the measure.
    """

    x_name: str
    y_name: str
    value_name: str
    x: np.ndarray
    y: np.ndarray
    median: np.ndarray
    n: np.ndarray
    pooled: tuple[str, ...]
    left_out: int


def cell_values(runs: pd.DataFrame, value: str, x: str, y: str | None = None) -> CellValues:
    """The median of a column over the cells of `x` and `y`, equal histories counted once.

    Args:
      runs: one row per run.
      value: a column of numbers, or its last word when no other column ends so.
      x, y: columns of the axes, likewise.

    Raises:
      ValueError: a column is missing, ambiguous or holds no numbers, or no run has a value.
    """
    x_name, y_name, value_name = find(x, runs.columns), find(y, runs.columns) if y else "", find(value, runs.columns)
    if not pd.api.types.is_numeric_dtype(runs[value_name]):
        raise ValueError(f"{value_name} holds no numbers")
    axes = [name for name in (x_name, y_name) if name]
    runs = distinct(runs)
    values = event_values(runs, value_name).astype(np.float64)
    is_used = has_values(runs, axes) & ~np.isnan(values)
    used, values = rows(runs, is_used), values[is_used]
    if used.empty:
        raise ValueError(f"no run has a value of {' and '.join([*axes, value_name])}")
    x_values = sorted_values(series(used, x_name))
    y_values = sorted_values(series(used, y_name)) if y_name else np.array([""])
    median, n = np.full((len(y_values), len(x_values)), np.nan), np.zeros((len(y_values), len(x_values)), np.int64)
    for row, vertical in enumerate(y_values):
        for column, horizontal in enumerate(x_values):
            inside = (used[x_name] == horizontal) & ((used[y_name] == vertical) if y_name else True)
            n[row, column] = np.count_nonzero(inside)
            if inside.any():
                median[row, column] = censored_median(values[inside.to_numpy()])
    return CellValues(
        x_name, y_name, value_name, x_values, y_values, median, n, pooled_axes(used, axes), len(runs) - len(used)
    )
