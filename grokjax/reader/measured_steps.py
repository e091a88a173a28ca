"""At which steps is a run looked at? Whole numbers of updates that depend on the sweep file alone.

Step 0 and the last step are always among them. Once a horizon is named, a longer budget leaves the earlier steps alone.
"""

import dataclasses
import functools
import math
from fractions import Fraction
from typing import Any

import numpy as np

from grokjax.core.interfaces import Measure, Probe

FORMS = ("every", "log", "linear", "per_decade", "ratio")
LISTED = "listed"


@dataclasses.dataclass(frozen=True)
class Cadence:
    """A rule for steps.

    Attributes:
      form: `every` N steps; N `log` or `linear` ones, evenly up to the horizon and in the same way beyond it; N steps
        `per_decade`; each step at most `ratio` times the one before; or the `listed` ones.
      number: N, the ratio, or the steps, increasing.
      horizon: for log and linear: the step that their N steps reach; None for the budget.
    """

    form: str
    number: Any
    horizon: int | None = None


@dataclasses.dataclass(frozen=True)
class MeasurePlan:
    """What is measured, and when.

    Attributes:
      every: when all measures are taken.
      looks: when it is only counted how many examples are right, which is cheap and finds crossings.
      what: the measures; `fit` is always the first.
      probes: what is computed of stored networks once their runs have ended.
    """

    every: Cadence
    looks: Cadence
    what: tuple[Measure, ...]
    probes: tuple[Probe, ...] = ()


def measured_steps(plan: MeasurePlan, steps: int) -> np.ndarray:
    """Steps with all measures, [row] int64, increasing from 0 to `steps`."""
    return cadence_steps(plan.every, steps)


def look_steps(plan: MeasurePlan, steps: int) -> np.ndarray:
    """Steps with at least a look, [look] int64, increasing from 0 to `steps`: the looks and the measured steps."""
    return np.union1d(cadence_steps(plan.looks, steps), measured_steps(plan, steps))


def cadence_steps(cadence: Cadence, steps: int) -> np.ndarray:
    """Steps of one rule up to `steps`, [step] int64, with 0 and `steps`."""
    horizon = steps if cadence.horizon is None else cadence.horizon
    if cadence.form == LISTED:
        due = np.array(cadence.number, np.int64)
    elif cadence.form == "every":
        due = np.arange(0, steps + 1, int(cadence.number), dtype=np.int64)
    elif cadence.form == "linear":
        due = _even(int(cadence.number), horizon, steps)
    elif cadence.form == "log":
        due = _powers(_log_ratio(int(cadence.number), horizon), steps)
    elif cadence.form == "per_decade":
        due = _powers(math.log(10) / cadence.number, steps)
    else:
        due = _grown(Fraction(str(cadence.number)), steps)
    return np.union1d(due[due <= steps], np.array([0, steps], np.int64))


def _even(count: int, horizon: int, last: int) -> np.ndarray:
    """Multiples of horizon / count, rounded, at least 1 apart."""
    count = min(count, horizon)
    index = np.arange(last * count // horizon + 2, dtype=np.int64)
    return (2 * index * horizon + count) // (2 * count)


def _powers(log_ratio: float, last: int) -> np.ndarray:
    """Powers of a ratio from 1 to beyond `last`, rounded, each once."""
    count = int(math.log(max(last, 1)) / log_ratio) + 2
    exponents = log_ratio * np.arange(count)
    return np.unique(np.floor(np.exp(np.minimum(exponents, 43.0)) + 0.5 + 1e-9).astype(np.int64))


@functools.lru_cache(maxsize=256)
def _log_ratio(count: int, horizon: int) -> float:
    """Logarithm of the ratio whose powers give `count` different whole numbers (or all there are) from 1 to `horizon`.

    Small powers round to the same number, so there are more powers than steps.
    """
    if horizon < 2 or count < 2:
        return math.log(max(horizon, 2))
    wanted = min(count, horizon)
    enough = wanted

    def distinct(powers: int) -> int:
        rounded = _powers(math.log(horizon) / (powers - 1), horizon)
        return int(np.sum(rounded <= horizon))

    while distinct(enough) < wanted:
        enough *= 2
    low, high = max(enough // 2, 2), enough
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if distinct(middle) >= wanted else (middle + 1, high)
    return math.log(horizon) / (high - 1)


def _grown(ratio: Fraction, last: int) -> np.ndarray:
    """0, 1, 2, ...: each the largest whole number within `ratio` of the one before, at least one more."""
    steps = [0, 1]
    while steps[-1] < last:
        steps.append(max(steps[-1] + 1, math.floor(steps[-1] * ratio)))
    return np.array(steps, np.int64)
