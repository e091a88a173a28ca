"""Does SAM climb rho along the gradient of all weights together, as the one of optax.contrib does?"""

import jax
import jax.numpy as jnp
import numpy as np
import optax
import optax.contrib
import pytest

from grokjax.optimizers.adamw import AdamW
from grokjax.optimizers.sgd import SGD
from grokjax.regularizers.sam import SAM

START = {"matrix": jnp.array([[1.0, -2.0], [0.5, 4.0]]), "bias": jnp.array([-3.0, 0.2])}


def loss(params):
    return jnp.sum(jnp.sin(params["matrix"]) ** 2) + 0.1 * jnp.sum(params["bias"] ** 2) * jnp.sum(
        params["matrix"][0] ** 2
    )


def test_the_ascent_has_length_rho_over_all_arrays_together():
    gradient = jax.grad(loss)(START)
    above = SAM(rho=0.3).ascend(START, gradient)
    moved = np.concatenate([np.ravel(above[name] - START[name]) for name in START])
    slope = np.concatenate([np.ravel(gradient[name]) for name in START])
    np.testing.assert_allclose(np.linalg.norm(moved), 0.3, rtol=1e-5)
    np.testing.assert_allclose(moved, 0.3 * slope / np.linalg.norm(slope), atol=1e-6)


def test_without_a_slope_it_stays_where_it_is():
    above = SAM(rho=0.3).ascend(START, jax.tree.map(jnp.zeros_like, START))
    for name, value in START.items():
        np.testing.assert_array_equal(above[name], value)


@pytest.mark.parametrize("optimizer", [SGD(learning_rate=0.01, momentum=0.5), AdamW(learning_rate=0.01)])
def test_twenty_updates_equal_those_of_optax(optimizer):
    ours, state = START, optimizer.transform().init(START)
    for _ in range(20):
        above = SAM(rho=0.1).ascend(ours, jax.grad(loss)(ours))
        updates, state = optimizer.transform().update(jax.grad(loss)(above), state, ours)
        ours = optax.apply_updates(ours, updates)
    uphill = optax.chain(optax.contrib.normalize(), optax.sgd(0.1))
    other = optax.contrib.sam(optimizer.transform(), uphill, sync_period=2, opaque_mode=True)
    theirs, state = START, other.init(START)
    for _ in range(20):
        updates, state = other.update(
            jax.grad(loss)(theirs), state, theirs, grad_fn=lambda params, _: jax.grad(loss)(params)
        )
        theirs = optax.apply_updates(theirs, updates)
    for name, value in ours.items():
        np.testing.assert_allclose(value, theirs[name], rtol=1e-4, atol=1e-5)
