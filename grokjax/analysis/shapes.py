"""Does a row of shares rise, fall, or rise and fall again? Isotonic fits, and whether they could be the truth.

A fit is refused when shares drawn from it (binomial, as many runs as there were) and fitted again leave as much as
what was seen in less than 1 % of the draws, or when a share is 1/2 or more away from it. Runs of one seed at several
places are alike and leave less than independent ones do, so a true fit is refused less often than that.
"""

import numpy as np

REFUSED = 0.01
FARTHEST = 0.5


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


def fitted(share: np.ndarray, total: np.ndarray, peak: int) -> np.ndarray:
    """[..., x] values nearest to `share` that rise up to the place `peak` and fall from there on.

    The last place as peak is a rising fit, the first a falling one.
    """
    rising = isotonic(share[..., : peak + 1], total[..., : peak + 1])
    falling = isotonic(share[..., peak:][..., ::-1], total[..., peak:][..., ::-1])[..., ::-1]
    top = np.maximum(rising[..., -1:], falling[..., :1])
    return np.concatenate([rising[..., :-1], top, falling[..., 1:]], axis=-1)


def best_peak(share: np.ndarray, total: np.ndarray) -> int:
    """The inner place as whose peak the fit leaves least; the middle one of several."""
    left = [_left(share, total, fitted(share, total, peak)) for peak in range(1, len(share) - 1)]
    best = np.flatnonzero(np.isclose(left, min(left), rtol=0, atol=1e-9)) + 1
    return int(best[len(best) // 2])


def is_refused(share: np.ndarray, total: np.ndarray, peak: int, resamples: int, seed: int) -> bool:
    """Whether the shares [x] of `total` [x] runs speak against a fit with this peak; see above.

    Args:
      resamples: draws from the fit.
      seed: of the generator.
    """
    fit = fitted(share, total, peak)
    if np.max(np.abs(share - fit)) >= FARTHEST:
        return True
    seen = _left(share, total, fit)
    if seen <= 1e-9:
        return False
    counts = total.astype(np.int64)
    drawn = np.random.default_rng(seed).binomial(counts, np.clip(fit, 0.0, 1.0), (resamples, len(fit))) / counts
    weight = np.broadcast_to(total, drawn.shape)
    return bool(np.mean(_left(drawn, weight, fitted(drawn, weight, peak)) >= seen - 1e-9) < REFUSED)


def _left(share: np.ndarray, total: np.ndarray, fit: np.ndarray) -> np.ndarray:
    return np.sum(total * (share - fit) ** 2, axis=-1)
