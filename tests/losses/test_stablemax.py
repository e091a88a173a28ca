"""Is StableMax the published function, exact in float32, and free of collapse?"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.losses.stablemax import StableMax

TARGETS = np.array([0, 4, 2, 2, 1, 3])


def published(outputs: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """s(x) = x + 1 from 0 on, else 1 / (1 - x), in float64."""
    raised = np.where(outputs >= 0, outputs + 1, 1 / (1 - np.minimum(outputs, 0)))
    return -np.log(np.take_along_axis(raised, targets[:, None], axis=1)[:, 0] / raised.sum(axis=1))


@jax.jit
def value_and_gradient(outputs, targets):
    losses, pull_back = jax.vjp(lambda values: StableMax().loss(values, targets), outputs)
    return losses, pull_back(jnp.ones_like(losses))[0]


@pytest.mark.parametrize("size", [0.1, 3, 1e4])
def test_loss_is_the_published_one(size):
    outputs = (size * np.random.default_rng(0).normal(size=(6, 5))).astype(np.float32)
    losses, _ = value_and_gradient(outputs, TARGETS)
    np.testing.assert_allclose(losses, published(outputs.astype(np.float64), TARGETS), rtol=2e-6)


def test_gradient_is_that_of_finite_differences_of_the_published_loss():
    outputs, small = np.random.default_rng(1).normal(size=(6, 5)), 1e-6
    outputs[0, 0] = outputs[1, 2] = 0.0  # where the two halves of s meet
    _, gradient = value_and_gradient(jnp.asarray(outputs, jnp.float32), TARGETS)
    for place in np.ndindex(6, 5):
        nudge = np.zeros_like(outputs)
        nudge[place] = small
        low, high = (published(outputs + sign * nudge, TARGETS).sum() for sign in (-1, 1))
        assert gradient[place] == pytest.approx((high - low) / (2 * small), abs=1e-5)


@pytest.mark.parametrize("margin", [30.0, 1e4, 1e8])
def test_a_fitted_example_is_still_pushed(margin):
    outputs = np.array([[margin, 0, 0]], np.float32)
    losses, gradient = value_and_gradient(outputs, np.zeros(1, np.int64))
    assert losses[0] == pytest.approx(np.log1p(2 / (1 + margin)), rel=1e-5)
    assert gradient[0, 0] == pytest.approx(-2 / (1 + margin) / (3 + margin), rel=1e-5)


def test_shifting_all_outputs_counts_unlike_with_softmax():
    outputs = np.random.default_rng(2).normal(size=(6, 5)).astype(np.float32)
    assert np.abs(value_and_gradient(outputs, TARGETS)[0] - value_and_gradient(outputs + 5, TARGETS)[0]).min() > 1e-2


def test_target_vectors_are_refused_by_name():
    with pytest.raises(TypeError, match=r"^loss stablemax needs whole-number class targets, got float32; use mse"):
        StableMax().loss(jnp.zeros((2, 3)), jnp.zeros((2, 3)))
