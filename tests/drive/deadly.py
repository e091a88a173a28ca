"""A measure that ends the process of a run whose parameters are large: what a run does that crashes its device."""

import os

import jax
import jax.numpy as jnp
import numpy as np

LARGE = 1e3


def _end(norm):
    if norm > LARGE:
        os._exit(9)
    return np.float32(norm)


def deadly(view):
    """Norm of the parameters."""
    norm = jnp.sqrt(sum(jnp.sum(leaf**2) for leaf in jax.tree.leaves(view.params)))
    return {"norm": jax.pure_callback(_end, jax.ShapeDtypeStruct((), jnp.float32), norm.astype(jnp.float32))}
