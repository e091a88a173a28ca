"""At which look would the stop rule `after_grok` have ended a run? The offline twin of the rule inside the engine.

A run that has generalized may end once it has stayed so for a margin: at the first look whose step is at least
`since + max(steps, ratio * since)`, where `since` is the first look of the unbroken streak of passing looks so far.
"""

import dataclasses

import numpy as np

from grokjax.analysis import events
from grokjax.analysis.history import Looks


@dataclasses.dataclass(frozen=True)
class Audit:
    """What the stop rule would have hidden.

    Attributes:
      audited: number of ended runs that the rule left alone.
      stopped: how many of these it would have ended.
      collapsed: how many of those generalized and lost it again: under 90 %, or under that threshold where it is lower.
      diverged: how many of those diverged later.
    """

    audited: int
    stopped: int
    collapsed: int
    diverged: int


def audit(
    looks: Looks,
    is_audited: np.ndarray,
    steps: float = 300,
    ratio: float = 0.5,
    generalized: float = events.GENERALIZED,
) -> Audit:
    """What became of the runs that the rule `after_grok` left alone, `is_audited` [run]; see `stop_steps`."""
    ended = np.asarray(is_audited, bool) & (np.asarray(looks.stop_reason) != "running")
    stopped = ended & (stop_steps(looks, steps, ratio, generalized) >= 0)
    diverged = stopped & looks.is_diverged
    collapsed = stopped & ~diverged & events.lost(looks, generalized)
    return Audit(*(int(np.count_nonzero(where)) for where in (ended, stopped, collapsed, diverged)))


def streak_starts(steps: np.ndarray, passing: np.ndarray) -> np.ndarray:
    """[run, look] int64, step at which the current unbroken streak of passing looks began; -1 outside a streak."""
    place = np.arange(passing.shape[1])
    last_failing = np.maximum.accumulate(np.where(passing, -1, place), axis=1)
    began = np.minimum(last_failing + 1, passing.shape[1] - 1)
    return np.where(passing, np.take_along_axis(steps, began, axis=1), -1)


def stop_steps(
    looks: Looks, steps: float = 300, ratio: float = 0.5, generalized: float = events.GENERALIZED
) -> np.ndarray:
    """[run] int64, the step at which `after_grok: {steps, ratio}` ends each run; -1 where it never does.

    Args:
      looks: whole histories: of runs that the rule left alone.
      steps: smallest margin, in steps.
      ratio: smallest margin as a share of the step at which the streak began.
      generalized: share of the unseen examples from which a run counts as generalized.
    """
    if looks.steps.shape[1] == 0:
        return np.full(looks.num_runs, -1, np.int64)
    passing = events.passes(looks, *events.unseen(looks), generalized)
    since = streak_starts(looks.steps, passing)
    ends = passing & (looks.steps >= since + np.maximum(float(steps), ratio * since))
    _, at = events.first_true(looks.steps, ends)
    return np.where(np.isfinite(at), at, -1).astype(np.int64)
