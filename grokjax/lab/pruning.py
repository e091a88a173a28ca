"""Which weights of a network are pruned? Those of least magnitude in a later network of the same run; or a control.

NumPy alone, but for the random words: what is computed here is the start of a run, the same on every machine.
"""

import jax
import jax.numpy as jnp
import numpy as np

from grokjax.core.streams import STREAM_OF, stream
from grokjax.reader.run_settings import Pruning, Seeds
from grokjax.store.files import Arrays


def pruned(pruning: Pruning, seeds: Seeds, initial: Arrays, later: Arrays) -> Arrays:
    """Initial parameters as a pruned network, or a control of one, begins with them; see `Pruning`.

    Args:
      initial: parameters by path.
      later: those of the same run whose magnitudes are compared.

    Returns:
      Parameters by path; NaN stands for a weight that is taken away.
    """
    names = sorted(name for name, leaf in initial.items() if leaf.ndim >= 2)
    weights = _joined([initial[name] for name in names])
    is_kept = _largest(np.abs(_joined([later[name] for name in names])), pruning.keep)
    if pruning.form == "random":
        key = stream(getattr(seeds, STREAM_OF["prune"]), "prune")
        words = jax.random.bits(key, weights.shape, jnp.uint32)
        is_kept = _largest(np.asarray(words, np.float64), pruning.keep)
    if pruning.removes:
        weights = np.where(is_kept, weights, np.nan).astype(weights.dtype)
    else:
        power = {"l1_norm": 1, "l2_norm": 2}[pruning.form]
        weights = (weights * (_norm(weights[is_kept], power) / _norm(weights, power))).astype(weights.dtype)
    ends = np.cumsum([initial[name].size for name in names])[:-1]
    parts = np.split(weights, ends)
    return initial | {name: part.reshape(initial[name].shape) for name, part in zip(names, parts, strict=True)}


def num_kept(keep: float, weights: int) -> int:
    """How many weights a share is, from its exact decimal; one at least."""
    return max(1, int(np.floor(keep * weights + 1e-9)))


def _largest(values: np.ndarray, keep: float) -> np.ndarray:
    """[weight] bool, the largest values; of equals the first."""
    is_kept = np.zeros(len(values), bool)
    is_kept[np.argsort(-values, kind="stable")[: num_kept(keep, len(values))]] = True
    return is_kept


def _joined(leaves: list[np.ndarray]) -> np.ndarray:
    return np.concatenate([leaf.ravel() for leaf in leaves])


def _norm(weights: np.ndarray, power: int) -> float:
    return float(np.sum(np.abs(weights).astype(np.float64) ** power) ** (1 / power))
