"""The inverse fourth root of a symmetric matrix, by products alone: bits that no thread count changes.

Source: the coupled Newton iteration of Guo, Higham 2006 (SIAM J. Matrix Anal. Appl. 28, 788), with which Anil et al.
2020 (arXiv 2002.09018) compute their roots. It begins with M = A and H = I; a turn makes T = (5 I - M) / 4, M into
T^4 M and H into H T, so that H^4 A = M. An eigenvalue of M within (0, 1] rises to 1, at first by 2.44 a turn and at the
end quadratically. One that rounding made negative sinks instead, and ends the turns when it is as large as the others.
"""

from typing import NamedTuple

import jax
import jax.numpy as jnp

from grokjax.core.fixed_product import fixed_product

MOST_TURNS = 40
"""Enough for eigenvalues from 1e-12 on; those of 1e-6 take 18."""


class _Turn(NamedTuple):
    """H and M of the iteration, |M - I|^2 before and now, turns done."""

    root: jax.Array
    product: jax.Array
    distance_before: jax.Array
    distance: jax.Array
    turns: jax.Array


def inverse_fourth_root(
    matrix: jax.Array, ridge: jax.Array | float, most_turns: jax.Array | int = MOST_TURNS
) -> jax.Array:
    """(matrix + ridge * trace * I)^(-1/4), as precise as its numbers whatever `precision.matmul` is.

    A matrix without a trace, whose numbers are too small to be told from 0, is taken for zeros of trace 1.

    Args:
      matrix: [row, row], symmetric, no eigenvalue below 0 but for rounding.
      ridge: a share, above 0.
      most_turns: fewer than are needed give another matrix, 0 one that costs a single product.
    """
    one = jnp.eye(len(matrix), dtype=matrix.dtype)
    trace = jnp.trace(matrix)
    size = jnp.where(trace > jnp.finfo(matrix.dtype).tiny, trace, 1.0)
    near = jnp.finfo(matrix.dtype).eps  # of the squared distance: the product behind the loop squares what is left

    def distance(product: jax.Array) -> jax.Array:
        return jnp.sum(jnp.square(product - one))

    def goes_on(state: _Turn) -> jax.Array:
        is_rising = state.distance > state.distance_before + 1.0
        return (state.distance > near) & ~is_rising & (state.turns < most_turns)

    def turn(state: _Turn) -> _Turn:
        step = (5.0 * one - state.product) / 4.0
        square = fixed_product(step, step)
        product = fixed_product(fixed_product(square, square), state.product)
        root = fixed_product(state.root, step)
        return _Turn(root, product, state.distance, distance(product), state.turns + 1)

    with jax.default_matmul_precision("highest"):
        product = matrix / size + jnp.asarray(ridge, matrix.dtype) * one
        infinity = jnp.full((), jnp.inf, matrix.dtype)
        start = _Turn(one, product, infinity, distance(product), jnp.zeros((), jnp.int32))
        end = jax.lax.while_loop(goes_on, turn, start)
        root = fixed_product(end.root, (5.0 * one - end.product) / 4.0)
    return root / jnp.sqrt(jnp.sqrt(size))
