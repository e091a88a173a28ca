"""How much do two sets of weights have in common, and how much would they have by chance? NumPy alone."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np


class Overlap(NamedTuple):
    """What two masks have in common, as shares; NaN where a mask is empty.

    `union` is intersection over union, `minimum` is intersection over the smaller mask. `..._chance` is the same with
    the intersection that independent masks of these sizes have in the mean: in each layer kept * kept / weights.
    """

    union: np.ndarray
    union_chance: np.ndarray
    minimum: np.ndarray
    minimum_chance: np.ndarray


def overlap(first: Sequence[np.ndarray], second: Sequence[np.ndarray], weights: np.ndarray) -> tuple[Overlap, Overlap]:
    """Of whole masks, as scalars, and layer by layer, as [layer].

    Chance is layer by layer also for whole masks: that both keep more of some layer than of another is no overlap.

    Args:
      first, second: bool arrays of each layer.
      weights: [layer], how many each layer has that a mask could keep.
    """
    both = np.array([np.sum(one & other) for one, other in zip(first, second, strict=True)], np.float64)
    sizes = np.array([[layer.sum() for layer in mask] for mask in (first, second)], np.float64)  # [mask, layer]
    expected = sizes.prod(axis=0) / np.maximum(weights, 1)
    whole = _of(both.sum(axis=0), expected.sum(axis=0), sizes.sum(axis=1))
    return whole, _of(both, expected, sizes)


def _of(both: np.ndarray, expected: np.ndarray, sizes: np.ndarray) -> Overlap:
    """From intersections [...] and sizes [mask, ...]."""
    total, least = sizes.sum(axis=0), sizes.min(axis=0)

    def share(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
        return np.where(least > 0, part / np.where(least > 0, whole, 1), np.nan)

    return Overlap(
        share(both, total - both),
        share(expected, total - expected),
        share(both, least),
        share(expected, least),
    )
