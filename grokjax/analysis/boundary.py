"""Where along an axis does the chance to generalize cross 1/2, and how far could that be off?

For each value of `y` the share of runs that generalize is made monotone in `x` (isotonic regression: the monotone
shares nearest to those seen), and the crossing is interpolated between two neighbouring values of `x`. The interval
draws the seeds anew and goes from grid value to grid value: between two of them nothing was run, so it is never
narrower than the gap around the crossing. Where the share is not monotone (a window that closes again), `misfit` is
large.
"""

import dataclasses

import numpy as np
import pandas as pd

from grokjax.analysis.columns import distinct, find, has_values, numbers, rows, seed_ids, series, sorted_values
from grokjax.analysis.intervals import RESAMPLES, limits, resampled
from grokjax.analysis.rules import GENERALIZED


@dataclasses.dataclass(frozen=True)
class Boundary:
    """Where the chance crosses 1/2 along `x`, for each value of `y`.

    Attributes:
      x_name, y_name: full column names; `y_name` is empty without a second axis.
      y: [y] values of the second axis; one empty text without it.
      direction: "rising" (likelier at larger x) or "falling".
      at: [y] crossing; -inf below the smallest x, +inf above the largest: censored, not measured. NaN without runs.
      low, high: [y] interval over seeds and grid; may be infinite; NaN with fewer than two seeds.
      status: [y] "crosses", "always" or "never" (the chance is above or below 1/2 at every x), or "no runs".
      misfit: [y] largest distance between a share and its monotone fit.
      n: [y] number of runs behind it.
      undecided: number of runs left out because their phase is undecided.
    """

    x_name: str
    y_name: str
    y: np.ndarray
    direction: str
    at: np.ndarray
    low: np.ndarray
    high: np.ndarray
    status: np.ndarray
    misfit: np.ndarray
    n: np.ndarray
    undecided: int


def boundary(
    runs: pd.DataFrame,
    x: str,
    y: str | None = None,
    direction: str = "auto",
    scale: str = "auto",
    phase: str = "phase",
    level: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Boundary:
    """Find where the chance to generalize crosses 1/2.

    Args:
      runs: one row per run.
      x, y: columns (or last words) of numbers along which to look, and of the axis to look for separately.
      direction: "rising", "falling", or "auto": the one that fits all of `y` together better.
      scale: "linear" or "log" interpolation, or "auto": the one in which the values of `x` are spaced more evenly.
      phase: column with the labels; `rules.GENERALIZED` count as generalized.
      level: of the intervals.
      resamples: draws of the seeds.
      seed: of the generator.
    """
    runs = distinct(runs)
    x_name, y_name, phase = find(x, runs.columns), find(y, runs.columns) if y else "", find(phase, runs.columns)
    labels = series(runs, phase)
    axes = [name for name in (x_name, y_name) if name]
    used = rows(runs, (labels != "undecided").to_numpy() & has_values(runs, axes))
    grid = sorted_values(series(runs, x_name))
    if len(grid) == 0 or not np.issubdtype(grid.dtype, np.number):
        raise ValueError(f"boundary: {x_name!r} holds no numbers")
    y_values = sorted_values(series(runs, y_name)) if y_name else np.array([""])
    seeds = seed_ids(used, but=(x_name, y_name))
    groups = [np.flatnonzero(used[y_name] == value) if y_name else np.arange(len(used)) for value in y_values]
    place = np.searchsorted(grid, numbers(series(used, x_name)))
    success = series(used, phase).isin(GENERALIZED).to_numpy()
    shape = (2, int(seeds.max(initial=-1)) + 1, len(grid))
    tables = [_table(place[group], success[group], seeds[group], shape) for group in groups]
    direction = _direction(tables) if direction == "auto" else direction
    if direction not in ("rising", "falling"):
        raise ValueError(f"boundary: direction {direction!r} is neither 'rising' nor 'falling' nor 'auto'")
    found = [_along(table, grid, direction, _is_log(grid, scale), level, resamples, seed) for table in tables]
    at, low, high, misfit = np.array(found).T
    n = np.array([len(group) for group in groups])
    undecided = int(np.count_nonzero(labels == "undecided"))
    status = _status(at, n, direction)
    return Boundary(x_name, y_name, y_values, direction, at, low, high, status, misfit, n, undecided)


def isotonic(share: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """[..., x] nondecreasing values nearest to `share` in weighted squares.

    At i: the largest over j <= i of the smallest over k >= i of the mean over j..k.
    Where `weight` is 0 the value is one between those of its neighbours; NaN where all weights are 0.
    """
    mass = np.cumsum(weight, axis=-1)
    total = np.cumsum(np.where(weight > 0, share, 0.0) * weight, axis=-1)
    mass, total = (np.concatenate([np.zeros_like(sums[..., :1]), sums], axis=-1) for sums in (mass, total))
    size = share.shape[-1]
    best = np.full(share.shape, -np.inf)
    for start in range(size):
        count = mass[..., start + 1 :] - mass[..., start, None]
        summed = total[..., start + 1 :] - total[..., start, None]
        mean = np.where(count > 0, summed / np.where(count > 0, count, 1), np.inf)
        least = np.minimum.accumulate(mean[..., ::-1], axis=-1)[..., ::-1]
        best[..., start:] = np.maximum(best[..., start:], np.where(np.isinf(least), -np.inf, least))
    return np.where(np.isinf(best), np.nan, best)


def _table(place: np.ndarray, success: np.ndarray, seeds: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """[2, seed, x] number of runs that generalize, and of all runs."""
    table = np.zeros(shape)
    np.add.at(table[0], (seeds, place), success.astype(np.float64))
    np.add.at(table[1], (seeds, place), 1.0)
    return table


def _direction(tables: list[np.ndarray]) -> str:
    """The direction whose monotone fit leaves less, over all values of y together."""
    left = {"rising": 0.0, "falling": 0.0}
    for table in tables:
        success, total = table.sum(axis=1)
        seen = total > 0
        share = success[seen] / total[seen]
        for name, sign in (("rising", 1), ("falling", -1)):
            fit = isotonic(share[::sign], total[seen][::sign])[::sign]
            left[name] += float(np.sum(total[seen] * (share - fit) ** 2))
    return "falling" if left["falling"] < left["rising"] else "rising"


def _along(
    table: np.ndarray, grid: np.ndarray, direction: str, is_log: bool, level: float, resamples: int, seed: int
) -> tuple[float, float, float, float]:
    """Crossing, low, high and misfit for one value of y."""
    seen = table[1].sum(axis=0) > 0
    if not seen.any():
        return np.nan, np.nan, np.nan, np.nan
    sign = 1 if direction == "rising" else -1
    position = (np.log10(grid) if is_log else grid.astype(np.float64))[seen][::sign] * sign
    success, total = table[0][:, seen][:, ::sign], table[1][:, seen][:, ::sign]

    def crossings(weights: np.ndarray) -> np.ndarray:
        share, mass = _shares(weights @ success, weights @ total)
        drawn = mass.any(axis=-1)[:, None]  # a draw of seeds that have no run here says nothing
        return np.where(drawn, np.stack(_cross(isotonic(share, mass), position), axis=-1), np.nan)

    share, mass = _shares(success.sum(axis=0), total.sum(axis=0))
    fit = isotonic(share, mass)
    at = _cross(fit[None], position)[1][0]
    low = high = np.nan
    if np.count_nonzero(total.sum(axis=1)) > 1:
        draws = resampled(crossings, np.arange(len(total)), resamples, seed)
        low, high = limits(draws[:, 0], level)[0], limits(draws[:, 2], level)[1]
    ends = np.array([at, low, high]) if sign > 0 else -np.array([at, high, low])
    at, low, high = 10.0**ends if is_log else ends
    if is_log:  # 10 ** -inf is 0, which is not what "below the smallest x" means
        at, low, high = np.where(np.isneginf(ends), -np.inf, [at, low, high])
    return float(at), float(low), float(high), float(np.max(np.abs(share - fit)))


def _shares(success: np.ndarray, total: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return success / np.maximum(total, 1.0), total


def _cross(fit: np.ndarray, position: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where nondecreasing `fit` [row, x] reaches 1/2: position before, interpolated, and after; [row] each."""
    row = np.arange(len(fit))
    reached = fit >= 0.5
    place = np.argmax(reached, axis=1)
    never, always = ~reached.any(axis=1), reached[:, 0]
    before = np.maximum(place - 1, 0)
    low, high = fit[row, before], fit[row, place]
    part = np.where(high > low, (0.5 - low) / np.where(high > low, high - low, 1.0), 0.0)
    middle = position[before] + part * (position[place] - position[before])
    outside = [np.where(never, np.inf, np.where(always, -np.inf, inner)) for inner in (middle, position[place])]
    # With a share of 1/2 or more nowhere, the crossing may be anywhere above the last position; and the like below.
    first = np.where(never, position[-1], np.where(always, -np.inf, position[before]))
    last = np.where(always, position[0], outside[1])
    return first, outside[0], last


def _is_log(grid: np.ndarray, scale: str) -> bool:
    if scale not in ("auto", "linear", "log"):
        raise ValueError(f"boundary: scale {scale!r} is neither 'linear' nor 'log' nor 'auto'")
    if scale == "log" and np.any(grid <= 0):
        raise ValueError(f"boundary: a log scale needs positive values, not {grid.min():g}")
    if scale != "auto" or np.any(grid <= 0) or len(grid) < 3:
        return scale == "log"
    plain, log = np.diff(grid.astype(np.float64)), np.diff(np.log10(grid))
    return bool(np.std(log) / np.mean(log) < np.std(plain) / np.mean(plain))


def _status(at: np.ndarray, n: np.ndarray, direction: str) -> np.ndarray:
    below, above = ("always", "never") if direction == "rising" else ("never", "always")
    status = np.where(np.isneginf(at), below, np.where(np.isposinf(at), above, "crosses"))
    return np.where(n > 0, status, "no runs").astype(object)
