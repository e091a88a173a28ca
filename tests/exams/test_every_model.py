"""Is every model a pure function of one example that can learn?"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from grokjax.core.activation_names import with_word
from grokjax.core.interfaces import Network
from grokjax.core.streams import stream
from grokjax.losses.cross_entropy import log1p_cross_entropy
from grokjax.probes.silencing import Silencing
from grokjax.tasks.modular_arithmetic import ModularArithmetic

TASK = ModularArithmetic(modulus=7)
SIGNATURE, TABLE = TASK.signature(), TASK.table()
IMAGES = np.random.default_rng(0).random((len(TABLE.inputs), 6, 6), np.float32)
OF_IMAGES = SIGNATURE._replace(
    input_shape=(6, 6), input_dtype="float32", vocabulary=None, operands=(), fixed=(), task="images"
)
NO_UNITS = ("cnn", "linear")  # models that are no layers of units
NO_TOKENS = ("cnn", "linear")  # models that refuse symbols


def signature_of(model):
    return OF_IMAGES if model.kind in NO_TOKENS else SIGNATURE


@jax.jit
def init(model, seed=0):
    return model.init(stream(jnp.uint32(seed), "init"), signature_of(model))


@jax.jit
def outputs_of(model, params, inputs):
    signature = signature_of(model)
    return model.logits(model.prepare(params, signature), inputs, signature, None)


@pytest.fixture
def inputs(any_model) -> np.ndarray:
    return IMAGES if any_model.kind in NO_TOKENS else np.asarray(TABLE.inputs)


def test_a_model_takes_tokens_or_refuses_them_in_one_line(any_model):
    if any_model.kind not in NO_TOKENS:
        assert any_model.init(stream(0, "init"), SIGNATURE)
        return
    with pytest.raises(ValueError, match=r"^model.kind: .*nearest is mlp$"):
        any_model.init(stream(0, "init"), SIGNATURE)


def test_outputs_are_one_finite_row_for_each_example(any_model, inputs):
    outputs = outputs_of(any_model, init(any_model), inputs)
    assert outputs.shape[0] == len(inputs) and outputs.shape[1] >= TABLE.num_classes and outputs.ndim == 2
    assert outputs.dtype == jnp.float32 and np.isfinite(outputs).all()


def test_outputs_of_an_example_do_not_depend_on_the_others(any_model, inputs):
    params = init(any_model)
    whole, some = outputs_of(any_model, params, inputs), outputs_of(any_model, params, inputs[10:15])
    np.testing.assert_allclose(whole[10:15], some, rtol=1e-4, atol=1e-5)


def test_parameters_are_float_leaves_of_nested_dicts(any_model):
    params = init(any_model)
    assert isinstance(params, dict)
    assert all(leaf.dtype == jnp.float32 and np.isfinite(leaf).all() for leaf in jax.tree.leaves(params))


def test_a_weight_graph_has_a_layer_for_each_two_matrices_and_its_units_can_be_silenced(any_model, inputs):
    params = jax.tree.map(np.asarray, init(any_model))
    nothing = dict.fromkeys((field.name for field in dataclasses.fields(Network)), None)
    network = Network(**nothing | {"params": params, "signature": signature_of(any_model), "model": any_model})
    graphs = any_model.weight_graphs(params, network.signature)
    if not graphs:
        assert any_model.kind in NO_UNITS
        return
    for graph in graphs:
        assert len(graph.units) == len(graph.weights) - 1
        assert all(one.shape[1] == len(two) for one, two in zip(graph.weights, graph.weights[1:], strict=False))
    silencing = Silencing(network, "this exam")
    is_silent = np.arange(silencing.num_units) % 3 == 0
    named = any_model.activations(silencing.params(is_silent), inputs, network.signature)
    layers = [np.asarray(values) for values in with_word(named, "units").values()]
    units = np.concatenate([values.reshape(-1, values.shape[-1]).any(axis=0) for values in layers])
    assert not units[is_silent].any() and units[~is_silent].mean() > 0.5  # some are dead on this small table anyway


def test_a_weight_graph_from_symbols_to_classes_is_the_network(any_model, inputs):
    params = jax.tree.map(np.asarray, init(any_model))
    for graph in any_model.weight_graphs(params, signature_of(any_model)):
        if graph.of_symbols:
            assert any_model.activation == "relu" and not getattr(any_model, "bias", False)
            left, right = inputs[:, SIGNATURE.operands].T
            first, *others = graph.weights
            units = first[left] + first[len(first) // 2 + right]
            for weights in others:
                units = np.maximum(units, 0) @ weights
            np.testing.assert_allclose(units, outputs_of(any_model, params, inputs), rtol=1e-4, atol=1e-5)


def test_init_depends_on_its_key_alone(any_model):
    first, again, other = init(any_model), init(any_model), init(any_model, seed=1)
    same = jax.tree.map(lambda one, two: bool(np.array_equal(one, two)), first, again)
    assert all(jax.tree.leaves(same))
    assert any(not np.array_equal(one, two) for one, two in zip(*map(jax.tree.leaves, (first, other)), strict=True))


def test_loss_falls_in_fifty_steps(any_model, inputs):
    adam = optax.adam(3e-3)

    def loss(params):
        return jnp.mean(log1p_cross_entropy(outputs_of(any_model, params, inputs), TABLE.targets))

    @jax.jit
    def train(params):
        def update(_, carry):
            params, state = carry
            updates, state = adam.update(jax.grad(loss)(params), state)
            return optax.apply_updates(params, updates), state

        return jax.lax.fori_loop(0, 50, update, (params, adam.init(params)))[0]

    before = init(any_model)
    assert loss(train(before)) < 0.9 * loss(before)
