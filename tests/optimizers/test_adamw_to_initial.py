"""Does decay lead back to the initial weights, scaled by the learning rate as in AdamW?"""

import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.optimizers.adamw import AdamW
from grokjax.optimizers.adamw_to_initial import AdamWToInitial


def examples(folder):
    del folder
    return [AdamWToInitial(weight_decay=1.0)]


@pytest.mark.parametrize("warmup", [0.0, 7.0])
@pytest.mark.parametrize("mask", ["all", "matrices"])
def test_it_equals_a_loop_in_numpy(problem, adam_direction, check_close, warmup, mask):
    def update(name, t, weights, gradient, memory):
        rate = 0.05 * (min(t / warmup, 1) if warmup else 1)
        decay = 0.7 if mask == "all" or name == "matrix" else 0.0
        away = weights - problem.start[name]
        return weights - rate * (adam_direction(t, gradient, memory, 0.8, 0.95, 1e-3) + decay * away)

    ours = AdamWToInitial(
        learning_rate=0.05, weight_decay=0.7, b1=0.8, b2=0.95, eps=1e-3, warmup=warmup, decay_mask=mask
    )  # fmt: skip
    check_close(problem.ours(ours), problem.by_hand(update))


def test_from_an_origin_it_is_adamw(problem):
    params, gradient = {"w": jnp.array([1.0, -2.0])}, {"w": jnp.array([0.3, 0.1])}
    moves = []
    for optimizer in (AdamW(weight_decay=5.0), AdamWToInitial(weight_decay=5.0)):
        transform = optimizer.transform()
        updates, _ = transform.update(gradient, transform.init({"w": jnp.zeros(2)}), params)
        moves.append(updates["w"])
    np.testing.assert_array_equal(*moves)
