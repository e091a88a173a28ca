"""Is the nuclear norm the sum of singular values, with gradient U V^T?"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.core.streams import stream
from grokjax.regularizers.nuclear_norm import NuclearNorm

KEY, STEP = stream(jnp.uint32(0), "noise"), jnp.int32(0)


def examples(folder):
    del folder
    return [NuclearNorm(strength=0.1)]


@jax.jit
def norm_and_slope(params):
    return jax.value_and_grad(lambda params: NuclearNorm(strength=0.5).penalty(params, KEY, STEP))(params)


@pytest.mark.parametrize("shape", [(6, 4), (4, 6), (3, 2, 4)])
def test_penalty_is_that_of_numpy_and_its_gradient_the_polar_factor(shape):
    matrix = np.random.default_rng(0).normal(size=shape)
    flat = matrix.reshape(-1, shape[-1])
    left, _, right = np.linalg.svd(flat, full_matrices=False)
    value, slope = norm_and_slope({"w": jnp.asarray(matrix, jnp.float32), "bias": jnp.ones(3)})
    assert value == pytest.approx(0.5 * np.linalg.norm(flat, "nuc"), rel=1e-6)
    np.testing.assert_allclose(slope["w"], (0.5 * left @ right).reshape(shape), atol=1e-6)
    assert not slope["bias"].any()


def test_directions_of_rank_zero_are_not_pushed():
    _, slope = norm_and_slope({"w": jnp.outer(jnp.arange(1.0, 5), jnp.ones(3)), "none": jnp.zeros((3, 3))})
    expected = 0.5 * np.outer(np.arange(1, 5), np.ones(3)) / np.sqrt(30 * 3)
    np.testing.assert_allclose(slope["w"], expected, atol=1e-6)
    assert not slope["none"].any()


def test_small_steps_soften_each_singular_value_by_the_strength():
    matrix = np.random.default_rng(1).normal(size=(5, 4))
    before = np.linalg.svd(matrix, compute_uv=False)
    params = {"w": jnp.asarray(matrix, jnp.float32)}
    after = np.linalg.svd(params["w"] - 0.1 * norm_and_slope(params)[1]["w"], compute_uv=False)
    np.testing.assert_allclose(after, before - 0.05, atol=1e-6)
