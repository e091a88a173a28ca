"""At which look would a condition of the stop rule have ended a run? The offline twin of `train/stop_rules.py`."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from grokjax.analysis import events
from grokjax.analysis.history import Looks

UNSEEN = "unseen/accuracy"


class StopCondition(NamedTuple):
    """A run ends once this has held at every look for max(steps, ratio * step at which it began to hold).

    Attributes:
      measure: name of a scalar that is known at every look, or `unseen/accuracy`: what decides about generalization.
      test: `at_least`, `below`, or `no_new`: without a new extreme.
      value: compared with; for `no_new` 1 where the highest is the best, -1 where the lowest is.
      steps, ratio: of the margin.
    """

    measure: str
    test: str
    value: float
    steps: float = 0
    ratio: float = 0.0


def stop_conditions(stop: dict[str, Any]) -> list[StopCondition]:
    """The conditions of a sweep's stop rule as spec.json has it: that of generalization first, then its own."""
    own = [StopCondition(**condition) for condition in stop.get("when", [])]
    if stop["steps"] is None:
        return own
    return [StopCondition(UNSEEN, "at_least", stop.get("at", events.GENERALIZED), stop["steps"], stop["ratio"]), *own]


def ends_at(looks: Looks, conditions: Sequence[StopCondition]) -> np.ndarray:
    """[run] int64, the step of the first look at which any condition ends a run; -1 where none does.

    Raises:
      ValueError: a condition is on a measure that is not known at every look.
    """
    ends = np.zeros(looks.steps.shape, bool)
    for condition in conditions:
        since = held_since(condition, *looked_at(looks, condition.measure), looks.present)
        began = np.take_along_axis(looks.steps, np.maximum(since, 0), axis=1) if looks.steps.shape[1] else looks.steps
        is_long = looks.steps >= began + np.maximum(float(condition.steps), condition.ratio * began)
        ends |= looks.present & (since >= 0) & is_long
    _, at = events.first_true(looks.steps, ends)
    return np.where(np.isfinite(at), at, -1).astype(np.int64)


def is_looked_at(looks: Looks, measure: str) -> bool:
    """Whether a measure is known at every look, so that a condition on it can be examined."""
    group = measure.removesuffix("/accuracy")
    return measure == UNSEEN or measure in looks.columns or (group != measure and f"{group}/correct" in looks.columns)


def looked_at(looks: Looks, measure: str) -> tuple[np.ndarray, np.ndarray | None]:
    """Values [run, look] of a measure and, where it is an accuracy, the number of examples [run] they are counts of."""
    if measure == UNSEEN:
        return events.unseen(looks)
    if measure.endswith("/accuracy"):
        return looks.correct(measure.removesuffix("/accuracy"))
    return looks.column(measure), None


def held_since(condition: StopCondition, values: np.ndarray, sizes: np.ndarray | None, known: np.ndarray) -> np.ndarray:
    """[run, look] int64, place of the look since which a condition has held without a break; -1 where it does not.

    Args:
      values: [run, look] of the measure, numbers right where it is an accuracy.
      sizes: [run] number of examples of an accuracy, else None.
      known: [run, look] bool, where the measure was taken; elsewhere nothing changes.
    """
    look = np.broadcast_to(np.arange(known.shape[1]), known.shape)
    if known.shape[1] == 0:
        return np.full(known.shape, -1, np.int64)
    if condition.test == "no_new":
        return _last_best(np.where(known, condition.value * values.astype(np.float64), np.nan), known)
    if sizes is None:
        compared = np.asarray(condition.value, values.dtype)
        passing = values >= compared if condition.test == "at_least" else values < compared
    else:
        reached = values >= events.needed(sizes, condition.value)[:, None]
        passing = (reached if condition.test == "at_least" else ~reached) & (sizes > 0)[:, None]
    failed = np.maximum.accumulate(np.where(known & ~passing, look, -1), axis=1)
    # The first passing look after the last failing one, found from behind.
    following = np.where(known & passing, look, known.shape[1])[:, ::-1]
    following = np.minimum.accumulate(following, axis=1)[:, ::-1]
    following = np.concatenate([following, np.full((len(known), 1), known.shape[1])], axis=1)
    began = np.take_along_axis(following, failed + 1, axis=1)
    return np.where(began <= look, began, -1)


def _last_best(values: np.ndarray, known: np.ndarray) -> np.ndarray:
    """[run, look] place of the best value so far, the first of equals; a NaN is worse than anything and never kept."""
    worst = np.where(np.isnan(values), -np.inf, values)
    before = np.maximum.accumulate(worst, axis=1)
    before = np.concatenate([np.full((len(values), 1), -np.inf), before[:, :-1]], axis=1)
    begins = known & ((worst > before) | np.isneginf(before))
    return np.maximum.accumulate(np.where(begins, np.arange(values.shape[1]), -1), axis=1)
