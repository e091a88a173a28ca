"""Is the L1 penalty strength * sum |w|?"""

import jax
import jax.numpy as jnp
import numpy as np

from grokjax.core.streams import stream
from grokjax.regularizers.l1 import L1

PARAMS = {"kernel": jnp.array([[1.0, -2.0], [0.0, 4.0]]), "bias": jnp.array([-3.0])}
KEY, STEP = stream(jnp.uint32(0), "noise"), jnp.int32(0)


def examples(folder):
    del folder
    return [L1(strength=0.1), L1(strength=0.1, over="matrices")]


def test_penalty_is_the_sum_of_absolute_values():
    np.testing.assert_allclose(L1(strength=0.5).penalty(PARAMS, KEY, STEP), 5.0)
    np.testing.assert_allclose(L1(strength=0.5, over="matrices").penalty(PARAMS, KEY, STEP), 3.5)


def test_gradient_is_the_sign_and_zero_at_zero():
    slope = jax.grad(lambda params: L1(strength=0.5).penalty(params, KEY, STEP))(PARAMS)
    np.testing.assert_allclose(slope["kernel"], [[0.5, -0.5], [0.0, 0.5]])
    np.testing.assert_allclose(slope["bias"], [-0.5])


def test_parameters_without_matrices_cost_nothing():
    assert L1(strength=2.0, over="matrices").penalty({"bias": jnp.ones(3)}, KEY, STEP) == 0
