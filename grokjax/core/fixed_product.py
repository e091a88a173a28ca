"""A matrix product whose bits do not depend on how many threads compute it.

On a CPU a product over a long inner dimension may be split by the size of the thread pool. Over 128 numbers it is not
(see `plan/blocks.py`, where the sums over examples are kept as short), so longer ones are summed block by block.
"""

import jax

_LONGEST = 128


def fixed_product(left: jax.Array, right: jax.Array) -> jax.Array:
    """`left @ right`: [row, column] from [row, inner] and [inner, column]."""
    blocks = [
        left[:, start : start + _LONGEST] @ right[start : start + _LONGEST]
        for start in range(0, left.shape[1], _LONGEST)
    ]
    return sum(blocks[1:], start=blocks[0])
