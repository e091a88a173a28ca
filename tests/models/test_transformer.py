"""Is the transformer the network of its docstring? Against a forward pass written with NumPy in float64."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.core.catalogue import catalogue
from grokjax.core.interfaces import Signature
from grokjax.core.streams import stream, substreams
from grokjax.models.hidden_units import dropout
from grokjax.models.initializers import scheme
from grokjax.models.transformer import Attention, Transformer

KEY = stream(3, "init")
KEYS = substreams(stream(0, "dropout"), jnp.arange(6))  # one an example
SMALL = {"width": 8, "heads": 2, "mlp_width": 12}


def tokens_signature(tokens: int = 4, vocabulary: int = 9, num_classes: int = 7) -> Signature:
    return Signature("test", 49, (tokens,), "int32", (), "int32", num_classes, vocabulary, tuple(range(tokens)))


def inputs_of(signature: Signature, examples: int = 6) -> np.ndarray:
    shape = (examples, *signature.input_shape)
    return np.random.RandomState(0).randint(0, signature.vocabulary, shape).astype(np.int32)


def rough(model: Transformer, signature: Signature):
    """Parameters random in every leaf, so that biases and gains matter; drawn by NumPy, which compiles nothing."""
    random = np.random.RandomState(1)
    shapes = jax.eval_shape(lambda: model.init(KEY, signature))
    return jax.tree.map(lambda leaf: np.asarray(0.4 * random.randn(*leaf.shape), np.float32), shapes)


def answers(model: Transformer, params, inputs: np.ndarray, signature: Signature, key=None) -> np.ndarray:
    if key is not None:  # compiled whole, each mask would cost half a second; alone they are shared by all tests
        return np.asarray(model.logits(model.prepare(params, signature), inputs, signature, key))
    return np.asarray(
        jax.jit(lambda p, x: model.logits(model.prepare(p, signature), x, signature, None))(params, inputs)
    )


def activate(name: str, x: np.ndarray) -> np.ndarray:
    tanh_gelu = 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    return {
        "relu": np.maximum(x, 0),
        "gelu": tanh_gelu,
        "gelu_exact": 0.5 * x * (1 + np.vectorize(math.erf)(x / math.sqrt(2))),
        "silu": x / (1 + np.exp(-x)),
        "tanh": np.tanh(x),
        "square": x**2,
    }[name]


def affine(layer, x: np.ndarray) -> np.ndarray:
    return x @ layer["kernel"] + layer.get("bias", 0)


def normalise(model: Transformer, layer, x: np.ndarray) -> np.ndarray:
    if model.norm_kind == "rms":
        return x / np.sqrt((x**2).mean(-1, keepdims=True) + model.norm_epsilon) * layer["scale"]
    centred = x - x.mean(-1, keepdims=True)
    return centred / np.sqrt((centred**2).mean(-1, keepdims=True) + model.norm_epsilon) * layer["scale"] + layer["bias"]


def attend(model: Transformer, layer, x: np.ndarray) -> np.ndarray:
    examples, tokens, width = x.shape
    size = width // model.heads
    result = np.zeros_like(x)
    query, key, value = (affine(layer[name], x) for name in ("query", "key", "value"))
    for example in range(examples):
        for head in range(model.heads):
            columns = slice(head * size, (head + 1) * size)
            for position in range(tokens):
                seen = position + 1 if model.causal else tokens
                scores = key[example, :seen, columns] @ query[example, position, columns] / math.sqrt(size)
                weights = np.exp(scores - scores.max())
                result[example, position, columns] = weights @ value[example, :seen, columns] / weights.sum()
    return affine(layer["output"], result)


def sinusoids(tokens: int, width: int) -> np.ndarray:
    table = np.zeros((tokens, width))
    for t in range(tokens):
        for i in range(width // 2):
            table[t, 2 * i] = math.sin(t / 10_000 ** (2 * i / width))
            table[t, 2 * i + 1] = math.cos(t / 10_000 ** (2 * i / width))
    return table


def reference(model: Transformer, params, inputs: np.ndarray, signature: Signature, masks=None) -> np.ndarray:
    """All positions of all layers, then the last position; `masks` multiply what each sublayer adds."""
    params = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), params)
    masks = iter(masks or [1.0] * (2 * model.layers))
    x = params["embed"]["embedding"][inputs]
    if model.positions == "learned":
        x = x + params["positions"]["embedding"][: inputs.shape[1]]
    elif model.positions == "sinusoidal":
        x = x + sinusoids(inputs.shape[1], model.width)
    for index in range(model.layers):
        layer = params[f"layer_{index}"]
        for name in ("attention", "mlp"):
            read = normalise(model, layer[f"{name}_norm"], x) if model.norm == "pre" else x
            if name == "attention":
                added = attend(model, layer["attention"], read)
            else:
                hidden = activate(model.activation, affine(layer["mlp"]["hidden"], read))
                added = affine(layer["mlp"]["output"], hidden)
            x = x + added * next(masks)
            x = normalise(model, layer[f"{name}_norm"], x) if model.norm == "post" else x
    last = x[:, -1] if signature.num_answers == 1 else x[:, -signature.num_answers :]
    last = normalise(model, params["final_norm"], last) if model.norm == "pre" or model.final_norm else last
    if not model.tied:
        return affine(params["output"], last)
    columns = signature.vocabulary if model.outputs == "vocabulary" else signature.num_classes
    return last @ params["embed"]["embedding"][:columns].T + params.get("output_bias", 0)


def answered_twice() -> Signature:
    return tokens_signature()._replace(target_shape=(2,))


VARIANTS = {
    "nanda": {},
    "two_layers": {"layers": 2},
    "demoss": {
        "layers": 2,
        "causal": False,
        "norm": "post",
        "activation": "gelu",
        "attention_bias": True,
        "output_bias": True,
        "initializer": "flax",
        "positions_length": 9,
    },
    "power": {
        "layers": 2,
        "norm": "post",
        "norm_epsilon": 0.1,
        "mlp_bias": False,
        "positions": "sinusoidal",
        "initializer": "torch",
    },
    "danielmamay": {
        "layers": 2,
        "norm": "post",
        "final_norm": True,
        "activation": "gelu_exact",
        "attention_bias": True,
        "output_bias": True,
        "initializer": "torch_multihead",
        "form": "plain",
    },
    "pre": {"layers": 2, "norm": "pre", "activation": "gelu_exact", "outputs": "classes", "output_bias": True},
    "pre_rms": {
        "norm": "pre",
        "norm_kind": "rms",
        "norm_epsilon": 0.1,
        "activation": "silu",
        "positions": "none",
        "heads": 1,
    },
    "post_rms_all_see_all": {"layers": 3, "norm": "post", "norm_kind": "rms", "activation": "tanh", "causal": False},
    "tied": {"tied": True, "output_bias": True, "activation": "square", "initializer": "he"},
    "tied_classes": {"tied": True, "outputs": "classes", "attention_bias": True, "heads": 8, "initializer": "lecun"},
}


@pytest.mark.parametrize("name", sorted(VARIANTS))
def test_logits_equal_a_forward_pass_in_numpy(name):
    model, signature = Transformer(**{**SMALL, **VARIANTS[name]}), tokens_signature()
    params, inputs = rough(model, signature), inputs_of(signature)
    logits = answers(model, params, inputs, signature)
    assert logits.shape == (6, 7 if model.outputs == "classes" else 9)
    np.testing.assert_allclose(logits, reference(model, params, inputs, signature), rtol=2e-4, atol=2e-4)


@pytest.mark.parametrize("name", ["nanda", "power", "pre", "tied"])
def test_several_answers_are_those_of_the_last_positions(name):
    model, signature = Transformer(**{**SMALL, **VARIANTS[name]}), answered_twice()
    params, inputs = rough(model, signature), inputs_of(signature)
    logits = answers(model, params, inputs, signature)
    assert logits.shape == (6, 2, 7 if model.outputs == "classes" else 9)
    np.testing.assert_allclose(logits, reference(model, params, inputs, signature), rtol=2e-4, atol=2e-4)
    assert model.form_used(signature) == "plain" and model.form_used(tokens_signature()) == "tables"


def test_an_answer_does_not_see_the_token_that_it_is_to_be():
    model, signature = Transformer(**SMALL, layers=2), answered_twice()
    params, inputs = rough(model, signature), inputs_of(signature)
    others = inputs.copy()
    others[:, -1] = (others[:, -1] + 1) % 9
    before, after = (answers(model, params, tokens, signature) for tokens in (inputs, others))
    np.testing.assert_array_equal(before[:, 0], after[:, 0])
    assert np.abs(before[:, 1] - after[:, 1]).max() > 1e-3


@pytest.mark.parametrize(
    ("fields", "count", "says"),
    [
        ({"causal": False, "layers": 2}, 2, "model.causal: the 2 answers .* nearest is true"),
        ({"form": "merged"}, 2, "model.form: merged needs .* one answer"),
        ({}, 5, "at the last tokens of an input, which has 4; test has 5 answers"),
    ],
)
def test_several_answers_need_a_place_each_that_does_not_see_them(fields, count, says):
    with pytest.raises(ValueError, match=says):
        Transformer(**SMALL, **fields).init(KEY, tokens_signature()._replace(target_shape=(count,)))


@pytest.mark.parametrize("name", ["two_layers", "demoss", "pre"])
def test_dropout_acts_on_what_each_sublayer_adds(name):
    model, signature = Transformer(**{**SMALL, **VARIANTS[name], "dropout": 0.4}), tokens_signature()
    params, inputs, key = rough(model, signature), inputs_of(signature), KEYS
    needed = [4] * (2 * model.layers - 2) + [1, 1]  # only the last position is left in the last layer
    masks = [np.asarray(dropout(jnp.ones((6, n, 8)), 0.4, key, place)) for place, n in enumerate(needed)]
    logits = answers(model, params, inputs, signature, key)
    np.testing.assert_allclose(logits, reference(model, params, inputs, signature, masks), rtol=2e-4, atol=2e-4)
    without = reference(model, params, inputs, signature)
    assert np.abs(logits - without).max() > 0.1
    np.testing.assert_allclose(answers(model, params, inputs, signature), without, rtol=2e-4, atol=2e-4)


DEMOSS = {**VARIANTS["demoss"], "positions_length": 115}


@pytest.mark.parametrize(
    ("expected", "fields", "tokens", "vocabulary"),
    [
        (226_816, {}, 3, 114),  # Nanda et al., p = 113
        (242_547, {**DEMOSS, "layers": 1}, 4, 115),  # DeMoss et al., x + y
        (440_819, {**DEMOSS, "layers": 2}, 4, 115),  # DeMoss et al., x - y
    ],
)
def test_parameter_counts_of_published_networks(expected, fields, tokens, vocabulary):
    signature = tokens_signature(tokens, vocabulary, num_classes=113)
    params = jax.eval_shape(lambda key: Transformer(**fields).init(key, signature), KEY)
    assert sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(params)) == expected


def test_nanda_starts_with_the_published_deviations():
    params = Transformer().init(KEY, tokens_signature(3, 114, 113))
    layer = params["layer_0"]
    for matrix in (
        params["embed"]["embedding"],
        layer["attention"]["query"]["kernel"],
        layer["mlp"]["output"]["kernel"],
    ):
        assert abs(float(jnp.std(matrix)) * math.sqrt(128) - 1) < 0.03
    assert abs(float(jnp.std(params["output"]["kernel"])) * math.sqrt(114) - 1) < 0.03
    assert not np.any(layer["mlp"]["hidden"]["bias"])
    assert not np.any(layer["mlp"]["output"]["bias"])


@pytest.mark.parametrize("causal", [True, False])
def test_causal_mask_hides_later_positions(causal):
    model = Transformer(**SMALL, causal=causal)
    attention = Attention(model, scheme("nanda", 8, 8, 9))
    before = jax.random.normal(stream(5, "init"), (3, 5, 8))
    after = before.at[:, 3].add(1.0)
    variables = attention.init(KEY, before, 5)
    seen = [np.asarray(attention.apply(variables, x, 5)) for x in (before, after)]
    changed = np.abs(seen[0] - seen[1]).max(axis=(0, 2)) > 1e-6
    assert changed.tolist() == [not causal] * 3 + [True, True]


def test_mask_matters_from_the_second_layer_on():
    signature = tokens_signature()
    for layers in (1, 2):
        models = [Transformer(**SMALL, layers=layers, causal=causal) for causal in (True, False)]
        params, inputs = rough(models[0], signature), inputs_of(signature)
        masked, open_ = (answers(model, params, inputs, signature) for model in models)
        assert (np.abs(masked - open_).max() > 1e-3) == (layers == 2)


@pytest.mark.parametrize("key", [None, KEYS])
def test_answer_to_an_example_does_not_depend_on_the_others(key):
    model, signature = Transformer(**SMALL, norm="pre", layers=2, dropout=0.3), tokens_signature()
    params, inputs = rough(model, signature), inputs_of(signature)
    others = inputs[::-1].copy()
    others[2] = inputs[2]
    logits = [answers(model, params, x, signature, key) for x in (inputs, others)]
    np.testing.assert_array_equal(logits[0][2], logits[1][2])
    assert np.abs(logits[0][0] - logits[1][0]).max() > 1e-3


def test_init_scale_multiplies_every_initial_parameter():
    signature, fields = tokens_signature(), {**SMALL, "norm": "post", "attention_bias": True, "initializer": "torch"}
    ones = Transformer(**fields).init(KEY, signature)
    fours = Transformer(**fields, init_scale=4.0).init(KEY, signature)
    jax.tree.map(lambda one, four: np.testing.assert_array_equal(4 * np.asarray(one), four), ones, fours)
    assert all(np.any(leaf) for leaf in jax.tree.leaves(ones) if leaf.ndim == 2)


def test_runs_with_different_rates_scales_and_keys_map_in_one_trace():
    signature, traces = tokens_signature(), []
    inputs = inputs_of(signature)

    def outputs(model: Transformer, key: jax.Array) -> jax.Array:
        traces.append(1)
        params = model.init(key, signature)
        return model.logits(
            model.prepare(params, signature), inputs, signature, substreams(key, jnp.arange(len(inputs)))
        )

    few = {**SMALL, "tied": True, "positions": "none"}  # each drawn array takes long to compile
    settings = ((0.0, 1.0), (0.2, 0.5), (0.7, 2.0))
    models = [Transformer(**few, dropout=rate, init_scale=size) for rate, size in settings]
    keys = jnp.stack([stream(seed, "init") for seed in range(3)])
    mapped = jax.jit(jax.vmap(outputs))(jax.tree.map(lambda *leaves: jnp.stack(leaves), *models), keys)
    assert len(traces) == 1
    for index, model in enumerate(models):
        np.testing.assert_allclose(mapped[index], outputs(model, keys[index]), rtol=2e-4, atol=2e-5)


def test_swept_fields_are_the_only_leaves_and_the_catalogue_knows_it():
    assert jax.tree.leaves(Transformer(dropout=0.25, init_scale=2.0)) == [1e-6, 2.0, 0.25]
    assert catalogue("models")["transformer"] is Transformer


@pytest.mark.parametrize(
    ("fields", "changes", "message"),
    [
        ({}, {"vocabulary": None, "input_dtype": "float32"}, r"model.kind: .*token inputs.*nearest is mlp"),
        ({"heads": 5, "width": 128}, {}, r"model.heads: must divide width 128, got 5; nearest is 4"),
        ({"positions_length": 2}, {}, r"model.positions_length: .*4 input tokens, got 2; nearest is 4"),
        ({"tied": True, "outputs": "classes"}, {"num_classes": 20}, r"model.tied: .*9 symbols and 20 classes"),
    ],
)
def test_impossible_networks_are_refused_in_one_line(fields, changes, message):
    signature = tokens_signature()._replace(**changes)
    with pytest.raises(ValueError, match=f"^{message}") as refusal:
        Transformer(**fields).init(KEY, signature)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("norm", ["none", "pre"])
def test_a_final_norm_where_there_can_be_none_is_refused(norm):
    with pytest.raises(ValueError, match=r"^model.final_norm: needs norm post; nearest is false$"):
        Transformer(**SMALL, final_norm=True, norm=norm).module(tokens_signature())
