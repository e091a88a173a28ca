"""Which parameters weight decay acts on."""

from collections.abc import Callable

import jax

from grokjax.core.interfaces import Params

DECAY_MASKS = ("all", "matrices")
ABOUT_DECAY_MASK = "parameters that decay: all (as in the papers), or matrices (two or more axes: no biases, no norms)"


def decays(mask: str) -> Callable[[Params], Params]:
    """Function from the parameters of one run to a tree of bool, True where `mask` lets weight decay act."""

    def of(params: Params) -> Params:
        return jax.tree.map(lambda leaf: mask == "all" or leaf.ndim >= 2, params)

    return of
