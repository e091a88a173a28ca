"""Which class does a network answer?"""

import jax
import jax.numpy as jnp


def first_largest(outputs: jax.Array) -> jax.Array:
    """Column of the largest output, the first of equals: [...] int32 from [..., column]; no column if one is NaN.

    `argmax` gives the same and takes ten times as long on a CPU, where it is not done by vector instructions.
    """
    column = jax.lax.broadcasted_iota(jnp.int32, outputs.shape, outputs.ndim - 1)
    is_largest = outputs == jnp.max(outputs, axis=-1, keepdims=True)
    return jnp.min(jnp.where(is_largest, column, outputs.shape[-1]), axis=-1)
