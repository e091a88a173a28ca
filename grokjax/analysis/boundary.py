"""Where along an axis does the chance to generalize cross 1/2, and how far could that be off?

For each value of `y` the share of runs that generalize is made monotone in `x` (isotonic regression: the monotone
shares nearest to those seen), and the crossing is interpolated between two neighbouring values of `x`. The interval
draws the seeds anew and goes from grid value to grid value: between two of them nothing was run, so it is never
narrower than the gap around the crossing.

Where the shares themselves cross 1/2 more than once, and a monotone truth is refused (`shapes.is_refused`), the row is
cut in two at a peak (a window: generalizes inside) or at a trough (a gap: generalizes outside), wherever that leaves
least. Each part is monotone and has an edge of its own, found in the same way; the cut itself stays as it was seen when
seeds are drawn anew. Where such a shape is refused too, no edge is given: there are several windows.
"""

import dataclasses

import numpy as np
import pandas as pd

from grokjax.analysis.columns import distinct, find, has_values, numbers, rows, seed_ids, series, sorted_values
from grokjax.analysis.intervals import RESAMPLES, limits, resampled
from grokjax.analysis.rules import GENERALIZED
from grokjax.analysis.shapes import best_peak, fitted, is_refused, isotonic

HALF = 0.5
"""The chance that is crossed."""


@dataclasses.dataclass(frozen=True)
class Boundary:
    """Where the chance crosses 1/2 along `x`, for each value of `y`.

    Attributes:
      x_name, y_name: full column names; `y_name` is empty without a second axis.
      y: [y] values of the second axis; one empty text without it.
      direction: "rising" (likelier at larger x) or "falling".
      at: [y] crossing; -inf below the smallest x, +inf above the largest: censored, not measured. NaN without runs, and
        where there is not one edge.
      low, high: [y] interval over seeds and grid; may be infinite; NaN with fewer than two seeds.
      edges: [y, 2] lower and upper edge of a window or a gap; infinite where it reaches beyond the values of x; NaN for
        every other status.
      edges_low, edges_high: [y, 2] their intervals, as `low` and `high`.
      status: [y] "crosses", "always" or "never" (the chance is above or below 1/2 at every x), "window" (above 1/2
        between two edges only), "gap" (below 1/2 between two edges only), "not monotone", or "no runs".
      reason: [y] why there is no edge; empty where there is one.
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
    edges: np.ndarray
    edges_low: np.ndarray
    edges_high: np.ndarray
    status: np.ndarray
    reason: np.ndarray
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
    x_index = np.searchsorted(grid, numbers(series(used, x_name)))
    success = series(used, phase).isin(GENERALIZED).to_numpy()
    shape = (2, int(seeds.max(initial=-1)) + 1, len(grid))
    tables = [_table(x_index[group], success[group], seeds[group], shape) for group in groups]
    direction = _direction(tables, direction)
    search = _Search(grid, _is_log(grid, scale), level, resamples, seed)
    results = [search.row(table, direction) for table in tables]
    edge, edges = (np.array([[*getattr(row, name)] for row in results]) for name in ("edge", "edges"))
    return Boundary(
        x_name=x_name,
        y_name=y_name,
        y=y_values,
        direction=direction,
        at=edge[:, 0],
        low=edge[:, 1],
        high=edge[:, 2],
        edges=edges[..., 0],
        edges_low=edges[..., 1],
        edges_high=edges[..., 2],
        status=np.array([row.status for row in results], object),
        reason=np.array([row.reason for row in results], object),
        misfit=np.array([row.misfit for row in results]),
        n=np.array([len(group) for group in groups]),
        undecided=int(np.count_nonzero(labels == "undecided")),
    )


def _table(x_index: np.ndarray, success: np.ndarray, seeds: np.ndarray, shape: tuple[int, int, int]) -> np.ndarray:
    """[2, seed, x] number of runs that generalize, and of all runs."""
    table = np.zeros(shape)
    np.add.at(table[0], (seeds, x_index), success.astype(np.float64))
    np.add.at(table[1], (seeds, x_index), 1.0)
    return table


def _direction(tables: list[np.ndarray], asked: str) -> str:
    """The direction that is asked for; `auto` is the one whose monotone fit leaves less, over all values of y together.

    Raises:
      ValueError: there is no such direction.
    """
    if asked in ("rising", "falling"):
        return asked
    if asked != "auto":
        raise ValueError(f"boundary: direction {asked!r} is neither 'rising' nor 'falling' nor 'auto'")
    left = {"rising": 0.0, "falling": 0.0}
    for table in tables:
        success, total = table.sum(axis=1)
        seen = total > 0
        share = success[seen] / total[seen]
        for name, sign in (("rising", 1), ("falling", -1)):
            fit = isotonic(share[::sign], total[seen][::sign])[::sign]
            left[name] += float(np.sum(total[seen] * (share - fit) ** 2))
    return "falling" if left["falling"] < left["rising"] else "rising"


_Edge = tuple[float, float, float]  # crossing, low and high
_NO_EDGE = (np.nan, np.nan, np.nan)


@dataclasses.dataclass(frozen=True)
class _Row:
    """What is found for one value of y; see `Boundary`."""

    status: str
    edge: _Edge = _NO_EDGE
    edges: tuple[_Edge, _Edge] = (_NO_EDGE, _NO_EDGE)
    misfit: float = np.nan
    reason: str = ""


@dataclasses.dataclass(frozen=True)
class _Search:
    """How edges are searched on the grid of x."""

    grid: np.ndarray
    is_log: bool
    level: float
    resamples: int
    seed: int

    def row(self, table: np.ndarray, direction: str) -> _Row:
        """The edges of one value of y, from the counts [2, seed, x]."""
        seen = table[1].sum(axis=0) > 0
        if not seen.any():
            return _Row("no runs")
        table, grid = table[..., seen], self.grid[seen]
        success, total = table.sum(axis=1)
        share = success / total
        rising = direction == "rising"
        fit = isotonic(share, total) if rising else isotonic(share[::-1], total[::-1])[::-1]
        edge, misfit = self._edge(table, grid, rising), float(np.max(np.abs(share - fit)))
        is_above = share >= HALF
        is_sorted = bool(np.all(np.diff((is_above if rising else is_above[::-1]).astype(int)) >= 0))
        single = _Row(_status(edge[0], rising), edge, misfit=misfit)
        if is_sorted or not self._is_refused(share, total, len(share) - 1 if rising else 0):
            return single
        status, edges = self._two_edges(table, grid, share, total)
        if edges is not None:
            return _Row(status, edges=edges, misfit=misfit)
        if status and single.status != "crosses":
            return single  # up and down, on one side of 1/2
        times = int(np.count_nonzero(np.diff(is_above.astype(int))))
        reason = f"the share of runs that generalize crosses 1/2 {times} times, which noise around one window does not"
        return _Row("not monotone", misfit=misfit, reason=reason)

    def _two_edges(
        self, table: np.ndarray, grid: np.ndarray, share: np.ndarray, total: np.ndarray
    ) -> tuple[str, tuple[_Edge, _Edge] | None]:
        """Both edges of a window or a gap, whichever leaves less; no name where neither may be the truth."""
        if len(share) < 3:
            return "", None
        sides = {"window": share, "gap": 1 - share}
        cuts = {name: best_peak(values, total) for name, values in sides.items()}
        left = {name: np.sum(total * (sides[name] - fitted(sides[name], total, cuts[name])) ** 2) for name in sides}
        status = min(left, key=lambda name: left[name])
        cut = cuts[status]
        if self._is_refused(sides[status], total, cut):
            return "", None
        opens = status == "window"
        if fitted(sides[status], total, cut)[cut] < HALF:
            return status, None
        lower = self._edge(table[..., : cut + 1], grid[: cut + 1], rising=opens)
        return status, (lower, self._edge(table[..., cut:], grid[cut:], rising=not opens))

    def _is_refused(self, share: np.ndarray, total: np.ndarray, peak: int) -> bool:
        return is_refused(share, total, peak, self.resamples, self.seed)

    def _edge(self, table: np.ndarray, grid: np.ndarray, rising: bool) -> _Edge:
        """Crossing, low and high of monotone shares, from the counts [2, seed, x] of the grid [x]."""
        sign = 1 if rising else -1
        position = (np.log10(grid) if self.is_log else grid.astype(np.float64))[::sign] * sign
        success, total = table[0][:, ::sign], table[1][:, ::sign]

        def crossings(weights: np.ndarray) -> np.ndarray:
            share, mass = _shares(weights @ success, weights @ total)
            drawn = mass.any(axis=-1)[:, None]  # a draw of seeds that have no run here says nothing
            return np.where(drawn, np.stack(_cross(isotonic(share, mass), position), axis=-1), np.nan)

        share, mass = _shares(success.sum(axis=0), total.sum(axis=0))
        at = _cross(isotonic(share, mass)[None], position)[1][0]
        low = high = np.nan
        if np.count_nonzero(total.sum(axis=1)) > 1:
            draws = resampled(crossings, np.arange(len(total)), self.resamples, self.seed)
            low, high = limits(draws[:, 0], self.level)[0], limits(draws[:, 2], self.level)[1]
        ends = np.array([at, low, high]) if sign > 0 else -np.array([at, high, low])
        at, low, high = 10.0**ends if self.is_log else ends
        if self.is_log:  # 10 ** -inf is 0, which is not what "below the smallest x" means
            at, low, high = np.where(np.isneginf(ends), -np.inf, [at, low, high])
        return float(at), float(low), float(high)


def _shares(success: np.ndarray, total: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return success / np.maximum(total, 1.0), total


def _cross(fit: np.ndarray, position: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where nondecreasing `fit` [row, x] reaches 1/2: position before, interpolated, and after; [row] each."""
    row = np.arange(len(fit))
    reached = fit >= HALF
    after = np.argmax(reached, axis=1)
    never, always = ~reached.any(axis=1), reached[:, 0]
    before = np.maximum(after - 1, 0)
    low, high = fit[row, before], fit[row, after]
    part = np.where(high > low, (HALF - low) / np.where(high > low, high - low, 1.0), 0.0)
    middle = position[before] + part * (position[after] - position[before])
    outside = [np.where(never, np.inf, np.where(always, -np.inf, inner)) for inner in (middle, position[after])]
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


def _status(at: float, rising: bool) -> str:
    if np.isfinite(at):
        return "crosses"
    return "always" if np.isneginf(at) == rising else "never"
