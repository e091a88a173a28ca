"""Is the decay free of the learning rate and of the warm-up?"""

import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.optimizers.adam_independent_decay import AdamIndependentDecay
from grokjax.optimizers.adamw import AdamW


@pytest.mark.parametrize("warmup", [0.0, 7.0])
@pytest.mark.parametrize("mask", ["all", "matrices"])
def test_adam_with_independent_decay_equals_a_loop_in_numpy(problem, adam_direction, check_close, warmup, mask):
    def update(name, t, weights, gradient, memory):
        rate = 0.05 * (min(t / warmup, 1) if warmup else 1)
        decay = 0.03 if mask == "all" or name == "matrix" else 0.0
        return weights - rate * adam_direction(t, gradient, memory, 0.8, 0.95, 1e-3) - decay * weights

    ours = AdamIndependentDecay(
        learning_rate=0.05, weight_decay=0.03, b1=0.8, b2=0.95, eps=1e-3, warmup=warmup, decay_mask=mask
    )
    check_close(problem.ours(ours), problem.by_hand(update))


def test_neither_learning_rate_nor_warmup_scales_the_decay():
    params, still = {"w": jnp.full(3, 2.0)}, {"w": jnp.zeros(3)}
    for learning_rate in (1e-4, 1.0):
        transform = AdamIndependentDecay(learning_rate=learning_rate, weight_decay=0.2, warmup=5.0).transform()
        updates, _ = transform.update(still, transform.init(params), params)
        np.testing.assert_allclose(updates["w"], -0.4, rtol=1e-6)


def test_it_equals_adamw_with_the_decay_divided_by_the_learning_rate(problem, check_close):
    independent = problem.ours(AdamIndependentDecay(learning_rate=0.05, weight_decay=0.03))
    check_close(independent, problem.ours(AdamW(learning_rate=0.05, weight_decay=0.6)))
