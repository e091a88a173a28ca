"""How far could a share or a median be off? Wilson intervals, and the bootstrap over seeds for everything else.

A run that never gets there counts as +inf; so medians and quantiles here are order statistics and accept +inf.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy import special

RESAMPLES = 2000
_CELLS = 2**23  # weights held at a time, so that 10^5 runs fit in memory


class Interval(NamedTuple):
    """An estimate and the interval around it, numbers or arrays; NaN limits where nothing can be said."""

    estimate: Any
    low: Any
    high: Any


def wilson(successes: np.ndarray, total: np.ndarray, level: float = 0.95) -> Interval:
    """Share of successes with its score interval (Wilson 1927); NaN within [0, 1] where `total` is 0."""
    successes, total = np.asarray(successes, np.float64), np.asarray(total, np.float64)
    z = special.ndtri(0.5 + level / 2)
    n = np.maximum(total, 1.0)
    share = successes / n
    centre = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * np.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    # At 0 and at n successes the limit is exactly 0 or 1; rounding would leave it a little off.
    low = np.where(successes == 0, 0.0, centre - half)
    high = np.where(successes == total, 1.0, centre + half)
    known = total > 0
    return Interval(np.where(known, share, np.nan), np.where(known, low, 0.0), np.where(known, high, 1.0))


def between(low: np.ndarray, high: np.ndarray, part: np.ndarray | float) -> np.ndarray:
    """`part` of the way from `low` to `high`; infinite when a neighbour that takes part in it is."""
    with np.errstate(invalid="ignore"):
        inner = low + part * (high - low)
    outer = np.where(np.isposinf(high), high, low)
    mixed = np.where(np.isinf(low) | np.isinf(high), outer, inner)
    return np.where((low == high) | (part == 0), low, np.where(part == 1, high, mixed))


def quantile(values: np.ndarray, q: float, axis: int = -1) -> np.ndarray:
    """Quantile between order statistics (as NumPy's default), for values that may be infinite.

    Raises:
      ValueError: when a value is NaN: a run that never got there is +inf, one without a value must be left out.
    """
    values = np.moveaxis(np.asarray(values, np.float64), axis, -1)
    if np.isnan(values).any():
        raise ValueError("quantile: a value is NaN; never is +inf, and runs without a value are left out")
    if values.shape[-1] == 0:
        return np.full(values.shape[:-1], np.nan)
    ordered = np.sort(values, axis=-1)
    position = q * (values.shape[-1] - 1)
    low = int(np.floor(position))
    return between(ordered[..., low], ordered[..., min(low + 1, values.shape[-1] - 1)], position - low)


def censored_median(values: np.ndarray, axis: int = -1) -> np.ndarray:
    """Median of values in which +inf means never; +inf when half of them or more are."""
    return quantile(values, 0.5, axis)


def weighted_median(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """[resample] median of values [run] taken as often as the whole numbers `weights` [resample, run] say."""
    order = np.argsort(values, kind="stable")
    ordered = np.asarray(values, np.float64)[order]
    mass = np.cumsum(weights[:, order], axis=1)
    total = mass[:, -1:]
    low = np.argmax(2 * mass >= total, axis=1)
    high = np.argmax(2 * mass > total, axis=1)
    middle = between(ordered[low], ordered[high], 0.5)
    return np.where(total[:, 0] > 0, middle, np.nan)


def weighted_share(is_one: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """[resample] share of the runs [run] that are true, each counted as often as `weights` [resample, run] say."""
    total = weights.sum(axis=1)
    return np.where(total > 0, weights @ np.asarray(is_one, np.float64) / np.maximum(total, 1), np.nan)


def seed_weights(num_seeds: int, resamples: int = RESAMPLES, seed: int = 0) -> np.ndarray:
    """[resample, seed] int64, how often each seed is drawn when all of them are drawn again with replacement."""
    chance = np.full(num_seeds, 1.0 / num_seeds)
    return np.random.default_rng(seed).multinomial(num_seeds, chance, size=resamples)


def resampled(
    statistic: Callable[[np.ndarray], np.ndarray], seeds: np.ndarray, resamples: int = RESAMPLES, seed: int = 0
) -> np.ndarray:
    """[resample, ...] of a statistic, the seeds drawn anew each time; the runs of a seed stay together.

    So runs of different cells that share a seed are drawn together, and a contrast between them is paired.

    Args:
      statistic: from weights [resample, run] (how often each run counts) to [resample, ...].
      seeds: [run], equal for runs with equal seeds.
      resamples: number of draws.
      seed: of the generator.
    """
    names, seed_index = np.unique(seeds, return_inverse=True)
    weights = seed_weights(len(names), resamples, seed)
    rows = max(1, _CELLS // max(1, len(seed_index)))
    blocks = [statistic(weights[start : start + rows][:, seed_index]) for start in range(0, resamples, rows)]
    return np.concatenate(blocks)


def bootstrap(
    statistic: Callable[[np.ndarray], np.ndarray],
    seeds: np.ndarray,
    level: float = 0.95,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval:
    """A statistic with its percentile interval over seeds; see `resampled`. With one seed the limits are NaN."""
    estimate = statistic(np.ones((1, len(seeds)), np.int64))[0]
    if len(np.unique(seeds)) < 2:
        unknown = np.full(np.shape(estimate), np.nan)
        return Interval(estimate, unknown, unknown)
    return Interval(estimate, *limits(resampled(statistic, seeds, resamples, seed), level))


def limits(draws: np.ndarray, level: float = 0.95) -> tuple[np.ndarray, np.ndarray]:
    """Outer order statistics of draws [resample, ...] that hold `level` of them between; NaN draws are left out."""
    ordered = np.sort(draws, axis=0)  # NaN last
    known = np.count_nonzero(~np.isnan(ordered), axis=0)
    tail = (1 - level) / 2 * np.maximum(known - 1, 0)
    low, high = np.floor(tail).astype(int), np.maximum(known - 1, 0) - np.floor(tail).astype(int)
    return tuple(np.take_along_axis(ordered, index[None], axis=0)[0] for index in (low, high))


def pooled_shares(is_one: np.ndarray, seeds: np.ndarray, **options: Any) -> Interval:
    """Shares [kind] of runs [run, kind] of which several belong to one seed, with their intervals over seeds.

    Where all runs agree a bootstrap has no width: there each seed counts as one run of a Wilson interval. Options as of
    `bootstrap`.
    """
    shares = bootstrap(lambda weights: weights @ is_one / weights.sum(axis=1)[:, None], seeds, **options)
    num_seeds = np.array(len(np.unique(seeds)))
    alike = wilson(np.rint(shares.estimate) * num_seeds, num_seeds, options.get("level", 0.95))
    agree = (shares.estimate == 0) | (shares.estimate == 1)
    return Interval(shares.estimate, np.where(agree, alike.low, shares.low), np.where(agree, alike.high, shares.high))


def bootstrap_median(values: np.ndarray, seeds: np.ndarray, **options: Any) -> Interval:
    """Median (+inf: never) with its interval over seeds; options as of `bootstrap`."""
    return bootstrap(lambda weights: weighted_median(values, weights), seeds, **options)
