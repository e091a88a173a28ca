"""Do all weights keep the given norm together, through the engine's own update?"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.regularizers.constant_norm import ConstantNorm
from tests.regularizers.norms_of_a_run import norms_of_a_run

PARAMS = {"kernel": jnp.array([[3.0, 0.0], [0.0, 0.0]]), "bias": jnp.array([4.0])}  # of norm 5


def examples(folder):
    del folder
    return [ConstantNorm(norm=3.0)]


@pytest.mark.parametrize("norm", [0.1, 5.0, 40.0])
def test_all_weights_are_rescaled_by_one_factor(norm):
    found = jax.jit(lambda part: part.project(PARAMS))(ConstantNorm(norm=norm))
    for name, leaf in PARAMS.items():
        np.testing.assert_allclose(found[name], leaf * norm / 5, rtol=1e-6)


def test_weights_of_zero_stay_zero():
    zeros = jax.tree.map(jnp.zeros_like, PARAMS)
    found = ConstantNorm(norm=3.0).project(zeros)
    assert not any(np.asarray(leaf).any() for leaf in found.values())


@pytest.mark.parametrize("weight_decay", [0.0, 1.0])
def test_a_run_has_the_norm_after_each_update_whatever_the_decay(weight_decay):
    drawn, *trained = norms_of_a_run(ConstantNorm(norm=3.0), weight_decay)
    assert abs(drawn - 3) > 0.1
    np.testing.assert_allclose(trained, 3, rtol=1e-6)
