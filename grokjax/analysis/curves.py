"""How does a measure go with the step, over the runs of a group? Quantile bands over runs on common steps.

A run is a step function: at a step it has the value of its last look up to there. Nothing is averaged away: how many
runs stand behind each point, and why others do not, is part of the result.
"""

import dataclasses

import numpy as np

from grokjax.analysis.history import Looks
from grokjax.analysis.intervals import between

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
POINTS = 400
_BEYOND = 2**40  # above every step, so that the runs of a group can be searched in one sorted list


@dataclasses.dataclass(frozen=True)
class Bands:
    """Quantiles over runs at common steps; every run is counted exactly once at each of them.

    Attributes:
      steps: [point] int64.
      quantiles: [quantile] which ones.
      values: [quantile, point]; NaN where no run is left.
      n: [point] runs behind `values`, the held ones among them.
      held: [point] runs that had ended as generalized before, held at their last value.
      diverged: [point] runs that had diverged before; left out.
      ended: [point] runs that had ended or not got further yet; left out.
      missing: [point] runs whose value is NaN, or that were not looked at up to there; left out.
    """

    steps: np.ndarray
    quantiles: tuple[float, ...]
    values: np.ndarray
    n: np.ndarray
    held: np.ndarray
    diverged: np.ndarray
    ended: np.ndarray
    missing: np.ndarray


def common_steps(looks: Looks, points: int = POINTS) -> np.ndarray:
    """[point] int64, all steps at which a run was looked at, thinned evenly in their order to at most `points`."""
    steps = np.unique(looks.steps[looks.present])
    if len(steps) <= points:
        return steps
    return steps[np.unique(np.linspace(0, len(steps) - 1, points).round().astype(int))]


def bands(
    looks: Looks, values: np.ndarray, steps: np.ndarray | None = None, quantiles: tuple[float, ...] = QUANTILES
) -> Bands:
    """Quantiles of `values` over all runs of `looks`; take the runs of a group with `looks.take`.

    Args:
      looks: when the runs were looked at, and how they ended.
      values: [run, look], for example `looks.accuracy("test")` or `looks.seen("test/loss")`.
      steps: [point] where to give them; the steps of the looks when absent.
      quantiles: which ones, each in [0, 1].
    """
    steps = common_steps(looks) if steps is None else np.unique(np.asarray(steps, np.int64))
    at = values_at(looks, values, steps)
    beyond = steps > looks.final_step[:, None]
    diverged = beyond & looks.is_diverged[:, None]
    held = beyond & (np.asarray(looks.stop_reason) == "grokked")[:, None] & ~diverged & ~np.isnan(at)
    ended = beyond & ~diverged & ~held & (looks.final_step >= 0)[:, None]
    missing = np.isnan(at) & ~diverged & ~ended
    kept = np.where(diverged | ended, np.nan, at)
    n = np.count_nonzero(~np.isnan(kept), axis=0)
    return Bands(
        steps=steps,
        quantiles=tuple(quantiles),
        values=_quantiles(kept, n, quantiles),
        n=n,
        held=np.count_nonzero(held, axis=0),
        diverged=np.count_nonzero(diverged, axis=0),
        ended=np.count_nonzero(ended, axis=0),
        missing=np.count_nonzero(missing, axis=0),
    )


def values_at(looks: Looks, values: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """[run, point] float64, the value at the last look up to each of `steps`; NaN before the first look."""
    width = looks.steps.shape[1]
    if width == 0:
        return np.full((looks.num_runs, len(steps)), np.nan)
    offset = np.arange(looks.num_runs, dtype=np.int64)[:, None] * 2 * _BEYOND
    known = (np.where(looks.present, looks.steps, _BEYOND) + offset).ravel()
    seen = np.searchsorted(known, (steps + offset).ravel(), side="right").reshape(-1, len(steps))
    look = seen - 1 - np.arange(looks.num_runs)[:, None] * width
    latest = np.take_along_axis(values, np.maximum(look, 0), axis=1).astype(np.float64)
    return np.where(look >= 0, latest, np.nan)


def _quantiles(values: np.ndarray, n: np.ndarray, quantiles: tuple[float, ...]) -> np.ndarray:
    """[quantile, point] of the values [run, point] that are not NaN."""
    if values.shape[0] == 0:
        return np.full((len(quantiles), values.shape[1]), np.nan)
    ordered = np.sort(values, axis=0)  # NaN last
    result = np.empty((len(quantiles), values.shape[1]))
    for row, q in enumerate(quantiles):
        position = q * np.maximum(n - 1, 0)
        low = np.floor(position).astype(int)
        high = np.minimum(low + 1, np.maximum(n - 1, 0))
        below, above = (np.take_along_axis(ordered, index[None], axis=0)[0] for index in (low, high))
        result[row] = between(below, above, position - low)
    return np.where(n > 0, result, np.nan)
