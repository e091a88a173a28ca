"""Random numbers of tables: from the raw words of a generator, whose sequence NumPy keeps for good.

NumPy may change the sequences of its distributions between versions; a table, and with it a run id, must not change.
"""

import numpy as np
from scipy.special import ndtri

_BITS = 53  # of a float64's fraction


def uniforms(seed: int, stream: int, shape: tuple[int, ...]) -> np.ndarray:
    """Uniform on the open interval (0, 1): `shape` float64.

    Args:
      seed: of the sweep file.
      stream: position of the array among those drawn from one seed.
    """
    words = np.random.Philox(key=[seed, stream]).random_raw(int(np.prod(shape)))
    return ((words >> np.uint64(64 - _BITS)) + 0.5).reshape(shape) / 2.0**_BITS


def normals(seed: int, stream: int, shape: tuple[int, ...]) -> np.ndarray:
    """Standard normal, by the inverse of its distribution function: `shape` float64."""
    return ndtri(uniforms(seed, stream, shape))
