"""Mean squared error to one-hot classes or to target vectors.

Paper: Gromov 2023 (arXiv 2301.02679) and Doshi, Das, He, Gromov 2024 (arXiv 2310.13061), who average over the outputs.
"""

import jax
import jax.numpy as jnp

from grokjax.core.interfaces import Loss
from grokjax.core.part import part


@part
class MSE(Loss):
    """Squared error averaged over the outputs of an example: 1/p at all outputs 0, for p classes.

    Class targets become one-hot vectors as wide as the outputs; real-valued targets must have the outputs' shape.
    """

    paper = "Doshi, Das, He, Gromov 2024, arXiv 2310.13061"

    def loss(self, outputs: jax.Array, targets: jax.Array) -> jax.Array:
        if jnp.issubdtype(targets.dtype, jnp.integer):
            targets = jax.nn.one_hot(targets, outputs.shape[-1], dtype=outputs.dtype)
        if targets.shape != outputs.shape:
            raise ValueError(f"loss mse: outputs {outputs.shape} and targets {targets.shape} must have equal shapes")
        squares = jnp.square(
            jnp.moveaxis(outputs, -1, 0) - jnp.moveaxis(targets, -1, 0)
        )  # as they lie, see `models/class_product.py`
        return squares.mean(axis=(0, *range(2, squares.ndim)))
