"""Matrix products whose bits do not depend on how many threads compute them.

On a CPU a product over a long inner dimension may be split by the size of the thread pool. Over 128 numbers it is not
(see `plan/blocks.py`, where the sums over examples are kept as short), so longer ones are summed block by block. Which
products are split, and which never: docs/decisions/0019-products-of-fixed-bits.md.
"""

from typing import Any

import jax
import jax.numpy as jnp

LONGEST = 128
"""Inner dimension of a product whose bits are fixed even where XLA sums over the rows of its left side."""


def fixed_product(left: jax.Array, right: jax.Array, precision: Any = None) -> jax.Array:
    """`left @ right`: [row, column] from [row, inner] and [inner, column].

    Args:
      precision: of the product, as JAX names it; None for that of the program.
    """
    inner = left.shape[1]
    if inner <= LONGEST:
        return jnp.matmul(left, right, precision=precision)
    blocks = -(-inner // LONGEST)
    padding = (0, blocks * LONGEST - inner)
    lefts = jnp.moveaxis(jnp.pad(left, ((0, 0), padding)).reshape(len(left), blocks, LONGEST), 1, 0)
    rights = jnp.pad(right, (padding, (0, 0))).reshape(blocks, LONGEST, right.shape[1])

    def add(total: jax.Array, pair: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, None]:
        return total + jnp.matmul(*pair, precision=precision), None

    start = jnp.zeros((len(left), right.shape[1]), jnp.result_type(left, right))
    return jax.lax.scan(add, start, (lefts, rights))[0]


def gram(rows: jax.Array) -> jax.Array:
    """[row, row] inner products of rows [row, column]."""
    return fixed_product(rows, rows.T, "highest")
