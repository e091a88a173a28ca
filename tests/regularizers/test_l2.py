"""Is the L2 penalty strength / 2 * sum w^2, so that it equals coupled weight decay?"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from grokjax.core.streams import stream
from grokjax.optimizers.adam_l2 import AdamL2
from grokjax.optimizers.sgd import SGD
from grokjax.regularizers.l2 import L2

PARAMS = {"kernel": jnp.array([[1.0, -2.0], [0.5, 4.0]]), "bias": jnp.array([-3.0])}
KEY, STEP = stream(jnp.uint32(0), "noise"), jnp.int32(0)


def examples(folder):
    del folder
    return [L2(strength=0.1), L2(strength=0.1, over="matrices")]


def test_penalty_is_half_the_sum_of_squares():
    np.testing.assert_allclose(L2(strength=0.1).penalty(PARAMS, KEY, STEP), 0.05 * 30.25, rtol=1e-6)
    np.testing.assert_allclose(L2(strength=0.1, over="matrices").penalty(PARAMS, KEY, STEP), 0.05 * 21.25, rtol=1e-6)


@pytest.mark.parametrize("over", ["all", "matrices"])
@pytest.mark.parametrize("optimizer", [AdamL2(learning_rate=0.1), SGD(learning_rate=0.1, momentum=0.5)])
def test_penalty_does_what_coupled_decay_does(optimizer, over):
    def loss(params):
        return sum(jnp.sum(jnp.sin(leaf)) for leaf in params.values())

    def penalised(params):
        return loss(params) + L2(strength=0.3, over=over).penalty(params, KEY, STEP)

    def train(optimizer, loss):
        params, state = PARAMS, optimizer.transform().init(PARAMS)
        for _ in range(10):
            updates, state = optimizer.transform().update(jax.grad(loss)(params), state, params)
            params = optax.apply_updates(params, updates)
        return params

    decayed = train(dataclasses.replace(optimizer, weight_decay=0.3, decay_mask=over), loss)
    for name, value in train(optimizer, penalised).items():
        np.testing.assert_allclose(value, decayed[name], rtol=1e-5)
