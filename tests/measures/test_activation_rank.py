"""Are rank and participation ratio of activations those of NumPy?"""

import jax
import numpy as np
import pytest

from grokjax.losses.mse import MSE
from grokjax.measures.activation_rank import ActivationRank, feature_rank, participation_ratio
from grokjax.models.linear import Linear
from grokjax.models.mlp import MLP
from grokjax.optimizers.adamw import AdamW
from grokjax.reader.check import check_programs
from grokjax.reader.errors import SpecError
from grokjax.reader.run import Run
from grokjax.tasks.linear_teacher import LinearTeacher
from grokjax.tasks.modular_arithmetic import ModularArithmetic
from tests.measures.small_runs import outputs_of_mlp, shown

RANDOM = np.random.default_rng(0)


def test_rank_and_participation_ratio_are_those_of_numpy():
    run = Run(task=ModularArithmetic(modulus=13), model=MLP(width=40), optimizer=AdamW())
    view = shown(run, ActivationRank(examples=60))
    rows = np.arange(60) * 169 // 60
    units, _ = outputs_of_mlp(view.params, view.inputs[rows], 13)
    assert view.measured["feature_rank/units_0"] == np.linalg.matrix_rank(units.astype(np.float32))
    variance = np.linalg.eigvalsh(np.cov(units.T))
    np.testing.assert_allclose(
        view.measured["participation_ratio/units_0"], variance.sum() ** 2 / np.sum(variance**2), rtol=1e-4
    )


@pytest.mark.parametrize(("rank", "shape"), [(1, (30, 8)), (5, (30, 8)), (8, (30, 8)), (20, (20, 150))])
def test_the_rank_of_a_product_is_its_inner_length(rank, shape):
    matrix = RANDOM.normal(size=(shape[0], rank)) @ RANDOM.normal(size=(rank, shape[1]))
    assert jax.jit(feature_rank)(matrix.astype(np.float32)) == rank


def test_equal_variances_take_part_alike_and_a_constant_not_at_all():
    corners = np.array(np.meshgrid(*4 * [[-1.0, 1.0]])).reshape(4, -1).T.astype(np.float32)
    np.testing.assert_allclose(participation_ratio(corners), 4, rtol=1e-6)
    np.testing.assert_allclose(participation_ratio(corners * np.float32([1, 1, 0, 0])), 2, rtol=1e-6)
    assert participation_ratio(np.ones((5, 3), np.float32)) == 0


def test_a_network_that_names_no_units_is_refused():
    run = Run(task=LinearTeacher(), model=Linear(), optimizer=AdamW(), loss=MSE())
    with pytest.raises(SpecError, match="asks for activations named 'units', but the model names no activations"):
        check_programs([run], [ActivationRank()])
