"""When did a run fit and when did it generalize, between which two looks, and how far did it get?

Whether an accuracy passes is decided by whole numbers: `correct >= the smallest count that is at least share * size`.
Losses enter extremes as they were seen; a rule that needs a floor under them gives it.
"""

import dataclasses

import numpy as np

from grokjax.analysis.history import Looks

SHARES = {"50": 0.50, "90": 0.90, "95": 0.95, "99": 0.99}
FIT = GENERALIZED = 0.99  # the home of the 99 % of the default rule; the columns of SHARES are other numbers
FEW_NOVEL = 100  # with fewer novel test examples, all of test decides what counts as generalized
HELD = 0.90  # no look after a sustained crossing has a lower accuracy
HELD_SHARE = 0.95  # of the looks after a sustained crossing pass

_BILLION = 10**9
_NEVER = np.iinfo(np.int64).max


@dataclasses.dataclass(frozen=True)
class Crossing:
    """When each run crossed a threshold, in steps, [run] float64: somewhere in (first_after, first_at].

    Attributes:
      first_after: the look before the first passing one; -inf when the first look passes, +inf when none does.
      first_at: the first passing look, whatever comes later; +inf when none passes.
      sustained_at: the first passing look with later ones, of which at least 95 % pass and none falls under 90 %; +inf
        when there is none, and for diverged runs.
      sustained_after: the look before that one; -inf when it is the first look, +inf when there is none.
    """

    first_after: np.ndarray
    first_at: np.ndarray
    sustained_after: np.ndarray
    sustained_at: np.ndarray


@dataclasses.dataclass(frozen=True)
class Delay:
    """How much later than the fit a run generalized, [run] float64; NaN with neither event.

    Attributes:
      difference: in steps; +inf when it never generalized, -inf without a fit.
      ratio: of the two steps, each at least 1; 0 without a fit.
      log10_ratio: its logarithm.
    """

    difference: np.ndarray
    ratio: np.ndarray
    log10_ratio: np.ndarray


@dataclasses.dataclass(frozen=True)
class Extremes:
    """The furthest that each run got at any look, [run] float64; NaN where nothing finite was seen."""

    min_train_loss: np.ndarray
    min_test_loss: np.ndarray
    max_test_train_ratio: np.ndarray
    max_test_accuracy: np.ndarray
    post_peak_drop: np.ndarray  # of test accuracy, from its largest value to the last look


def needed(size: np.ndarray, share: np.ndarray | float, strictly: bool = False) -> np.ndarray:
    """[run] int64, smallest count that is at least (`strictly`: above) share * size; unreachable for an empty group.

    Exact for shares of up to nine decimals.
    """
    size = np.asarray(size, np.int64)
    total = np.rint(np.asarray(share, np.float64) * _BILLION).astype(np.int64) * size
    count = total // _BILLION + 1 if strictly else -(-total // _BILLION)
    return np.where(size > 0, count, _NEVER)


def passes(
    looks: Looks, correct: np.ndarray, size: np.ndarray, share: np.ndarray | float, strictly: bool = False
) -> np.ndarray:
    """[run, look] bool, where an accuracy is at least (`strictly`: above) `share`, by whole numbers."""
    return looks.present & (correct >= needed(size, share, strictly)[:, None])


def first_true(steps: np.ndarray, passing: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Steps of the look before the first passing one and of that one, [run] float64 each; see `Crossing`."""
    if steps.shape[1] == 0:
        return np.full(len(steps), np.inf), np.full(len(steps), np.inf)
    first = np.argmax(passing, axis=1)
    run = np.arange(len(steps))
    has_passed = passing[run, first]
    before = np.where(first > 0, steps[run, np.maximum(first - 1, 0)].astype(np.float64), -np.inf)
    return np.where(has_passed, before, np.inf), np.where(has_passed, steps[run, first].astype(np.float64), np.inf)


def crossing(looks: Looks, correct: np.ndarray, size: np.ndarray, share: float) -> Crossing:
    """When `correct` [run, look] of `size` [run] crossed `share`."""
    passing = passes(looks, correct, size, share)
    first_after, first_at = first_true(looks.steps, passing)
    sustained_after, sustained_at = np.full((2, looks.num_runs), np.inf)
    runs = np.flatnonzero(np.isfinite(first_at) & ~looks.is_diverged)
    floor = needed(size, min(share, HELD))
    falling = looks.present[runs] & (correct[runs] < floor[runs, None])
    held = _is_held(looks.last[runs], passing[runs], falling)
    sustained_after[runs], sustained_at[runs] = first_true(looks.steps[runs], passing[runs] & held)
    return Crossing(first_after, first_at, sustained_after, sustained_at)


def _is_held(last: np.ndarray, passing: np.ndarray, falling: np.ndarray) -> np.ndarray:
    """[run, look] bool, where there are later looks, enough of them pass and none falls under the floor.

    Args:
      last: [run] place of the last look. Nothing was seen after it, so nothing says that what it shows lasts.
      passing, falling: [run, look] bool.
    """
    look = np.arange(passing.shape[1], dtype=np.int32)
    later = last.astype(np.int32)[:, None] - look
    seen = np.cumsum(passing, axis=1, dtype=np.int32)
    later_passing = seen[:, -1:] - seen
    last_fall = np.max(np.where(falling, look, -1), axis=1, initial=-1)
    hundredths = round(100 * HELD_SHARE)
    return (later > 0) & (100 * later_passing >= hundredths * later) & (look >= last_fall[:, None])


def group_crossing(looks: Looks, group: str, share: float) -> Crossing:
    """When the accuracy of a group crossed `share`."""
    return crossing(looks, *looks.correct(group), share)


def fit(looks: Looks, share: float = FIT) -> Crossing:
    """When a run had fitted: `share` of the train examples with a true label right."""
    return group_crossing(looks, "train_clean", share)


def unseen(looks: Looks, few_novel: int = FEW_NOVEL) -> tuple[np.ndarray, np.ndarray]:
    """Number right [run, look] and size [run] of the examples that decide about generalization.

    The novel test examples, or all of test for the runs with fewer than `few_novel` of them.
    """
    (novel, num_novel), (test, num_test) = looks.correct("test_novel"), looks.correct("test")
    few = num_novel < few_novel
    if not few.any():
        return novel, num_novel
    return np.where(few[:, None], test, novel), np.where(few, num_test, num_novel)


def generalized(looks: Looks, share: float = GENERALIZED, few_novel: int = FEW_NOVEL) -> Crossing:
    """When a run had generalized: `share` of the novel test examples right, or of test when few are novel."""
    return crossing(looks, *unseen(looks, few_novel), share)


def lost(looks: Looks, share: float = GENERALIZED) -> np.ndarray:
    """[run] bool, whether a run had generalized and at its last look less than 90 % (or `share`) are still right."""
    correct, size = unseen(looks)
    return np.isfinite(generalized(looks, share).first_at) & (looks.final(correct) < needed(size, min(share, HELD)))


def delay(fit_at: np.ndarray, generalized_at: np.ndarray) -> Delay:
    """How much later than the fit a run generalized, from two [run] arrays of steps with +inf for never."""
    neither = np.isinf(fit_at) & np.isinf(generalized_at)
    first, second = np.where(neither, np.nan, fit_at), np.where(neither, np.nan, generalized_at)
    ratio = np.maximum(second, 1.0) / np.maximum(first, 1.0)
    with np.errstate(divide="ignore"):  # a generalization without a fit has no delay at all: -inf
        log10_ratio = np.log10(ratio)
    return Delay(second - first, ratio, log10_ratio)


def extremes(looks: Looks, floor: float = 0.0) -> Extremes:
    """The extremes over the looks; losses below `floor` count as `floor`."""
    train, test = (np.maximum(looks.seen(f"{group}/loss"), floor) for group in ("train", "test"))
    with np.errstate(all="ignore"):  # a train loss of 0 gives +inf; 0 / 0 counts as not seen
        ratio = test / train
    accuracy = looks.accuracy("test")
    best = _largest(accuracy)
    return Extremes(-_largest(-train), -_largest(-test), _largest(ratio), best, best - looks.final(accuracy))


def _largest(values: np.ndarray) -> np.ndarray:
    """[run] largest value along the looks, NaN ignored; NaN where there is no other."""
    return np.fmax.reduce(values, axis=1, initial=np.nan)
