"""Could the seeds alone have made a difference? Exact chances, for the few seeds that a sweep has.

A bootstrap over few seeds is too sure of itself: with 3 to 5 of them it calls a difference that is none five times as
often as it should. The sign-flip test is exact at any number of seeds, and says so when there are too few: n seeds that
all agree have the chance 2^-n.
"""

import numpy as np
from scipy import special

MOST_EXACT = 16
"""Seeds up to which all patterns of signs are counted; above, `DRAWN` of them are drawn."""
DRAWN = 2**16
_ROUNDING = 1e-12  # sums of the same numbers in another order may differ by this share


def fewest_seeds(level: float) -> int:
    """How many seeds must agree before chance alone is less likely than (1 - level) / 2."""
    return int(np.ceil(-np.log2((1 - level) / 2) - _ROUNDING))


def flip_chance(differences: np.ndarray) -> float:
    """Chance of a sum at least as large as that of `differences` [seed], had each of them either sign equally likely.

    Equal sides (0) are no evidence; an infinite difference weighs more than all finite ones together.
    """
    known = differences[differences != 0]
    if not len(known):
        return 1.0
    finite = np.isfinite(known)
    sizes = np.where(finite, np.abs(known), np.sum(np.abs(known[finite])) + 1.0)
    observed = np.sign(known) @ sizes - _ROUNDING * sizes.sum()
    if len(known) <= MOST_EXACT:
        bits = np.arange(2 ** len(known))[:, None] >> np.arange(len(known)) & 1
        return float(np.mean((1 - 2 * bits) @ sizes >= observed))
    bits = np.random.default_rng(0).integers(0, 2, (DRAWN, len(known)), np.int8)
    return float((1 + np.count_nonzero((1 - 2 * bits) @ sizes >= observed)) / (1 + DRAWN))


def share_chances(shares: np.ndarray, number: float) -> tuple[float, float]:
    """Chances of shares [seed] as large as these, and as small, were each seed a success with the chance `number`.

    The sums are rounded towards no evidence, so that seeds with several runs, which vary less, are never called surer.
    """
    total, chance = np.sum(shares), np.clip(number, 0.0, 1.0)
    least = np.floor(total + 1e-9)
    as_large = special.bdtrc(least - 1, len(shares), chance) if least > 0 else 1.0
    as_small = special.bdtr(np.ceil(total - 1e-9), len(shares), chance)
    return float(as_large), float(as_small)
