"""The shortest code within each tolerance: the best one of a grid, its neighbours, then ever smaller boxes around it.

Points are walked by the length of their entropy code, which costs next to nothing. The first one whose loss is within a
tolerance has the shortest entropy code there. Loss and bzip2 are computed only where a point can still win.

Why boxes as well as neighbours: as the step grows by one per cent, the loss wobbles by five, so that a coarser step may
be within a tolerance where a finer one is not, and bytes wobble by as much. Points that are spread out meet such steps,
neighbours stop in front of them.
"""

import dataclasses
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np

from grokjax.core.interfaces import Params
from grokjax.probes.coarse_graining import CoarseGraining, Ranks
from grokjax.probes.code_length import bzip2_bytes

SHORTEST = 1.0
"""bzip2 is taken to need at least this share of the entropy code. If it once needs less, nothing is taken for granted
of that network and the points of that walk are walked again. Where a network groks, shares are about 1.15 to 1.35."""

SLACK = 256.0
"""Near the best points those whose entropy code is so many bits longer are tried as well: bzip2 is that erratic."""

UNDER = 0.995
"""So far under a power of two is a step that has its short codes, with as many digits as any other, see `leap`."""

TOGETHER = 4
"""Points whose loss and bytes are computed side by side, on any machine: what is found may not depend on its cores."""

PLASTIC = 1.32471795724474602596
"""The real root of x^3 = x + 1, which plays the part of the golden ratio in two dimensions, see `spread`."""

Loss = Callable[[Params, float], float]
"""(parameters, at_most) -> loss; infinity where it is above `at_most`."""


@dataclasses.dataclass(frozen=True, eq=False)
class Point:
    """A coarse network.

    Attributes:
      delta: step to whose multiples parameters are rounded.
      threshold: share of the sum of singular values that every matrix keeps.
      ranks: what that comes to.
      bits: of the entropy code.
    """

    delta: float
    threshold: float
    ranks: Ranks
    bits: float


@dataclasses.dataclass(eq=False)
class Best:
    """The shortest codes within one tolerance; None while no point is within it."""

    tolerance: float
    by_entropy: Point | None = None
    by_bzip2: Point | None = None
    num_bytes: int = -1


class CoarseSearch:
    """Shortest codes of one network.

    Attributes:
      best: of each tolerance.
    """

    def __init__(
        self,
        graining: CoarseGraining,
        loss: Loss,
        loss_before: float,
        tolerances: Sequence[float],
        is_two_sided: bool = False,
        side_by_side: Callable[..., Iterable[Any]] = map,
    ):
        """Nothing is tried yet.

        Args:
          loss_before: of the network as it is.
          is_two_sided: whether a fall of the loss counts like a rise.
          side_by_side: maps a function over points, in several threads perhaps.
        """
        self._graining, self._loss, self._before, self._is_two_sided = graining, loss, loss_before, is_two_sided
        self._side_by_side = side_by_side
        self._least = SHORTEST
        self._is_near = False
        self._known: set[tuple[float, Ranks]] = set()
        self.best = [Best(tolerance) for tolerance in tolerances]

    def walk(self, deltas: Iterable[float], thresholds: Sequence[float]) -> None:
        """Try every pair of a step and a threshold; pairs of equal ranks are one point."""
        ranks = {self._graining.ranks(threshold): threshold for threshold in reversed(thresholds)}
        self._try([(delta, ranks) for delta in deltas])

    def refine(self, delta_ratio: float, threshold_step: float) -> None:
        """Go from the best points of each tolerance to a shorter one of its six neighbours, as long as there is one.

        Only neighbours of little entropy are tried, see `SLACK`.

        Args:
          delta_ratio, threshold_step: how far away they are.
        """
        self._is_near = True
        walked: set[Point] = set()
        for best in self.best:
            while centres := {point for point in (best.by_bzip2, best.by_entropy) if point is not None} - walked:
                walked |= centres
                for centre in sorted(centres, key=lambda point: point.bits):
                    self._try_around(centre, delta_ratio, threshold_step)

    def draw(self, delta_ratio: float, threshold_step: float, places: np.ndarray) -> None:
        """Try points of a box around the best one of each tolerance, of which only those of little entropy.

        Args:
          delta_ratio, threshold_step: how far the sides of the box are from its centre; thresholds stay within 0 and 1.
          places: [point, (step, threshold)] in the box, from 0 to 1.
        """
        self._is_near = True
        for centre in [best.by_bzip2 for best in self.best]:
            if centre is not None:
                lowest, highest = max(centre.threshold - threshold_step, 0), min(centre.threshold + threshold_step, 1)
                deltas = centre.delta * delta_ratio ** (2 * places[:, 0] - 1)
                thresholds = lowest + (highest - lowest) * places[:, 1]
                pairs = zip(deltas.tolist(), thresholds.tolist(), strict=True)
                self._try([(delta, {self._graining.ranks(threshold): threshold}) for delta, threshold in pairs])

    def leap(self) -> None:
        """Try the best ranks of each tolerance at the power of two below their step, and just under it.

        Where the step passes a power of two, the first bytes of all its multiples change, and bzip2 needs several per
        cent more or less, which entropy cannot tell. At a power of two, multiples end in bytes of zeros.
        """
        for centre in [best.by_bzip2 for best in self.best]:
            if centre is not None:
                power = 2.0 ** math.floor(math.log2(centre.delta))
                points = self._new([(delta, {centre.ranks: centre.threshold}) for delta in (power, power * UNDER)])
                self._measure(points, [self.best] * len(points))

    def _try_around(self, centre: Point, delta_ratio: float, threshold_step: float) -> None:
        rows = []
        for power, shifts in ((-1, (-1, 0)), (0, (-1, 1)), (1, (0, 1))):  # what is coarser in both comes by two steps
            near = [centre.threshold + shift * threshold_step for shift in shifts]
            ranks = {self._graining.ranks(threshold): threshold for threshold in near if 0 <= threshold <= 1}
            rows.append((centre.delta * delta_ratio**power, ranks))
        self._try(rows)

    def _try(self, rows: Sequence[tuple[float, dict[Ranks, float]]]) -> None:
        points, least = self._new(rows), None
        while self._least != least:  # once more where the bound did not hold
            least = self._least
            self._try_in_turn(points)

    def _new(self, rows: Sequence[tuple[float, dict[Ranks, float]]]) -> list[Point]:
        """Points that were not tried yet, the shortest entropy code first."""
        points = []
        for delta, ranks in rows:
            new = [form for form in ranks if (delta, form) not in self._known]
            self._known.update((delta, form) for form in new)
            bits = self._graining.entropy_bits(delta, new)
            points += [Point(delta, ranks[form], form, float(one)) for form, one in zip(new, bits, strict=True)]
        return sorted(points, key=lambda point: point.bits)

    def _try_in_turn(self, points: Sequence[Point]) -> None:
        for start in range(0, len(points), TOGETHER):
            together = points[start : start + TOGETHER]
            open_now = [self._open(point) for point in together]
            if not open_now[0]:
                return  # all that follow are longer
            self._measure(together, open_now)

    def _measure(self, points: Sequence[Point], tolerances: Sequence[list[Best]]) -> None:
        """Side by side; `tolerances`: of each point, within which it may win."""
        results = list(self._side_by_side(self._measured, points, tolerances))
        for point, (distance, num_bytes) in zip(points, results, strict=True):
            self._note(point, distance, num_bytes)

    def _open(self, point: Point) -> list[Best]:
        """Tolerances within which a point may still win."""
        floor = self._least * point.bits / 8
        return [
            best
            for best in self.best
            if best.by_entropy is None
            or best.by_bzip2 is None
            or point.bits < best.by_entropy.bits
            or (point.bits < best.by_bzip2.bits + SLACK if self._is_near else floor < best.num_bytes)
        ]

    def _measured(self, point: Point, tolerances: Sequence[Best]) -> tuple[float, int]:
        """How far the loss moves, and bytes; infinity and -1 where that is farther than any of the tolerances."""
        if not tolerances:
            return np.inf, -1
        most = max(best.tolerance for best in tolerances)
        loss = self._loss(self._graining.params(point.delta, point.ranks), self._before + most)
        distance = abs(loss - self._before) if self._is_two_sided else loss - self._before
        if not distance <= most:
            return np.inf, -1
        return distance, bzip2_bytes(self._graining.levels(point.delta, point.ranks), point.delta)

    def _note(self, point: Point, distance: float, num_bytes: int) -> None:
        if num_bytes < 0:
            return
        if num_bytes < self._least * point.bits / 8:
            self._least = 0.0
        for best in (best for best in self.best if distance <= best.tolerance):
            if best.by_entropy is None or point.bits < best.by_entropy.bits:
                best.by_entropy = point
            if best.by_bzip2 is None or num_bytes < best.num_bytes:
                best.by_bzip2, best.num_bytes = point, num_bytes


def spread(count: int, start: int = 0) -> np.ndarray:
    """[point, 2] in [0, 1): points that fill a square evenly, however many follow (the R2 sequence, Roberts 2018)."""
    return np.arange(start + 1, start + count + 1)[:, None] * np.array([1 / PLASTIC, 1 / PLASTIC**2]) % 1
