"""The layer that gives the outputs: classes are their first axis in memory, whatever the caller sees.

A CPU's vector instructions run along the last axis of a product. Classes (113, 97, 31) are no multiple of their length,
the examples of a block are: the product is then up to 1.4 times as fast, and so are a loss's sums over classes. The
losses turn the axes back, and the two turns cancel unless something stands between them: so what is added to the
outputs is added here. Measured in docs/decisions/0015-outputs-have-classes-first.md. With more than 128 classes, the
product is the plain one, whose gradient has fixed bits (docs/decisions/0019-products-of-fixed-bits.md).
"""

import flax.linen as nn
import jax
import jax.numpy as jnp

from grokjax.core.fixed_product import LONGEST, rows_product, turned_rows_product
from grokjax.models.initializers import Scheme


def class_product(rows: jax.Array, matrix: jax.Array, added: jax.Array | None = None) -> jax.Array:
    """`rows @ matrix + added`: [..., class] from [..., unit], [unit, class] and [..., class] or [class]."""
    if added is not None:
        added = added.reshape((1,) * (rows.ndim - added.ndim) + added.shape)
    units, classes = matrix.shape
    if classes >= units or classes > LONGEST:
        # A matrix of a step lies with its shorter side first (`train/gradient.py`); where these are units, what follows
        # is too slow.
        outputs = rows_product(rows, matrix)
        # Without the barrier XLA would turn the product as the losses turn its outputs: a sum over a left side's rows.
        outputs = jax.lax.optimization_barrier(outputs) if classes > LONGEST else outputs
        return outputs if added is None else outputs + added
    outputs = turned_rows_product(rows, matrix)
    return jnp.moveaxis(outputs if added is None else outputs + jnp.moveaxis(added, -1, 0), 0, -1)


class ClassLayer(nn.Module):
    """A dense layer [..., unit] -> [..., class] whose outputs are those of a network, drawn by a scheme."""

    drawn: Scheme
    classes: int
    bias: bool

    @nn.compact
    def __call__(self, rows: jax.Array) -> jax.Array:
        units = rows.shape[-1]
        matrix = self.param("kernel", self.drawn.output, (units, self.classes), jnp.float32)
        start = self.param("bias", self.drawn.bias(units), (self.classes,), jnp.float32) if self.bias else None
        return class_product(rows, matrix, start)
