"""Is every loss a finite, non-negative number for each example, which no other example enters?"""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

TARGETS = np.array([0, 4, 2, 2, 1, 3], np.int32)


@pytest.fixture(scope="module")
def outputs() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(6, 5)).astype(np.float32)


@jax.jit
def loss_of(loss, outputs):
    return loss.loss(outputs, TARGETS)


@jax.jit
def total_and_gradient(loss, outputs):
    return jax.value_and_grad(lambda values: loss.loss(values, TARGETS).sum())(outputs)


def test_loss_is_one_non_negative_float_for_each_example(any_loss, outputs):
    found = loss_of(any_loss, outputs)
    assert found.shape == (6,) and found.dtype == jnp.float32
    assert (np.asarray(found) >= 0).all()


def test_loss_of_an_example_depends_on_that_example_only(any_loss, outputs):
    slope = jax.jit(jax.jacobian(loss_of, argnums=1))(any_loss, outputs)
    for example in range(6):
        others = [place for place in range(6) if place != example]
        assert np.abs(slope[example, example]).max() > 0
        assert not np.asarray(slope[example, others]).any()


@pytest.mark.parametrize("size", [0.0, 1.0, 30.0, 1e4])
def test_loss_and_gradient_are_finite(any_loss, outputs, size):
    found, gradient = total_and_gradient(any_loss, size * outputs)
    assert np.isfinite(found) and np.isfinite(gradient).all()


def test_gradient_is_that_of_finite_differences(any_loss, outputs):
    def total(values):
        return float(total_and_gradient(any_loss, values)[0])

    gradient = np.asarray(total_and_gradient(any_loss, outputs)[1])
    small = np.float32(2e-2)
    for place in np.ndindex(2, 5):
        nudge = np.zeros_like(outputs)
        nudge[place] = small
        difference = (total(outputs + nudge) - total(outputs - nudge)) / (2 * small)
        assert difference == pytest.approx(gradient[place], abs=2e-3)


def test_going_downhill_makes_the_answers_right(any_loss, outputs):
    values = outputs
    for _ in range(200):
        values = values - 0.5 * total_and_gradient(any_loss, values)[1]
    assert np.array_equal(np.argmax(values, axis=1), TARGETS)


def test_swept_fields_accept_tracers(any_loss, outputs):
    np.testing.assert_allclose(loss_of(any_loss, outputs), any_loss.loss(outputs, TARGETS), rtol=1e-6)
