"""Which parameters a penalty sums over."""

import jax

from grokjax.core.interfaces import Params

PENALISED = ("all", "matrices")
ABOUT_PENALISED = "parameters that are penalised: all, or matrices (two or more axes: no biases, no norms)"


def penalised(params: Params, over: str) -> list[jax.Array]:
    """The leaves of one run's parameters that a penalty `over` "all" or "matrices" sums over."""
    return [leaf for leaf in jax.tree.leaves(params) if over == "all" or leaf.ndim >= 2]
