"""How near do five Newton-Schulz turns come to the nearest orthogonal matrix? As near as their polynomial, no more."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.optimizers.orthogonal import orthogonalised

SHAPES = [(1, 1), (3, 2), (12, 12), (40, 300), (300, 40), (194, 200)]


def polynomial(values):
    """Five turns of the published polynomial, on numbers."""
    for _ in range(5):
        values = 3.4445 * values - 4.7750 * values**3 + 2.0315 * values**5
    return values


def matrix(shape):
    return np.random.default_rng(0).normal(size=shape)


@pytest.mark.parametrize("shape", SHAPES)
def test_it_keeps_singular_vectors_and_sends_values_through_the_polynomial(shape):
    left, values, right = np.linalg.svd(matrix(shape), full_matrices=False)
    expected = left * polynomial(values / np.linalg.norm(values)) @ right
    found = jax.jit(orthogonalised)(jnp.float32(matrix(shape)), 0.0)
    np.testing.assert_allclose(found, expected, atol=2e-5)


def test_from_two_thousandths_of_the_norm_on_values_come_to_between_068_and_121():
    through = polynomial(np.geomspace(2e-3, 1, 1_000_001))
    assert 0.68 < through.min() < 0.69 and 1.20 < through.max() < 1.21
    assert polynomial(1e-7) / 1e-7 == pytest.approx(3.4445**5) == pytest.approx(485, abs=1)


@pytest.mark.parametrize("shape", SHAPES)
def test_it_is_within_033_of_the_nearest_orthogonal_matrix_in_every_direction(shape):
    left, values, right = np.linalg.svd(matrix(shape), full_matrices=False)
    values = np.linspace(1, 0.05, len(values))
    assert values.min() / np.linalg.norm(values) > 2e-3
    found = np.asarray(jax.jit(orthogonalised)(jnp.float32(left * values @ right), 0.0))
    assert np.linalg.norm(found - left @ right, ord=2) < 0.33


def test_zeros_stay_zeros_and_the_size_of_a_matrix_does_not_matter():
    assert not np.asarray(orthogonalised(jnp.zeros((3, 4)), 1e-7)).any()
    plain = orthogonalised(jnp.float32(matrix((3, 4))), 0.0)
    for size in (1e-12, 1e12):
        np.testing.assert_allclose(orthogonalised(jnp.float32(size * matrix((3, 4))), 0.0), plain, rtol=1e-4)


def test_products_are_exact_whatever_the_program_asks_for():
    with jax.default_matmul_precision("bfloat16"):
        text = jax.jit(orthogonalised).lower(jnp.zeros((8, 300)), 0.0).as_text()
    products = [line for line in text.splitlines() if "dot_general" in line]
    assert products and all("precision = [HIGHEST, HIGHEST]" in line for line in products)
