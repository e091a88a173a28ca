"""Which settings does it hang on whether, and when, a run generalizes? Rank correlations over cells, with intervals.

Spearman's correlation of a setting with an outcome, ties at their mean rank, over the cells of a sweep (the draws of a
random one). The interval draws the cells anew, each with all of its seeds. A rank correlation sees what rises or falls:
of a window, in which a setting must be neither small nor large, it may see nothing.
"""

import numpy as np
import pandas as pd

from grokjax.analysis.censoring import event_values
from grokjax.analysis.columns import numbers, rows, series
from grokjax.analysis.intervals import RESAMPLES, censored_median, limits
from grokjax.analysis.rules import GENERALIZED

OUTCOMES = ("generalized", "steps_to_generalized")
FEWEST = 5
"""With fewer cells no interval is given."""


def importance(
    runs: pd.DataFrame, axes: list[str], level: float = 0.95, resamples: int = RESAMPLES, seed: int = 0
) -> pd.DataFrame:
    """One row per setting and outcome, the strongest correlation with whether runs generalize first.

    Args:
      runs: one row per run, with `phase`, `steps_to_generalized` and the axes; undecided runs are left out.
      axes: columns that tell cells apart; those that hold numbers are the settings.
      level: of the intervals.
      resamples: draws of the cells.
      seed: of the generator.

    Columns:
      setting: the path of an axis.
      outcome: `generalized`, the share of a cell's runs that do; `steps_to_generalized`, their median step, where never
        comes last and a collapsed run never did.
      correlation: in [-1, 1]; NaN where all cells have the same outcome.
      low, high: its interval; NaN with fewer than five cells.
      cells: number of cells behind it.
    """
    decided = rows(runs, (series(runs, "phase") != "undecided").to_numpy())
    varying = [axis for axis in axes if series(decided, axis).nunique() > 1]
    settings = [axis for axis in varying if pd.api.types.is_numeric_dtype(series(decided, axis))]
    columns = pd.Index(["setting", "outcome", "correlation", "low", "high", "cells"])
    if not settings:
        return pd.DataFrame(columns=columns)
    cells = list(decided.groupby(varying, sort=True, dropna=False).indices.values())
    is_general = series(decided, "phase").isin(GENERALIZED).to_numpy()
    steps = event_values(decided, "steps_to_generalized")
    outcomes = {
        "generalized": np.array([is_general[cell].mean() for cell in cells]),
        "steps_to_generalized": np.array([censored_median(steps[cell]) for cell in cells]),
    }
    first = [cell[0] for cell in cells]
    drawn = np.random.default_rng(seed).integers(len(cells), size=(resamples, len(cells)))
    records = []
    for axis in settings:
        values = numbers(series(decided, axis))[first]
        for outcome, reached in outcomes.items():
            low = high = np.nan
            if len(cells) >= FEWEST:
                low, high = limits(_spearman(values[drawn], reached[drawn]), level)
            correlation = _spearman(values[None], reached[None])[0]
            records.append((axis, outcome, correlation, float(low), float(high), len(cells)))
    strength = {row[0]: np.nan_to_num(abs(row[2])) for row in records if row[1] == "generalized"}
    return pd.DataFrame(sorted(records, key=lambda row: -strength[row[0]]), columns=columns)


def _spearman(values: np.ndarray, reached: np.ndarray) -> np.ndarray:
    """[row] rank correlation of [row, cell] with [row, cell]; NaN where one of them is constant."""
    first, second = (pd.DataFrame(each).rank(axis=1).to_numpy() for each in (values, reached))
    first, second = (each - each.mean(axis=1, keepdims=True) for each in (first, second))
    size = np.sqrt(np.sum(first**2, axis=1) * np.sum(second**2, axis=1))
    return np.where(size > 0, np.sum(first * second, axis=1) / np.where(size > 0, size, 1.0), np.nan)
