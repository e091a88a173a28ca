"""Do two histories of one run agree? Bit for bit at every step that either was looked at, and in how the run ended."""

import dataclasses

import numpy as np

from grokjax.store.files import Arrays
from grokjax.store.records import BUDGET

_ENDS = ("final_step", "stop_reason", "diverged_at")


@dataclasses.dataclass
class Difference:
    """What differs between two histories.

    Attributes:
      compared: numbers.
      largest: difference of any of them; 0 when only their bits differ.
      first: what differs first and at which step; empty when nothing does.
    """

    compared: int = 0
    largest: float = 0.0
    first: str = ""


def difference(new: Arrays, stored: Arrays, limit: int, schedule: np.ndarray) -> Difference:
    """Compare a history with the stored one.

    Args:
      new, stored: of one run as in a run file, without the run axis.
      limit: the step up to which the new one was trained, if it did not end before.
      schedule: [look] steps at which the new one was looked at.
    """
    differs = Difference()
    for kind, name in (("looks", "look_step"), ("rows", "row_step")):
        here, there = new[name], _expected(stored, name, limit, schedule)
        here, there = here[here >= 0], stored[name][there]
        if stored["stop_reason"] == BUDGET:
            here = here[here <= stored["budget"]]
        odd = np.setxor1d(here, there)
        if len(odd):
            differs.first = differs.first or f"{kind} at step {odd[0]}, which only one of the two has"
        _note_values(differs, kind, new, stored, name, np.intersect1d(here, there))
    if limit >= stored["final_step"] and (limit == stored["budget"] or stored["stop_reason"] != BUDGET):
        for name in _ENDS:
            if new[name] != stored[name]:
                differs.first = differs.first or f"{name}, {new[name]} where {stored[name]} is stored"
    return differs


def _expected(stored: Arrays, name: str, limit: int, schedule: np.ndarray) -> np.ndarray:
    """Places of the stored steps that the new history must have."""
    steps = stored[name]
    is_due = (steps >= 0) & (steps <= limit)
    if stored["stop_reason"] == BUDGET and stored["budget"] < schedule[-1]:
        is_due &= np.isin(steps, schedule)  # the end of a shorter budget is no step of a longer sweep's schedule
    return np.flatnonzero(is_due)


def _note_values(
    differs: Difference, kind: str, new: Arrays, stored: Arrays, steps_name: str, common: np.ndarray
) -> None:
    """Every value at the steps that both have, by its bits."""
    if not len(common):
        return
    left, right = (np.flatnonzero(np.isin(one[steps_name], common)) for one in (new, stored))
    for name in (one for one in new if one.startswith(f"{kind}/")):
        a, b = new[name][left], stored[name][right]
        differs.compared += a.size
        same = a.view(np.uint8).reshape(len(common), -1) == b.view(np.uint8).reshape(len(common), -1)
        if not np.all(same):
            step = int(common[np.argmin(np.all(same, axis=1))])
            differs.first = differs.first or f"{name.removeprefix(kind + '/')} at step {step}"
            with np.errstate(invalid="ignore"):
                difference = np.abs(a.astype(np.float64) - b.astype(np.float64))
            differs.largest = float(np.max(difference[~np.isnan(difference)], initial=differs.largest))
