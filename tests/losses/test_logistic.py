"""Is the logistic loss log(1 + exp(-y f)), summed over the columns, also where float32 would round it to 0?"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.losses.logistic import Logistic


def test_one_column_costs_log1p_of_exp_of_minus_the_margin():
    outputs = np.array([[0.0], [3.0], [3.0], [-17.5], [20.0], [86.0], [-500.0]])
    signs = np.array([[1.0], [1.0], [-1.0], [-1.0], [1.0], [1.0], [1.0]])
    expected = np.logaddexp(0.0, -signs * outputs)[:, 0]
    losses = Logistic().loss(jnp.asarray(outputs, jnp.float32), jnp.asarray(signs, jnp.float32))
    np.testing.assert_allclose(losses, expected, rtol=2e-5)


def test_gradient_of_a_fitted_example_does_not_round_to_zero():
    margins = np.array([0.0, 10.0, 30.0, 80.0])
    slope = jax.vmap(jax.grad(lambda output: Logistic().loss(output[None, None], jnp.ones((1, 1)))[0]))
    expected = -np.exp(-margins) / (1 + np.exp(-margins))
    np.testing.assert_allclose(slope(jnp.asarray(margins, jnp.float32)), expected, rtol=2e-5)


def test_classes_are_one_question_a_column():
    outputs = np.random.default_rng(0).normal(size=(5, 4))
    classes = np.array([0, 3, 1, 1, 2], np.int32)
    expected = [
        sum(np.log(1 + np.exp(-outputs[i, j] if j == classes[i] else outputs[i, j])) for j in range(4))
        for i in range(5)
    ]
    losses = Logistic().loss(jnp.asarray(outputs, jnp.float32), jnp.asarray(classes))
    np.testing.assert_allclose(losses, expected, rtol=1e-5)


@pytest.mark.parametrize("target", [0.0, 0.5, -2.0])
def test_target_that_is_no_sign_gives_nan(target):
    losses = np.asarray(Logistic().loss(jnp.ones((2, 1)), jnp.array([[1.0], [target]])))
    assert np.isfinite(losses[0]) and np.isnan(losses[1])


def test_targets_of_another_length_are_refused():
    with pytest.raises(ValueError, match="equal shapes"):
        Logistic().loss(jnp.zeros((2, 3)), jnp.ones((2, 1)))
