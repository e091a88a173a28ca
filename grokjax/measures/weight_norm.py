"""How long are the weights? The L2 norm of all parameters and of each one.

Paper: Liu, Michaud, Tegmark 2023 (Omnigrok, arXiv 2210.01117) follow the total over training.
"""

import jax
import jax.numpy as jnp

from grokjax.core.interfaces import Measure, View
from grokjax.core.part import part


@part
class WeightNorm(Measure):
    """`weight_norm/total` over all parameters, biases included, and `weight_norm/PATH` for each, not squared."""

    paper = "Liu, Michaud, Tegmark 2023, arXiv 2210.01117"

    def measure(self, view: View) -> dict[str, jax.Array]:
        leaves, _ = jax.tree_util.tree_flatten_with_path(view.params)
        squares = {
            jax.tree_util.keystr(path, simple=True, separator="/"): jnp.sum(jnp.square(leaf)) for path, leaf in leaves
        }
        norms = {f"weight_norm/{name}": jnp.sqrt(square) for name, square in squares.items()}
        norms["weight_norm/total"] = jnp.sqrt(sum(squares.values()))
        return {name: norm.astype(jnp.float32) for name, norm in norms.items()}
