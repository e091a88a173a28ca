"""Matrix products whose bits depend on no thread: a CPU splits a long inner dimension by its pool, so it is cut here.

See `plan/blocks.py` for the length up to which a product is computed as one.
"""

import jax
import jax.numpy as jnp

_LONGEST = 128


def product(left: jax.Array, right: jax.Array) -> jax.Array:
    """`left @ right`, [row, column] from [row, inner] and [inner, column], summed over inner blocks in order."""
    inner = left.shape[1]
    if inner <= _LONGEST:
        return jnp.matmul(left, right, precision="highest")
    blocks = -(-inner // _LONGEST)
    padding = (0, blocks * _LONGEST - inner)
    lefts = jnp.moveaxis(jnp.pad(left, ((0, 0), padding)).reshape(len(left), blocks, _LONGEST), 1, 0)
    rights = jnp.pad(right, (padding, (0, 0))).reshape(blocks, _LONGEST, right.shape[1])

    def add(total: jax.Array, pair: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, None]:
        return total + jnp.matmul(*pair, precision="highest"), None

    start = jnp.zeros((len(left), right.shape[1]), jnp.result_type(left, right))
    return jax.lax.scan(add, start, (lefts, rights))[0]


def gram(rows: jax.Array) -> jax.Array:
    """[row, row] inner products of rows [row, column]."""
    return product(rows, rows.T)
