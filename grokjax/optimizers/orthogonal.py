"""The orthogonal matrix that is nearest to another one, about, by products alone.

Source: the quintic Newton-Schulz iteration of Jordan et al. 2024 (Muon). With X = U S V^T it gives U p(S) V^T, p being
five times the odd polynomial below, for S divided by its Frobenius norm: p is steep at 0, and from 0.002 on it stays
between 0.68 and 1.21 instead of at 1. Smaller singular values stay smaller: p(s) is about 485 s near 0.
"""

import jax
import jax.numpy as jnp

from grokjax.core.fixed_product import fixed_product

COEFFICIENTS = (3.4445, -4.7750, 2.0315)
"""Of s, s^3 and s^5 in each turn."""
TURNS = 5


def orthogonalised(matrix: jax.Array, eps: jax.Array | float) -> jax.Array:
    """U p(S) V^T of a matrix U S V^T, as precise as its numbers whatever `precision.matmul` is; zeros stay zeros.

    The turns are a loop: written out, five times as many small products are compiled.

    Args:
      matrix: [row, column].
      eps: added to the Frobenius norm.
    """
    is_tall = matrix.shape[0] > matrix.shape[1]
    wide = matrix.T if is_tall else matrix
    first, third, fifth = COEFFICIENTS

    def turn(_: jax.Array, x: jax.Array) -> jax.Array:
        gram = fixed_product(x, x.T)
        return first * x + fixed_product(third * gram + fifth * fixed_product(gram, gram), x)

    with jax.default_matmul_precision("highest"):
        x = jax.lax.fori_loop(0, TURNS, turn, wide / (jnp.sqrt(jnp.sum(jnp.square(wide))) + eps))
    return x.T if is_tall else x
