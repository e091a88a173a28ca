"""Are named activations those of the network by hand, and is nothing else of a program changed by naming them?"""

import flax.linen as nn
import jax
import numpy as np
import pytest

from grokjax.core.activation_names import with_word
from grokjax.core.streams import stream
from grokjax.models.cnn import CNN
from grokjax.models.factored import Factored
from grokjax.models.linear import Linear
from grokjax.models.mlp import MLP
from grokjax.models.transformer import Transformer
from grokjax.tasks.digits import Digits
from grokjax.tasks.linear_teacher import LinearTeacher
from grokjax.tasks.modular_arithmetic import ModularArithmetic

TASK = ModularArithmetic(modulus=5)
INPUTS = TASK.table().inputs


def seen(model, task=TASK):
    """Parameters and named activations on the whole table."""
    signature = task.signature()
    params = jax.jit(lambda: model.init(stream(0, "init"), signature))()
    named = jax.jit(lambda params, inputs: model.activations(params, inputs, signature))(params, task.table().inputs)
    return jax.tree.map(np.asarray, (params, named))


@pytest.mark.parametrize("form", ["tables", "plain"])
def test_units_of_an_mlp_stand_behind_the_activation_function(form):
    params, named = seen(MLP(width=6, depth=2, activation="square", form=form))
    hot = np.eye(5)[INPUTS[:, :2]].reshape(len(INPUTS), -1)
    first = (hot @ params["hidden_0"]["kernel"]) ** 2
    second = (first @ params["hidden_1"]["kernel"]) ** 2
    assert list(named) == ["units_0", "units_1"]
    np.testing.assert_allclose(named["units_0"], first, rtol=1e-4)
    np.testing.assert_allclose(named["units_1"], second, rtol=1e-4)


def test_units_of_a_factored_network_are_those_of_its_sum_of_embeddings():
    params, named = seen(Factored(embedding=4, width=6))
    rows = params["embed"]["embedding"][INPUTS[:, :2]] @ params["hidden"]["kernel"]
    np.testing.assert_allclose(named["units"], np.maximum(rows.sum(axis=1), 0), rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("form", ["tables", "merged", "plain"])
def test_weights_and_units_of_a_transformer_are_those_of_its_formulas(form):
    params, named = seen(Transformer(width=8, heads=2, form=form))
    stream_0 = params["embed"]["embedding"][INPUTS] + params["positions"]["embedding"]
    layer = params["layer_0"]
    query, key, value = (
        (stream_0 @ layer["attention"][name]["kernel"]).reshape(len(INPUTS), 3, 2, 4)
        for name in ("query", "key", "value")
    )
    scores = np.einsum("ehu,ekhu->ehk", query[:, -1], key) / 2
    weights = np.exp(scores) / np.exp(scores).sum(axis=-1, keepdims=True)
    np.testing.assert_allclose(named["layer_0/attention/weights"][:, :, 0], weights, rtol=1e-3)
    mixed = np.einsum("ehk,ekhu->ehu", weights, value).reshape(len(INPUTS), 8)
    after = stream_0[:, -1] + mixed @ layer["attention"]["output"]["kernel"]
    units = np.maximum(after @ layer["mlp"]["hidden"]["kernel"] + layer["mlp"]["hidden"]["bias"], 0)
    np.testing.assert_allclose(named["layer_0/mlp/units"][:, 0], units, rtol=1e-3, atol=1e-4)
    last = after + units @ layer["mlp"]["output"]["kernel"] + layer["mlp"]["output"]["bias"]
    np.testing.assert_allclose(named["layer_0/stream"][:, 0], last, rtol=1e-3, atol=1e-4)


def test_units_of_a_convolution_are_its_maps_and_a_linear_map_has_none():
    _, named = seen(CNN(channels=2), Digits())
    assert named["units_0"].shape[1:] == (4, 4, 2) and named["units_1"].shape[1:] == (2, 2, 4)
    assert (named["units_0"] >= 0).all() and (named["units_0"] > 0).any()
    assert seen(Linear(), LinearTeacher(inputs=3, examples=10, train_size=5))[1] == {}


def test_a_word_takes_what_is_named_or_numbered_by_it_and_nothing_else():
    named = dict.fromkeys(("units_0", "units_12", "layer_1/mlp/units", "layer_1/stream", "units_of_time"), 0)
    assert list(with_word(named, "units")) == ["units_0", "units_12", "layer_1/mlp/units"]
    assert list(with_word(named, "layer")) == ["layer_1/mlp/units", "layer_1/stream"]
    with pytest.raises(ValueError, match="asks for activations named 'heads', but the model names units_0, units_12"):
        with_word(named, "heads")
    with pytest.raises(ValueError, match="but the model names no activations"):
        with_word({}, "units")


@pytest.mark.parametrize("model", [MLP(width=4), Transformer(width=4, heads=1, form="plain"), Factored(width=4)])
def test_a_network_whose_activations_nobody_asks_for_computes_nothing_more(model, monkeypatch):
    signature = TASK.signature()
    params = jax.eval_shape(lambda: model.init(stream(0, "init"), signature))

    def text():
        module = model.module(signature)
        return str(jax.make_jaxpr(lambda params: module.apply({"params": params}, INPUTS, None, None))(params))

    with_names = text()
    monkeypatch.setattr(nn.Module, "sow", lambda *arguments, **settings: False)
    assert text() == with_names


@pytest.mark.parametrize(
    ("model", "task", "output"),
    [
        (MLP(width=6), TASK, "output"),
        (Factored(embedding=4, width=6, tied="none"), TASK, "unembed"),
        (Transformer(width=8, heads=2), TASK, "output"),
        (CNN(layers=1, channels=2), Digits(), "output"),
    ],
    ids=lambda value: getattr(value, "kind", None),
)
def test_what_the_last_module_returns_is_what_the_network_answers(model, task, output):
    signature = task.signature()
    params = jax.jit(lambda: model.init(stream(0, "init"), signature))()
    inputs = task.table().inputs[:7]
    captured = jax.jit(lambda params: model.captured(params, inputs, signature))(params)
    answers = jax.jit(lambda params: model.logits(model.prepare(params, signature), inputs, signature, None))(params)
    last = captured[output] if captured[output].ndim == answers.ndim else captured[output][:, -1]
    np.testing.assert_allclose(last, answers, rtol=1e-5, atol=1e-6)
