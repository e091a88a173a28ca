"""Are coarse networks those of the formulas?"""

import jax
import numpy as np
import pytest

from grokjax.probes.coarse_graining import CoarseGraining, factors_of
from grokjax.probes.code_length import entropy_bits

RNG = np.random.default_rng(0)


def orthogonal(size):
    return np.linalg.qr(RNG.normal(size=(size, size)))[0].astype(np.float32)


def of_rank(rank, rows, columns):
    return (RNG.normal(size=(rows, rank)) @ RNG.normal(size=(rank, columns))).astype(np.float32)


@pytest.mark.parametrize("shape", [(12, 12), (30, 8), (8, 30), (4, 5, 6)])
def test_factors_are_the_singular_value_decomposition(shape):
    matrix = RNG.normal(size=shape).astype(np.float32)
    flat = matrix.reshape(-1, shape[-1]).astype(np.float64)
    factors, values = factors_of(matrix), np.linalg.svd(flat, compute_uv=False)
    np.testing.assert_allclose(factors.left @ factors.right, flat, atol=2e-6)
    np.testing.assert_allclose(np.linalg.norm(factors.left, axis=0), values, rtol=1e-5)
    np.testing.assert_allclose(factors.right @ factors.right.T, np.eye(len(values)), atol=1e-5)
    np.testing.assert_allclose(factors.shares, np.cumsum(values) / values.sum(), rtol=1e-9)


def test_ranks_of_matrices_that_are_known():
    equal, single, zero = factors_of(orthogonal(10)), factors_of(of_rank(1, 9, 7)), factors_of(np.zeros((5, 6)))
    assert [equal.rank(threshold) for threshold in (0, 0.05, 0.11, 0.55, 0.999)] == [0, 1, 2, 6, 10]
    assert [single.rank(threshold) for threshold in (0, 0.3, 0.999)] == [0, 1, 1]
    assert [zero.rank(threshold) for threshold in (0, 0.5, 1)] == [0, 0, 0]


def test_ranks_by_the_formula():
    matrix = RNG.normal(size=(20, 15)).astype(np.float32)
    share = np.linalg.svd(matrix.astype(np.float64), compute_uv=False)
    share /= share.sum()
    for threshold in RNG.uniform(0, 1, 50):
        wanted = next(k for k in range(16) if share[:k].sum() >= threshold)
        assert factors_of(matrix).rank(threshold) == wanted


def test_factors_are_stored_only_where_they_are_fewer_numbers():
    graining = CoarseGraining({"a": orthogonal(10), "b": np.ones(3, np.float32)})
    assert graining.ranks(0.35) == (4, None)  # 4 * 20 < 100
    assert graining.ranks(0.45) == (None, None)  # 5 * 20 is as many
    assert graining.mean_rank((4, None)) == 4 and graining.mean_rank((None, None)) == 10
    assert [level.shape for level in graining.levels(0.1, (4, None))] == [(10, 4), (4, 10), (3,)]


def test_a_coarse_network_is_the_product_of_its_rounded_factors():
    params = {"a": {"kernel": RNG.normal(size=(20, 30)).astype(np.float32)}, "b": RNG.normal(size=7).astype(np.float32)}
    graining, delta = CoarseGraining(params), 0.07
    ranks = graining.ranks(0.3)
    left, values, right = np.linalg.svd(params["a"]["kernel"].astype(np.float64), full_matrices=False)
    k = ranks[0]
    assert k is not None and 0 < k < 12
    wanted = (np.round(left[:, :k] * values[:k] / delta) * delta) @ (np.round(right[:k] / delta) * delta)
    coarse = graining.params(delta, ranks)
    assert jax.tree.structure(coarse) == jax.tree.structure(params)
    np.testing.assert_allclose(coarse["a"]["kernel"], wanted, atol=1e-5)
    np.testing.assert_allclose(coarse["b"], np.round(params["b"] / delta) * delta, atol=1e-6)


def test_entropy_of_many_ranks_at_once_is_that_of_each_code_alone():
    params = {"a": RNG.normal(size=(20, 30)).astype(np.float32), "b": RNG.normal(size=9).astype(np.float32)}
    graining = CoarseGraining(params)
    forms = list({graining.ranks(threshold) for threshold in np.linspace(0, 1, 9)})
    assert len(forms) > 3
    for delta in (0.01, 0.3, 50.0):
        alone = [sum(map(entropy_bits, graining.levels(delta, form))) for form in forms]
        np.testing.assert_allclose(graining.entropy_bits(delta, forms), alone, rtol=1e-12)
