"""Singular values by sums in a fixed order: those of a LAPACK depend on its threads, on a GPU on its libraries.

Householder reflections make the matrix bidiagonal (Golub, Kahan 1965); its singular values are the positive eigenvalues
of a tridiagonal matrix with zeros on the diagonal, found by bisection on the number of eigenvalues below a value.
Errors are about 1e-6 of the largest singular value in float32.
"""

from typing import Any

import jax
import jax.numpy as jnp

_STRETCH = 64  # columns that are eliminated before the rest of the matrix is cut out
_UNROLL = 16


def singular_values(matrix: jax.Array) -> jax.Array:
    """[value] descending, as many as the shorter side of a matrix [row, column]."""
    tall = matrix if matrix.shape[0] >= matrix.shape[1] else matrix.T
    size = jnp.max(jnp.abs(tall))
    scale = jnp.where(size > 0, size, 1.0)
    diagonal, above = _bidiagonal(tall / scale)
    return scale * _bisected(diagonal, above)


def _bidiagonal(matrix: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Diagonal [column] and the entries right of it [column - 1] of U^T A V, for a tall A."""
    count = matrix.shape[1]
    diagonal, above = [], []
    for start in range(0, count, _STRETCH):
        stretch = min(_STRETCH, count - start)
        empty = jnp.zeros((stretch,), matrix.dtype)
        matrix, on, beside = jax.lax.fori_loop(0, stretch, _eliminate, (matrix, empty, empty))
        matrix = matrix[stretch:, stretch:]
        diagonal.append(on)
        above.append(beside)
    return jnp.concatenate(diagonal), jnp.concatenate(above)[:-1]


def _eliminate(index: jax.Array, carry: tuple[jax.Array, jax.Array, jax.Array]) -> tuple[Any, Any, Any]:
    """One column below the diagonal and one row right of the entry beside it become zero."""
    matrix, diagonal, above = carry
    rows, columns = (jnp.arange(length) for length in matrix.shape)
    column = jnp.where(rows >= index, matrix[:, index], 0.0)
    v, on = _reflector(column, rows == index)
    z = jnp.sum(v[:, None] * matrix, axis=0)
    row = matrix[index] - jnp.sum(jnp.where(rows == index, v, 0.0)) * z
    w, beside = _reflector(jnp.where(columns > index, row, 0.0), columns == index + 1)
    u = jnp.sum(matrix * w[None], axis=1) - v * jnp.sum(z * w)
    matrix = matrix - v[:, None] * z[None] - u[:, None] * w[None]
    return matrix, diagonal.at[index].set(on), above.at[index].set(beside)


def _reflector(vector: jax.Array, is_kept: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Such a v that x - v (v.x) is zero but for one entry, and that entry; v is zero where x is."""
    length = jnp.sqrt(jnp.sum(jnp.square(vector)))
    entry = jnp.sum(jnp.where(is_kept, vector, 0.0))
    left = jnp.where(entry > 0, -length, length)
    v = jnp.where(is_kept, vector - left, vector)
    squared = 2.0 * length * (length + jnp.abs(entry))
    return v * jnp.where(squared > 0, jax.lax.rsqrt(jnp.where(squared > 0, squared / 2, 1.0)), 0.0), left


def _bisected(diagonal: jax.Array, above: jax.Array) -> jax.Array:
    """[value] descending, singular values of a bidiagonal matrix."""
    count = len(diagonal)
    beside = jnp.zeros((2 * count - 1,), diagonal.dtype).at[::2].set(diagonal).at[1::2].set(above)
    squares = jnp.concatenate([jnp.zeros((1,), diagonal.dtype), jnp.square(beside)])
    tiny = jnp.finfo(diagonal.dtype).tiny * 16
    wanted = count + jnp.arange(count)[::-1]  # how many eigenvalues lie below: as many negative ones as values

    def number_below(value: jax.Array) -> jax.Array:
        """Of the 2 count eigenvalues, by the signs of the pivots of T - value (Sturm)."""

        def eliminate(carry: tuple[jax.Array, jax.Array], square: jax.Array) -> tuple[tuple[Any, Any], None]:
            pivot, below = carry
            pivot = -value - square / pivot
            pivot = jnp.where(jnp.abs(pivot) < tiny, -tiny, pivot)
            return (pivot, below + (pivot < 0)), None

        start = jnp.ones_like(value), jnp.zeros(value.shape, jnp.int32)
        return jax.lax.scan(eliminate, start, squares, unroll=_UNROLL)[0][1]

    def halve(_: jax.Array, ends: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        low, high = ends
        middle = (low + high) / 2
        is_below = number_below(middle) <= wanted
        return jnp.where(is_below, middle, low), jnp.where(is_below, high, middle)

    highest = 1.01 * jnp.sqrt(jnp.sum(squares)) + tiny
    steps = jnp.finfo(diagonal.dtype).nmant + 4
    ends = jnp.zeros_like(diagonal), jnp.broadcast_to(highest, (count,))
    low, high = jax.lax.fori_loop(0, steps, halve, ends)
    return (low + high) / 2
