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


def rows_product(rows: jax.Array, matrix: jax.Array) -> jax.Array:
    """`rows @ matrix`, [row, out] from [row, in] and [in, out]; the gradient of the matrix has fixed bits.

    That gradient is a sum over rows. Of more than `LONGEST` rows it is written as a product whose left side is summed
    over its last axis, which no thread count splits, and with the shorter side first, as a step lays matrices out.
    """
    return _plain(rows, matrix) if rows.ndim == 2 and len(rows) > LONGEST else rows @ matrix


def turned_rows_product(rows: jax.Array, matrix: jax.Array) -> jax.Array:
    """The same product as [out, row]."""
    if rows.ndim == 2 and len(rows) > LONGEST:
        return _turned(rows, matrix)
    return jax.lax.dot_general(matrix.T, rows, (((1,), (rows.ndim - 1,)), ((), ())))


@jax.custom_jvp
def _plain(rows: jax.Array, matrix: jax.Array) -> jax.Array:
    return rows @ matrix


@jax.custom_jvp
def _turned(rows: jax.Array, matrix: jax.Array) -> jax.Array:
    return jax.lax.dot_general(matrix.T, rows, (((1,), (1,)), ((), ())))


# Of the products of what moves only the transpose is ever computed where a loss is differentiated; the barriers keep
# XLA from turning that back into a sum over first axes.
@_plain.defjvp
def _of_plain(primals: tuple[jax.Array, ...], tangents: tuple[jax.Array, ...]) -> tuple[jax.Array, jax.Array]:
    rows, matrix = primals
    moved_rows, moved_matrix = tangents
    moved = jax.lax.platform_dependent(rows, moved_matrix, cpu=_shorter_side_first, default=jnp.matmul)
    return _plain(rows, matrix), moved_rows @ matrix + moved


@_turned.defjvp
def _of_turned(primals: tuple[jax.Array, ...], tangents: tuple[jax.Array, ...]) -> tuple[jax.Array, jax.Array]:
    rows, matrix = primals
    moved_rows, moved_matrix = tangents

    def of_matrix(rows: jax.Array, matrix: jax.Array) -> jax.Array:
        return jax.lax.optimization_barrier(_turned(rows, matrix))

    def of_rows(rows: jax.Array, matrix: jax.Array) -> jax.Array:  # theirs is a sum over the columns
        return jax.lax.optimization_barrier(rows @ matrix).T

    moved = jax.lax.platform_dependent(rows, moved_matrix, cpu=of_matrix, default=_turned)
    return _turned(rows, matrix), jax.lax.platform_dependent(moved_rows, matrix, cpu=of_rows, default=_turned) + moved


def _shorter_side_first(rows: jax.Array, matrix: jax.Array) -> jax.Array:
    if matrix.shape[0] > matrix.shape[1]:
        return jax.lax.optimization_barrier(matrix.T @ rows.T).T
    return jax.lax.dot_general(jax.lax.optimization_barrier(rows.T), matrix, (((0,), (0,)), ((), ())))


def gram(rows: jax.Array) -> jax.Array:
    """[row, row] inner products of rows [row, column]."""
    return fixed_product(rows, rows.T, "highest")
