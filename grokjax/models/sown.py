"""What a linen module names on its way by `self.sow("intermediates", name, value)`: nothing is computed unasked."""

from typing import Any

import flax.linen as nn
import jax

from grokjax.core.interfaces import Params


def sown(module: nn.Module, params: Params, inputs: jax.Array, *more: Any, **modes: Any) -> dict[str, jax.Array]:
    """Name -> [example, ...] of inputs [example, ...]; a further value under a name is `name#1`, `name#2`, ..."""
    _, state = module.apply({"params": params}, inputs, *more, mutable=["intermediates"], **modes)
    named = {}
    for (*path, count), value in jax.tree_util.tree_leaves_with_path(state.get("intermediates", {})):
        again = f"#{count.idx}" if count.idx else ""
        named["/".join(key.key for key in path) + again] = value
    return named
