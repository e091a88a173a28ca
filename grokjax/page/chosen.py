"""Which runs does the filter of the page leave? It is the `--where` of the commands."""

from typing import Any

import numpy as np
import pandas as pd

from grokjax.analysis.columns import aliases, array, find, series
from grokjax.reader.conditions import holds, read_condition
from grokjax.results.growing import Snapshot

Cell = tuple[tuple[str, Any], ...]
"""Columns with the values that the runs of a cell have there."""


def chosen_runs(snapshot: Snapshot, where: str, cell: Cell = ()) -> pd.DataFrame:
    """The runs for which a condition holds; all for an empty one.

    Args:
      where: may name columns of the table and settings that all runs share.
      cell: restricts them to one cell of a diagram.

    Raises:
      ValueError: it is no condition, or names what no run has.
    """
    runs = snapshot.runs
    if where.strip() and len(runs):
        columns: dict[str, Any] = {str(name): array(series(runs, str(name))) for name in runs}
        shared = {path: value for path, value in snapshot.spec.get("settings", {}).items() if path not in columns}
        columns |= {path: np.full(len(runs), value, object) for path, value in shared.items() if value is not None}
        runs = runs.loc[holds(read_condition(where, "filter"), columns, "filter", aliases(runs))]
    for name, value in cell:
        runs = runs.loc[(series(runs, find(name, runs.columns)) == value).to_numpy(bool)]
    return runs


def num_values(runs: pd.DataFrame, name: str) -> int:
    """How many values a column has."""
    return len(series(runs, name).unique())


def plain(value: Any) -> Any:
    """A value of a table as JSON has it: nothing for NaN and infinity."""
    if value is None or value is pd.NA:
        return None
    if isinstance(value, np.generic):
        value = value.item()
    return None if isinstance(value, float) and not np.isfinite(value) else value
