"""Does every regularizer do one of the things that a regularizer may, with finite numbers and swept settings?"""

import jax
import jax.numpy as jnp
import numpy as np

from grokjax.core.interfaces import Regularizer
from grokjax.core.streams import stream
from grokjax.tasks.modular_arithmetic import ModularArithmetic

PARAMS = {
    "embed": {"kernel": jnp.array([[1.0, -2.0, 0.5], [0.0, 3.0, -1.5]])},
    "out": {"kernel": jnp.array([[0.2, 0.4], [-0.6, 0.8], [1.0, -1.2]]), "bias": jnp.array([0.5, -0.25])},
}
GRADIENTS = [jax.tree.map(lambda leaf, shift=shift: 2.0 * leaf + shift, PARAMS) for shift in (0.1, -0.4, 0.7)]
METHODS = ("perturb", "ascend", "penalty", "output_penalty", "gradient", "jitter", "project")
TASK = ModularArithmetic(modulus=3)


def penalties(regularizer, params, key, step):
    """That of the parameters, and the mean one of outputs of a network in which operands are not alike."""
    inputs, operands = jnp.asarray(TASK.table().inputs), TASK.table().operands

    def network(inputs):
        first, last = (params["embed"]["kernel"].T[inputs[:, operands[place]]] for place in (0, -1))
        return (first + jnp.tanh(2 * last)) @ params["out"]["kernel"].T

    of_outputs = regularizer.output_penalty(network(inputs), network, inputs, TASK.signature())
    return regularizer.penalty(params, key, step) + jnp.mean(jnp.asarray(of_outputs))


def act(regularizer, key, step):
    """Everything that a regularizer does, at one step."""
    value, slope = jax.value_and_grad(lambda params: penalties(regularizer, params, key, step))(PARAMS)
    transform = regularizer.gradient()
    state = transform.init(PARAMS)
    for gradient in GRADIENTS:
        changed, state = transform.update(gradient, state, PARAMS)
    moved = [regularizer.perturb(PARAMS, key, step), regularizer.jitter(PARAMS, key, step)]
    return value, slope, changed, regularizer.ascend(PARAMS, GRADIENTS[0]), regularizer.project(PARAMS), *moved


def test_regularizer_overrides_at_least_one_method(any_regularizer):
    own = [name for name in METHODS if getattr(type(any_regularizer), name) is not getattr(Regularizer, name)]
    assert own == [name for name in METHODS if any_regularizer.has(name)] and own


def test_everything_keeps_its_shape_and_is_finite(any_regularizer):
    value, *trees = jax.jit(act)(any_regularizer, stream(jnp.uint32(0), "noise", 3), jnp.int32(3))
    assert value.shape == () and np.isfinite(value) and value >= 0
    for tree in trees:
        assert jax.tree.structure(tree) == jax.tree.structure(PARAMS)
        for leaf, like in zip(jax.tree.leaves(tree), jax.tree.leaves(PARAMS), strict=True):
            assert leaf.shape == like.shape and leaf.dtype == like.dtype and np.isfinite(leaf).all()


def test_swept_fields_accept_tracers_and_change_nothing(any_regularizer):
    key, step = stream(jnp.uint32(0), "noise", 3), jnp.int32(3)
    plain, traced = act(any_regularizer, key, step), jax.jit(act)(any_regularizer, key, step)
    for one, other in zip(jax.tree.leaves(plain), jax.tree.leaves(traced), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-7)


def test_every_swept_setting_changes_something(any_regularizer):
    key, step = stream(jnp.uint32(0), "noise", 3), jnp.int32(3)
    leaves, structure = jax.tree.flatten(any_regularizer)
    plain = jax.tree.leaves(jax.jit(act)(any_regularizer, key, step))
    for place in range(len(leaves)):
        other = jax.tree.unflatten(structure, [leaf * (0.5 if at == place else 1) for at, leaf in enumerate(leaves)])
        changed = jax.tree.leaves(jax.jit(act)(other, key, step))
        assert any(not np.array_equal(one, two) for one, two in zip(plain, changed, strict=True))
