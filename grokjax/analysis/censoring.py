"""When did a run get there, if it did not? +inf for never, NaN where that cannot be said."""

import numpy as np
import pandas as pd

from grokjax.analysis.columns import find, numbers, series

FELL = ("diverged", "collapsed", "forgetting")
"""Phases of runs that never got there, whenever they first generalized: they are not censored."""


def is_event(name: str) -> bool:
    """Whether a column says when something happened, so that it is empty where it never did."""
    return name.startswith("steps_to_") or name == "log10_delay"


def event_values(runs: pd.DataFrame, name: str) -> np.ndarray:
    """[run] float64 of a column of the table; of events +inf where they never came.

    The delay is +inf without generalization, -inf without a fit, and NaN, unknown, with neither.
    """
    name = find(name, runs.columns)
    values = numbers(series(runs, name))
    if not is_event(name):
        return values
    is_late = name == "log10_delay" or "test" in name or "generalized" in name
    fell = series(runs, find("phase", runs.columns)).isin(FELL).to_numpy() & is_late
    never = np.isnan(values) | fell
    if name != "log10_delay":
        return np.where(never, np.inf, values)
    has = {event: _came(runs, f"steps_to_{event}") for event in ("fit", "generalized")}
    without_fit = ~has["fit"] & has["generalized"] & ~fell
    delay = np.where(without_fit, -np.inf, np.where(never, np.inf, values))
    return np.where(has["fit"] | has["generalized"], delay, np.nan)


def _came(runs: pd.DataFrame, name: str) -> np.ndarray:
    return ~np.isnan(numbers(series(runs, find(name, runs.columns))))
