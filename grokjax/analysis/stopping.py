"""What does a stop rule hide? Runs that it left alone say what became of those that it would have ended."""

import dataclasses
from collections.abc import Sequence

import numpy as np

from grokjax.analysis import events
from grokjax.analysis.history import Looks
from grokjax.analysis.stop_conditions import UNSEEN, StopCondition, ends_at


@dataclasses.dataclass(frozen=True)
class Audit:
    """What the stop rule would have hidden.

    Attributes:
      audited: number of ended runs that the rule left alone.
      stopped: how many of these it would have ended.
      collapsed: how many of those generalized and lost it again: under 90 %, or under that threshold where it is lower.
      diverged: how many of those diverged later.
      late: how many of those had not generalized by then, and did later.
    """

    audited: int
    stopped: int
    collapsed: int
    diverged: int
    late: int = 0


def audit(looks: Looks, is_audited: np.ndarray, conditions: Sequence[StopCondition]) -> Audit:
    """What became of the runs that a stop rule left alone, `is_audited` [run].

    Raises:
      ValueError: a condition is on a measure that is not known at every look.
    """
    ended = np.asarray(is_audited, bool) & (np.asarray(looks.stop_reason) != "running")
    at = ends_at(looks, conditions)
    share = next((condition.value for condition in conditions if condition.measure == UNSEEN), events.GENERALIZED)
    stopped = ended & (at >= 0)
    diverged = stopped & looks.is_diverged
    collapsed = stopped & ~diverged & events.lost(looks, share)
    late = stopped & ~diverged & ~collapsed & (events.generalized(looks, share).first_at > at)
    late &= np.isfinite(events.generalized(looks, share).first_at)
    return Audit(*(int(np.count_nonzero(where)) for where in (ended, stopped, collapsed, diverged, late)))
