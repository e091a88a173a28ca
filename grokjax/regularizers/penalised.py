"""Which parameters a penalty sums over, and the absolute value that penalties take."""

import jax
import jax.numpy as jnp

from grokjax.core.interfaces import Params
from grokjax.core.parameter_paths import matches, path_names

PENALISED = ("all", "matrices")
ABOUT_PENALISED = "parameters that are penalised: all, or matrices (two or more axes: no biases, no norms)"
ABOUT_MATRICES = "matrices that cost something: a shell pattern over names such as hidden_*/kernel"


def penalised(params: Params, over: str) -> list[jax.Array]:
    """The leaves of one run's parameters that a penalty `over` "all" or "matrices" sums over."""
    return [leaf for leaf in jax.tree.leaves(params) if over == "all" or leaf.ndim >= 2]


def matrices_named(params: Params, pattern: str) -> list[jax.Array]:
    """The matrices (two or more axes) whose names fit a shell pattern.

    Raises:
      ValueError: none does.
    """
    named = jax.tree_util.tree_leaves_with_path(params)
    chosen = [leaf for path, leaf in named if leaf.ndim >= 2 and matches(path, pattern)]
    if not chosen:
        raise ValueError(f"matrices: none matches {pattern!r}; parameters are {', '.join(path_names(params))}")
    return chosen


def absolute(leaf: jax.Array) -> jax.Array:
    """|w| with gradient 0 at 0, where JAX's own has gradient 1 and would push dead weights away from 0."""
    return leaf * jax.lax.stop_gradient(jnp.sign(leaf))
