"""What linen modules compute on the way to their outputs."""

from typing import Any

import flax.linen as nn
import jax

from grokjax.core.interfaces import Params
from grokjax.core.parameter_paths import path_name


def sown(module: nn.Module, params: Params, inputs: jax.Array, *more: Any, **modes: Any) -> dict[str, jax.Array]:
    """What a module names by `self.sow("intermediates", name, value)`; nothing is computed unasked.

    Name -> [example, ...] of inputs [example, ...]; a further value under a name is `name#1`, `name#2`, ...
    """
    _, state = module.apply({"params": params}, inputs, *more, mutable=["intermediates"], **modes)
    named = {}
    for (*path, count), value in jax.tree_util.tree_leaves_with_path(state.get("intermediates", {})):
        again = f"#{count.idx}" if count.idx else ""
        named["/".join(key.key for key in path) + again] = value
    return named


def captured(module: nn.Module, params: Params, inputs: jax.Array, *more: Any, **modes: Any) -> dict[str, jax.Array]:
    """Path -> what the module there returned for inputs [example, ...]; of a further call `path#1`, arrays only."""
    _, state = module.apply(
        {"params": params}, inputs, *more, capture_intermediates=True, mutable=["intermediates"], **modes
    )
    outputs = {}
    for path, value in jax.tree_util.tree_leaves_with_path(state.get("intermediates", {})):
        names = path_name(path).split("/")
        if "__call__" in names[1:]:  # the module as a whole returns the logits
            depth = names.index("__call__", 1)
            again = "".join(f"#{name}" for name in names[depth + 1 :] if name != "0")
            outputs["/".join(names[:depth]) + again] = value
    return outputs
