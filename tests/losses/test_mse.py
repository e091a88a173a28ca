"""Is the squared error averaged over the outputs, for classes and for vectors?"""

import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.losses.mse import MSE


def test_outputs_of_zero_cost_one_over_the_number_of_classes():
    np.testing.assert_allclose(MSE().loss(jnp.zeros((2, 97)), jnp.array([3, 96])), 1 / 97, rtol=1e-6)


def test_classes_are_one_hot_vectors():
    outputs = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    targets = np.array([0, 3, 1, 1, 2], np.int32)
    expected = [sum((outputs[i, j] - (j == targets[i])) ** 2 for j in range(4)) / 4 for i in range(5)]
    np.testing.assert_allclose(MSE().loss(jnp.asarray(outputs), jnp.asarray(targets)), expected, rtol=1e-5)


def test_vectors_are_compared_entry_by_entry():
    outputs, targets = jnp.array([[1.0, 2.0], [0.0, -1.0]]), jnp.array([[0.0, 4.0], [0.0, -1.0]])
    np.testing.assert_allclose(MSE().loss(outputs, targets), [2.5, 0.0])


def test_vectors_of_another_length_are_refused():
    with pytest.raises(ValueError, match="equal shapes"):
        MSE().loss(jnp.zeros((2, 3)), jnp.zeros((2, 4)))
