"""Is AdamW the update w -= lr_t * (adam + weight_decay * w)?"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from grokjax.optimizers.adamw import AdamW


@pytest.mark.parametrize("warmup", [0.0, 7.0])
@pytest.mark.parametrize("mask", ["all", "matrices"])
def test_adamw_equals_a_loop_in_numpy(problem, adam_direction, check_close, warmup, mask):
    def update(name, t, weights, gradient, memory):
        rate = 0.05 * (min(t / warmup, 1) if warmup else 1)
        decay = 0.7 if mask == "all" or name == "matrix" else 0.0
        return weights - rate * (adam_direction(t, gradient, memory, 0.8, 0.95, 1e-3) + decay * weights)

    ours = AdamW(learning_rate=0.05, weight_decay=0.7, b1=0.8, b2=0.95, eps=1e-3, warmup=warmup, decay_mask=mask)
    check_close(problem.ours(ours), problem.by_hand(update))


def test_adamw_equals_the_one_of_optax_made_with_python_numbers(problem, check_close):
    plain = optax.adamw(0.05, b1=0.9, b2=0.98, eps=1e-8, weight_decay=1.0)
    params = {name: jnp.asarray(value, jnp.float32) for name, value in problem.start.items()}
    state = plain.init(params)
    for t in range(30):
        gradient = {name: params[name] - problem.target[name] + problem.waves[name][t] for name in params}
        updates, state = plain.update(gradient, state, params)
        params = optax.apply_updates(params, updates)
    check_close(problem.ours(AdamW(learning_rate=0.05, weight_decay=1.0)), params)


def test_learning_rate_and_warmup_scale_the_decay():
    params, still = {"w": jnp.full(3, 2.0)}, {"w": jnp.zeros(3)}
    transform = AdamW(learning_rate=0.01, weight_decay=5.0, warmup=4.0).transform()
    state, shrunk = transform.init(params), []
    for _ in range(6):
        updates, state = transform.update(still, state, params)
        shrunk.append(float(-updates["w"][0] / params["w"][0]))
    np.testing.assert_allclose(shrunk, [0, 0.0125, 0.025, 0.0375, 0.05, 0.05], rtol=1e-6)


def test_betas_of_zero_step_by_the_sign_of_the_gradient():
    transform = AdamW(learning_rate=0.1, b1=0.0, b2=0.0, eps=0.0).transform()
    params = {"w": jnp.array([1.0, 1.0])}
    updates, _ = jax.jit(transform.update)({"w": jnp.array([3.0, -0.2])}, transform.init(params), params)
    np.testing.assert_allclose(updates["w"], [-0.1, 0.1], rtol=1e-6)
