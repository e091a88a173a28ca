"""Functions of a matrix's singular values, with exact gradients and bits that no thread count changes.

Automatic differentiation of an SVD divides by differences of singular values, which are 0 where two are equal. A
function of the values alone needs none of that: with W = U diag(s) V^T its gradient is U diag(df/ds) V^T.
"""

import ctypes
import functools
import importlib
import warnings
from collections.abc import Callable

import jax
import jax.numpy as jnp

from grokjax.core.data_warning import DataWarning

_INNER = 128  # longest inner dimension of a product whose bits do not depend on threads, see `plan/blocks.py`


@functools.partial(jax.custom_jvp, nondiff_argnums=(0,))
def of_singular_values(function: Callable[[jax.Array], jax.Array], matrix: jax.Array) -> jax.Array:
    """`function` (singular values [k], the largest first -> scalar) of a matrix; one SVD with or without gradient.

    Args:
      function: traced. Values that rounding alone can make (up to the largest times epsilon times the longer side) come
        to it as 0; what it says of their slope is taken for 0, since their directions are arbitrary.
      matrix: [row, column], or [..., column], whose rows are then all but the last axis; k is its shorter side.
    """
    return function(_decomposed(matrix)[1])


@of_singular_values.defjvp
def _differentiate(
    function: Callable[[jax.Array], jax.Array], primals: tuple[jax.Array], tangents: tuple[jax.Array]
) -> tuple[jax.Array, jax.Array]:
    left, values, right = _decomposed(primals[0])
    value, slope = jax.value_and_grad(function)(values)
    gradient = _product(left * jnp.where(values == 0, 0, slope)[None], right)
    tangent = tangents[0].reshape(-1, primals[0].shape[-1])
    return value, jnp.sum((gradient if gradient.shape == tangent.shape else gradient.T) * tangent)


def _decomposed(matrix: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
    """U [short, k], singular values [k] and V^T [k, long] of the matrix with its shorter side first."""
    use_one_thread()
    flat = matrix.reshape(-1, matrix.shape[-1])
    flat = flat if flat.shape[0] <= flat.shape[1] else flat.T
    left, values, right = jnp.linalg.svd(flat, full_matrices=False)
    rounding = flat.shape[1] * jnp.finfo(flat.dtype).eps * values[:1]
    return left, jnp.where(values <= rounding, 0, values), right


def _product(left: jax.Array, right: jax.Array) -> jax.Array:
    """`left @ right`, summed over short pieces of the inner dimension in their order; the left one has fewer rows.

    As precise as its numbers whatever `precision.matmul` is.
    """
    # Without the barriers XLA would turn the product as those around it lie, and hand it to another routine.
    left, right = jax.lax.optimization_barrier((left, right))
    starts = range(0, left.shape[1], _INNER)
    pieces = [
        jnp.matmul(left[:, start : start + _INNER], right[start : start + _INNER], precision="highest")
        for start in starts
    ]
    return jax.lax.optimization_barrier(sum(pieces[1:], start=pieces[0]))


@functools.cache
def use_one_thread() -> None:
    """Keep SciPy's LAPACK, which JAX calls on a CPU, to one thread: how it shares out sums changes their bits.

    Devices call it side by side, so its own threads only made it slower.
    """
    library = ctypes.CDLL(importlib.import_module("scipy.linalg.cython_lapack").__file__)
    for name in ("scipy_openblas_set_num_threads", "openblas_set_num_threads"):
        if hasattr(library, name):
            getattr(library, name)(1)
            return
    rule = "SciPy's LAPACK is no OpenBLAS here"
    warnings.warn(f"{rule}: on a CPU, bits of singular values may depend on its threads", DataWarning, stacklevel=2)
