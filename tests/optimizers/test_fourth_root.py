"""Is the inverse fourth root that of eigenvalues, and does rounding below 0 keep it finite?"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.optimizers.fourth_root import inverse_fourth_root


def with_values(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """A symmetric matrix with these eigenvalues, and its eigenvectors as columns."""
    vectors = np.linalg.qr(np.random.default_rng(0).normal(size=(len(values), len(values))))[0]
    return vectors * values @ vectors.T, vectors


@pytest.mark.parametrize(
    ("rows", "ridge", "near"), [(1, 1e-6, 1e-6), (12, 1e-6, 1e-2), (12, 1e-3, 1e-5), (150, 1e-4, 1e-4)]
)
@pytest.mark.parametrize("size", [1e-20, 1.0, 1e20])
def test_it_takes_the_root_of_each_eigenvalue(rows, ridge, near, size):
    values = np.geomspace(1, 1e-8, rows)
    matrix, vectors = with_values(values)
    expected = vectors * (values + ridge * values.sum()) ** -0.25 @ vectors.T * size**-0.25
    found = jax.jit(inverse_fourth_root)(jnp.float32(size * matrix), ridge)
    assert np.linalg.norm(found - expected) < near * np.linalg.norm(expected)


def test_in_float64_it_is_as_precise_as_these_numbers():
    values = np.geomspace(1, 1e-8, 12)
    matrix, vectors = with_values(values)
    expected = vectors * (values + 1e-9 * values.sum()) ** -0.25 @ vectors.T
    with jax.enable_x64(True):
        found = np.asarray(jax.jit(inverse_fourth_root)(jnp.asarray(matrix), 1e-9))
    assert found.dtype == np.float64
    assert np.linalg.norm(found - expected) < 1e-7 * np.linalg.norm(expected)


@pytest.mark.parametrize("below", [-1e-7, -1e-5, -1e-3])
def test_an_eigenvalue_below_0_is_held_while_the_larger_ones_come_to_their_roots(below):
    values = np.array([0.5, 0.3, 0.2, 0.1, below])
    matrix, vectors = with_values(values)
    found = vectors.T @ np.asarray(inverse_fourth_root(jnp.float32(matrix), 1e-12)) @ vectors
    np.testing.assert_allclose(np.diag(found)[:4], values[:4] ** -0.25, rtol=0.02)
    assert 0 < found[4, 4] < 10 * abs(below) ** -0.25


def test_zeros_are_those_of_trace_1():
    np.testing.assert_allclose(inverse_fourth_root(jnp.zeros((3, 3)), 1e-4), 10 * np.eye(3), rtol=1e-5)


def test_products_are_exact_whatever_the_program_asks_for():
    with jax.default_matmul_precision("bfloat16"):
        text = jax.jit(inverse_fourth_root).lower(jnp.zeros((300, 300)), 1e-6).as_text()
    products = [line for line in text.splitlines() if "dot_general" in line]
    assert products and all("precision = [HIGHEST, HIGHEST]" in line for line in products)
