"""How long is a code of whole numbers? By their entropy, and by bzip2 as the literature has it."""

import bz2
from collections.abc import Sequence

import numpy as np

_MOST_BINS = 1 << 22  # of a histogram; integers that spread farther are sorted instead


class Histogram:
    """How often each whole number was seen, of arrays whose range is known before."""

    def __init__(self, range_of: np.ndarray):
        """`range_of`: whole numbers in float32; none that is added may lie outside their range."""
        self._low = float(range_of.min(initial=0))
        self._bins = int(float(range_of.max(initial=0)) - self._low) + 1
        self._is_wide = self._bins > _MOST_BINS
        self._seen: list[np.ndarray] = []
        self._counts = np.zeros(0 if self._is_wide else self._bins, np.int64)

    def add(self, levels: np.ndarray) -> None:
        """Count some more."""
        if self._is_wide:
            self._seen.append(levels.reshape(-1))
        else:
            self._counts += np.bincount((levels.reshape(-1) - self._low).astype(np.int64), minlength=self._bins)

    def entropy_bits(self) -> float:
        """Length of all that was added: n times the entropy of the counts, n log2 n - sum of c log2 c."""
        counts = np.unique(np.concatenate(self._seen), return_counts=True)[1] if self._seen else self._counts
        counts = counts[counts > 0].astype(np.float64)
        total = counts.sum()
        return float(total * np.log2(total) - counts @ np.log2(counts)) if total else 0.0


def entropy_bits(levels: np.ndarray) -> float:
    """Zeroth-order empirical entropy of whole numbers, times how many they are; the counts themselves are free."""
    histogram = Histogram(levels)
    histogram.add(levels)
    return histogram.entropy_bits()


def bzip2_bytes(levels: Sequence[np.ndarray], delta: float) -> int:
    """Bytes of bzip2 (level 9) of the values level * delta: flat float32 arrays, little-endian, one behind the other.

    As in the code of DeMoss et al. 2024, without what pickle adds: no shapes, no names. -0.0 is 0.0.
    """
    step = np.float32(delta)
    values = np.concatenate([(level * step).reshape(-1) for level in levels] or [np.zeros(0, np.float32)])
    return len(bz2.compress((values + np.float32(0)).astype("<f4").tobytes(), 9))
