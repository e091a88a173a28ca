"""Does every optimizer go to a minimum, and is it built inside the trace without tracing twice?"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from grokjax.core.interfaces import Optimizer
from grokjax.core.schedules import Linear, at_step

CURVATURE = {"matrix": jnp.array([[1.0, 3.0], [0.5, 2.0]]), "bias": jnp.array([1.0, 4.0])}
MINIMUM = {"matrix": jnp.array([[0.5, -1.0], [2.0, 0.3]]), "bias": jnp.array([-0.7, 1.1])}
START = jax.tree.map(jnp.ones_like, MINIMUM)


def height(params):
    terms = jax.tree.map(
        lambda curve, low, value: 0.5 * jnp.sum(curve * (value - low) ** 2), CURVATURE, MINIMUM, params
    )
    return sum(jax.tree.leaves(terms))


def with_settings(optimizer, **settings):
    """The optimizer, and those inside it, with the settings that they have."""
    values = {field.name: getattr(optimizer, field.name) for field in dataclasses.fields(optimizer)}
    known = {name: value for name, value in settings.items() if name in values}
    inner = {name: with_settings(value, **settings) for name, value in values.items() if isinstance(value, Optimizer)}
    return dataclasses.replace(optimizer, **known, **inner)


@jax.jit
def descend(optimizer, params, steps):
    def update(step, carry):
        params, state = carry
        updates, state = at_step(optimizer, step).transform().update(jax.grad(height)(params), state, params)
        return optax.apply_updates(params, updates), state

    return jax.lax.fori_loop(0, steps, update, (params, at_step(optimizer, 0).transform().init(params)))[0]


def test_optimizer_reaches_the_minimum_of_a_quadratic(any_optimizer):
    slower = Linear(start=0.02, end=0.0, finish=3000.0)  # some move by the learning rate however small the gradient is
    found = descend(with_settings(any_optimizer, learning_rate=slower, weight_decay=0.0, warmup=10.0), START, 3000)
    for name, low in MINIMUM.items():
        np.testing.assert_allclose(found[name], low, atol=0.02)


def test_decay_shrinks_weights_without_gradient(any_optimizer):
    decaying = with_settings(any_optimizer, learning_rate=0.02, weight_decay=0.1, warmup=0.0)
    if decaying == with_settings(decaying, weight_decay=0.2):
        pytest.skip("no weight decay")
    transform = decaying.transform()
    origin = jax.tree.map(jnp.zeros_like, START)  # of optimizers that decay to where they began, too
    updates, _ = transform.update(origin, transform.init(origin), START)
    for leaf in jax.tree.leaves(optax.apply_updates(START, updates)):
        assert (np.asarray(leaf) < 1).all() and (np.asarray(leaf) > 0).all()


def test_other_swept_values_do_not_trace_again(any_optimizer):
    traces = []

    @jax.jit
    def update(optimizer, gradient, state, params):
        traces.append(1)
        return optimizer.transform().update(gradient, state, params)

    as_arrays = [jax.tree.map(lambda leaf, size=size: jnp.float32(size * leaf), any_optimizer) for size in (1.0, 0.5)]
    state = any_optimizer.transform().init(START)
    for optimizer in as_arrays:
        for _ in range(2):
            _, state = update(optimizer, jax.grad(height)(START), state, START)
    assert len(traces) == 1


def test_swept_fields_accept_tracers_and_give_the_same_update(any_optimizer):
    state = any_optimizer.transform().init(START)
    plain, _ = any_optimizer.transform().update(jax.grad(height)(START), state, START)
    traced, _ = jax.jit(lambda part: part.transform().update(jax.grad(height)(START), state, START))(any_optimizer)
    for name in START:
        np.testing.assert_allclose(traced[name], plain[name], rtol=1e-5)


def test_updates_keep_shape_and_precision(any_optimizer):
    state = any_optimizer.transform().init(START)
    updates, new_state = jax.eval_shape(any_optimizer.transform().update, START, state, START)
    described = [(leaf.shape, leaf.dtype) for leaf in jax.tree.leaves(updates)]
    assert described == [(leaf.shape, leaf.dtype) for leaf in jax.tree.leaves(START)]
    same = jax.tree.map(lambda old, new: (old.shape, old.dtype) == (new.shape, new.dtype), state, new_state)
    assert all(jax.tree.leaves(same))
