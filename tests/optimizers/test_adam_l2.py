"""Does the decay of Adam with L2 join the gradient before Adam normalises it?"""

import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.optimizers.adam_l2 import AdamL2


@pytest.mark.parametrize("warmup", [0.0, 7.0])
@pytest.mark.parametrize("mask", ["all", "matrices"])
def test_adam_l2_equals_a_loop_in_numpy(problem, adam_direction, check_close, warmup, mask):
    def update(name, t, weights, gradient, memory):
        rate = 0.05 * (min(t / warmup, 1) if warmup else 1)
        decay = 0.7 if mask == "all" or name == "matrix" else 0.0
        return weights - rate * adam_direction(t, gradient + decay * weights, memory, 0.8, 0.95, 1e-3)

    ours = AdamL2(learning_rate=0.05, weight_decay=0.7, b1=0.8, b2=0.95, eps=1e-3, warmup=warmup, decay_mask=mask)
    check_close(problem.ours(ours), problem.by_hand(update))


@pytest.mark.parametrize("decay", [0.01, 1.0])
def test_a_weight_without_gradient_moves_by_the_learning_rate_whatever_the_decay(decay):
    transform = AdamL2(learning_rate=0.003, weight_decay=decay).transform()
    params = {"w": jnp.array([2.0, -5.0])}
    updates, _ = transform.update({"w": jnp.zeros(2)}, transform.init(params), params)
    np.testing.assert_allclose(updates["w"], [-0.003, 0.003], rtol=1e-4)
