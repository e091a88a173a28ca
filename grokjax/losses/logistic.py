"""Logistic loss of each output column by itself: log(1 + exp(-y f)) for a target y of +1 or -1.

Paper: Cox 1958 (The regression analysis of binary sequences). One column against two classes is the usual network of
work on parity; several columns are one binary question each (one against the rest).
"""

import jax
import jax.numpy as jnp

from grokjax.core.interfaces import Loss
from grokjax.core.part import part


@part
class Logistic(Loss):
    """Sum over the output columns of log(1 + exp(-y f)), in nats: log 2 for one column at output 0.

    Real-valued targets are +1 or -1 and have the outputs' shape; another value gives NaN. Class targets become +1 in
    the column of the class and -1 in the others. Neither the value nor the gradient of a fitted example rounds to 0
    before y f = 87.
    """

    paper = "Cox 1958, The regression analysis of binary sequences"

    def loss(self, outputs: jax.Array, targets: jax.Array) -> jax.Array:
        if jnp.issubdtype(targets.dtype, jnp.integer):
            targets = 2 * jax.nn.one_hot(targets, outputs.shape[-1], dtype=outputs.dtype) - 1
        if targets.shape != outputs.shape:
            raise ValueError(
                f"loss logistic: outputs {outputs.shape} and targets {targets.shape} must have equal shapes"
            )
        margins = jnp.moveaxis(targets, -1, 0) * jnp.moveaxis(outputs, -1, 0)  # as they lie, see `class_product.py`
        is_sign = jnp.abs(jnp.moveaxis(targets, -1, 0)) == 1
        losses = jnp.where(is_sign, jax.nn.softplus(-margins), jnp.nan)
        return losses.sum(axis=(0, *range(2, losses.ndim)))
