"""Gaussian numbers in the shape of a run's parameters."""

import jax

from grokjax.core.interfaces import Params
from grokjax.core.streams import substream


def gaussian_like(params: Params, key: jax.Array) -> Params:
    """Independent N(0, 1) numbers, a tree like `params`; each array has a key of its own."""
    leaves, structure = jax.tree.flatten(params)
    drawn = [jax.random.normal(substream(key, index), leaf.shape, leaf.dtype) for index, leaf in enumerate(leaves)]
    return jax.tree.unflatten(structure, drawn)
