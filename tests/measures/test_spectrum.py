"""Are entropies and ranks of weights those of NumPy's singular values, and of matrices that are known?"""

import types

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.measures.singular_values import singular_values
from grokjax.measures.spectrum import Spectrum
from grokjax.models.cnn import CNN
from grokjax.models.mlp import MLP
from grokjax.optimizers.adamw import AdamW
from grokjax.reader.run import Run
from grokjax.tasks.digits import Digits
from grokjax.tasks.modular_arithmetic import ModularArithmetic
from tests.measures.small_runs import shown

RANDOM = np.random.default_rng(0)


def measured(matrix):
    params = {"layer": {"kernel": jnp.asarray(matrix, jnp.float32), "bias": jnp.ones(3)}}
    found = jax.jit(lambda params: Spectrum().measure(types.SimpleNamespace(params=params)))(params)
    return [float(found[f"{what}/layer/kernel"]) for what in ("spectral_entropy", "effective_rank", "stable_rank")]


def test_an_orthogonal_matrix_uses_every_direction_and_one_of_rank_one_a_single_one():
    rotation = np.linalg.qr(RANDOM.normal(size=(40, 40)))[0]
    np.testing.assert_allclose(measured(5 * rotation), [np.log(40), 40, 40], rtol=1e-4)
    np.testing.assert_allclose(measured(np.outer(RANDOM.normal(size=40), RANDOM.normal(size=20))), [0, 1, 1], atol=2e-3)
    np.testing.assert_allclose(measured(np.zeros((4, 5))), [0, 1, 0])


@pytest.mark.parametrize("shape", [(1, 5), (5, 1), (33, 65), (65, 33), (128, 130), (200, 7)])
@pytest.mark.parametrize("rank", [1, 3, None])
def test_singular_values_are_those_of_numpy(shape, rank):
    rank = min(shape) if rank is None else min(rank, *shape)
    matrix = RANDOM.normal(size=(shape[0], rank)) @ RANDOM.normal(size=(rank, shape[1]))
    expected = np.linalg.svd(matrix, compute_uv=False)
    found = jax.jit(singular_values)(matrix.astype(np.float32))
    np.testing.assert_allclose(found, expected, atol=3e-6 * expected[0])


@pytest.mark.parametrize("scale", [1e-18, 1e18])
def test_singular_values_of_tiny_and_huge_matrices_neither_vanish_nor_overflow(scale):
    matrix = RANDOM.normal(size=(9, 6))
    expected = scale * np.linalg.svd(matrix, compute_uv=False)
    np.testing.assert_allclose(jax.jit(singular_values)(np.float32(scale * matrix)), expected, rtol=1e-4)


def test_every_matrix_of_a_network_is_measured_and_their_mean():
    run = Run(task=ModularArithmetic(modulus=11), model=MLP(width=24, depth=2, bias=True), optimizer=AdamW())
    view = shown(run, Spectrum())
    entropies = []
    for name in ("hidden_0", "hidden_1", "output"):
        values = np.linalg.svd(view.params[name]["kernel"].astype(np.float64), compute_uv=False)
        share = values / values.sum()
        entropies.append(-np.sum(share * np.log(share)))
        np.testing.assert_allclose(view.measured[f"spectral_entropy/{name}/kernel"], entropies[-1], rtol=1e-5)
        np.testing.assert_allclose(view.measured[f"effective_rank/{name}/kernel"], np.exp(entropies[-1]), rtol=1e-4)
        expected = np.sum(values**2) / values[0] ** 2
        np.testing.assert_allclose(view.measured[f"stable_rank/{name}/kernel"], expected, rtol=1e-5)
    np.testing.assert_allclose(view.measured["spectral_entropy/mean"], np.mean(entropies), rtol=1e-5)
    assert not any("bias" in name for name in view.measured)


def test_the_axes_of_a_convolution_but_the_last_are_made_one():
    view = shown(Run(task=Digits(), model=CNN(channels=2, layers=1), optimizer=AdamW()), Spectrum())
    values = np.linalg.svd(view.params["conv_0"]["kernel"].reshape(9, 2).astype(np.float64), compute_uv=False)
    np.testing.assert_allclose(
        view.measured["stable_rank/conv_0/kernel"], np.sum(values**2) / values[0] ** 2, rtol=1e-5
    )
