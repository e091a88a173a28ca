"""Is alignment with the initial representation that of the published formula on features?"""

import jax.numpy as jnp
import numpy as np

from grokjax.measures.cka import Cka, alignment
from grokjax.models.mlp import MLP
from grokjax.optimizers.adamw import AdamW
from grokjax.reader.run import Run
from grokjax.tasks.modular_arithmetic import ModularArithmetic
from tests.measures.small_runs import SAME, outputs_of_mlp, shown

RUN = Run(task=ModularArithmetic(modulus=13), model=MLP(width=16), optimizer=AdamW())


def by_features(left, right):
    """|X^T Y|^2 / (|X^T X| |Y^T Y|) of centred features."""
    left, right = (matrix - matrix.mean(axis=0) for matrix in (left, right))
    return np.linalg.norm(left.T @ right) ** 2 / np.linalg.norm(left.T @ left) / np.linalg.norm(right.T @ right)


def test_alignment_is_that_of_the_features():
    view = shown(RUN, Cka(examples=50))
    rows = view.inputs[np.arange(50) * 169 // 50]
    now, then = (outputs_of_mlp(params, rows, 13)[0] for params in (view.params, view.initial))
    np.testing.assert_allclose(view.measured["cka/units_0"], by_features(now, then), rtol=1e-4)
    assert view.measured["cka/units_0"] < 0.99


def test_initial_parameters_are_aligned_and_so_is_a_rotation_but_not_a_projection():
    np.testing.assert_allclose(shown(RUN, Cka(), SAME).measured["cka/units_0"], 1, rtol=1e-5)
    random = np.random.default_rng(0)
    features = random.normal(size=(20, 6))
    rotated = 3 * features @ np.linalg.qr(random.normal(size=(6, 6)))[0] + 5
    kernels = [jnp.asarray(part @ part.T, jnp.float32) for part in (features, rotated, features[:, :2])]
    np.testing.assert_allclose(alignment(kernels[0], kernels[1]), 1, rtol=1e-4)
    np.testing.assert_allclose(alignment(kernels[0], kernels[2]), by_features(features, features[:, :2]), rtol=1e-4)
