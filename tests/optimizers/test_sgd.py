"""Is SGD the one of PyTorch: coupled decay, then velocity, then the learning rate?"""

import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.optimizers.sgd import SGD


def examples(folder):
    del folder
    return [SGD(), SGD(momentum=0.5), SGD(momentum=0.5, nesterov=True)]


@pytest.mark.parametrize("warmup", [0.0, 7.0])
@pytest.mark.parametrize("mask", ["all", "matrices"])
@pytest.mark.parametrize("nesterov", [False, True])
def test_sgd_equals_a_loop_in_numpy(problem, check_close, warmup, mask, nesterov):
    def update(name, t, weights, gradient, memory):
        rate = 0.03 * (min(t / warmup, 1) if warmup else 1)
        decay = 0.2 if mask == "all" or name == "matrix" else 0.0
        gradient = gradient + decay * weights
        memory["v"] = 0.8 * memory["v"] + gradient if memory else gradient
        return weights - rate * (gradient + 0.8 * memory["v"] if nesterov else memory["v"])

    ours = SGD(
        learning_rate=0.03, weight_decay=0.2, momentum=0.8, nesterov=nesterov, warmup=warmup, decay_mask=mask
    )  # fmt: skip
    check_close(problem.ours(ours), problem.by_hand(update))


def test_plain_descent_follows_the_gradient():
    transform = SGD(learning_rate=0.5).transform()
    params = {"w": jnp.array([2.0, -5.0])}
    updates, _ = transform.update({"w": jnp.array([1.0, 4.0])}, transform.init(params), params)
    np.testing.assert_array_equal(updates["w"], [-0.5, -2.0])
