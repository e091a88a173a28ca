"""Is Lion the sign of a mean gradient, with decoupled decay?"""

import jax.numpy as jnp
import numpy as np
import optax
import pytest

from grokjax.optimizers.lion import Lion


@pytest.mark.parametrize("warmup", [0.0, 7.0])
@pytest.mark.parametrize("mask", ["all", "matrices"])
def test_lion_equals_a_loop_in_numpy(problem, check_close, warmup, mask):
    def update(name, t, weights, gradient, memory):
        rate = 0.01 * (min(t / warmup, 1) if warmup else 1)
        decay = 0.7 if mask == "all" or name == "matrix" else 0.0
        mean = memory.get("m", 0.0)
        memory["m"] = 0.95 * mean + 0.05 * gradient
        return weights - rate * (np.sign(0.8 * mean + 0.2 * gradient) + decay * weights)

    ours = Lion(learning_rate=0.01, weight_decay=0.7, b1=0.8, b2=0.95, warmup=warmup, decay_mask=mask)
    check_close(problem.ours(ours), problem.by_hand(update))


def test_lion_equals_the_one_of_optax_made_with_python_numbers(problem, check_close):
    plain = optax.lion(0.01, b1=0.9, b2=0.99, weight_decay=1.0)
    params = {name: jnp.asarray(value, jnp.float32) for name, value in problem.start.items()}
    state = plain.init(params)
    for t in range(30):
        gradient = {name: params[name] - problem.target[name] + problem.waves[name][t] for name in params}
        updates, state = plain.update(gradient, state, params)
        params = optax.apply_updates(params, updates)
    check_close(problem.ours(Lion(learning_rate=0.01, weight_decay=1.0)), params)


def test_every_weight_moves_by_the_learning_rate():
    transform, params = Lion(learning_rate=0.125).transform(), {"w": jnp.zeros(3)}
    updates, _ = transform.update({"w": jnp.array([1e-20, -3.0, 1e20])}, transform.init(params), params)
    np.testing.assert_array_equal(updates["w"], [-0.125, 0.125, -0.125])
