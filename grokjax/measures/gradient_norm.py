"""How steep is the train loss? The norm of its gradient, of all parameters and of each one.

Paper: Prieto, Barsbey, Mediano, Birdal 2025 (arXiv 2501.04697) on gradients that vanish before a network generalizes.
"""

import jax
import jax.numpy as jnp

from grokjax.core.interfaces import Measure, View
from grokjax.core.parameter_paths import path_name
from grokjax.core.part import part


@part
class GradientNorm(Measure):
    """`gradient_norm/total` and `gradient_norm/PATH`: L2 norms of the gradient of the train loss, without penalties.

    Cost: twice forward and once back over the whole table.
    """

    paper = "Prieto, Barsbey, Mediano, Birdal 2025, arXiv 2501.04697"

    def measure(self, view: View) -> dict[str, jax.Array]:
        leaves = jax.tree_util.tree_leaves_with_path(view.gradient())
        squares = {path_name(path): jnp.sum(jnp.square(leaf)) for path, leaf in leaves}
        squares["total"] = sum(squares.values(), start=jnp.zeros(()))
        return {f"gradient_norm/{name}": jnp.sqrt(square).astype(jnp.float32) for name, square in squares.items()}
