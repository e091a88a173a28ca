"""Is the gradient of each array at right angles to its weights, and as long as before?"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from grokjax.optimizers.adamw import AdamW
from grokjax.optimizers.sgd import SGD
from grokjax.regularizers.perpendicular_gradient import PerpendicularGradient, perpendicular


def by_hand(gradient: np.ndarray, weights: np.ndarray) -> np.ndarray:
    rest = gradient - (weights * gradient).sum() / (weights**2).sum() * weights
    return rest * np.linalg.norm(gradient) / np.linalg.norm(rest)


def test_the_filter_equals_numpy_array_by_array(recorded):
    found = recorded.filtered(PerpendicularGradient())
    for name, gradients in recorded.gradients.items():
        for t, gradient in enumerate(gradients):
            expected = by_hand(gradient, recorded.weights[name][t])
            np.testing.assert_allclose(found[name][t], expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("share", [0.0, 0.5, 0.999, 0.9999999])
@pytest.mark.parametrize("shape", [(2,), (40,), (97, 128), (512, 200)])
def test_it_is_orthogonal_and_of_the_same_length_however_little_is_left(shape, share):
    random = np.random.default_rng(1)
    weights, other = random.normal(size=shape), random.normal(size=shape)
    other = by_hand(other, weights) / np.linalg.norm(other)
    gradient = 1e-3 * (share * weights / np.linalg.norm(weights) + np.sqrt(1 - share**2) * other)
    found = np.asarray(jax.jit(perpendicular)(jnp.float32(gradient), jnp.float32(weights)), np.float64)
    cosine = (found * weights).sum() / np.linalg.norm(found) / np.linalg.norm(weights)
    assert abs(cosine) < 1e-6
    np.testing.assert_allclose(np.linalg.norm(found), 1e-3, rtol=1e-5)


def test_weights_of_zero_leave_the_gradient_as_it_is():
    gradient = jnp.array([3.0, -4.0])
    np.testing.assert_allclose(perpendicular(gradient, jnp.zeros(2)), gradient, rtol=1e-6)


def test_no_gradient_and_a_single_number_give_no_move():
    np.testing.assert_array_equal(perpendicular(jnp.zeros(3), jnp.ones(3)), np.zeros(3))
    for number in np.random.default_rng(2).normal(size=50):
        np.testing.assert_array_equal(perpendicular(jnp.array([number]), jnp.array([0.3])), np.zeros(1))


@pytest.mark.parametrize("optimizer", [SGD(learning_rate=0.01, momentum=0.8), AdamW(learning_rate=0.01)])
def test_descent_along_it_keeps_the_loss_falling_with_any_optimizer(optimizer):
    target = {"matrix": jnp.array([[1.0, 2.0], [-1.0, 0.5]])}

    def loss(params):  # of directions alone: scaling the weights changes nothing
        unit = params["matrix"] / jnp.linalg.norm(params["matrix"])
        return jnp.sum((unit - target["matrix"] / jnp.linalg.norm(target["matrix"])) ** 2)

    transform = optax.chain(PerpendicularGradient().gradient(), optimizer.transform())
    params = {"matrix": jnp.array([[1.0, -1.0], [0.5, 0.3]])}
    start, state = float(loss(params)), transform.init(params)
    for _ in range(200):
        updates, state = transform.update(jax.grad(loss)(params), state, params)
        params = optax.apply_updates(params, updates)
    assert float(loss(params)) < 0.5 * start
