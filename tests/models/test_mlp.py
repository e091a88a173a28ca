"""Is the MLP the network of its docstring? Against NumPy, and against the analytic solution of modular addition."""

import itertools
import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.core.catalogue import catalogue
from grokjax.core.interfaces import Signature
from grokjax.core.streams import stream, substreams
from grokjax.models.hidden_units import dropout
from grokjax.models.mlp import MLP
from grokjax.tasks.group_product import GroupProduct

KEY = stream(3, "init")
KEYS = substreams(stream(0, "dropout"), jnp.arange(49))  # one an example


def addition(modulus: int) -> tuple[Signature, np.ndarray, np.ndarray]:
    """Signature, inputs [a, b, =] and targets of a + b mod p."""
    pairs = [(a, b, modulus) for a in range(modulus) for b in range(modulus)]
    inputs = np.array(pairs, np.int32)
    shape = {"task": "test", "num_examples": len(pairs), "input_shape": (3,), "input_dtype": "int32"}
    shape |= {"target_shape": (), "target_dtype": "int32", "num_classes": modulus, "vocabulary": modulus + 1}
    return Signature(**shape, operands=(0, 1)), inputs, np.array([(a + b) % modulus for a, b, _ in pairs])


def values_signature() -> Signature:
    return Signature("test", 20, (3, 5), "float32", (), "int32", 4, None, ())


def analytic(modulus: int, width: int) -> tuple[dict, np.ndarray]:
    """Gromov's weights for x + y mod p, and the frequency of each neuron."""
    random = np.random.RandomState(0)
    frequency = 1 + np.arange(width) % ((modulus - 1) // 2)
    first, second = random.uniform(-math.pi, math.pi, (2, width))
    turn = 2 * math.pi * np.arange(modulus)[:, None] * frequency / modulus  # [symbol, neuron]
    kernel = np.concatenate([np.cos(turn + first), np.cos(turn + second)])
    output = np.cos(-turn - (first + second)).T
    params = {"hidden_0": {"kernel": kernel}, "output": {"kernel": output}}
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float32), params), frequency


@pytest.mark.parametrize(("modulus", "width"), [(97, 200), (23, 100)])
def test_analytic_weights_answer_every_pair(modulus, width):
    signature, inputs, targets = addition(modulus)
    model = MLP(activation="square", width=width)
    params, frequency = analytic(modulus, width)
    fresh = jax.eval_shape(lambda: model.init(KEY, signature))
    assert jax.tree.map(jnp.shape, fresh) == jax.tree.map(jnp.shape, params)
    logits = np.asarray(model.logits(model.prepare(params, signature), inputs, signature, None), np.float64)
    assert np.mean(logits.argmax(axis=1) == targets) == 1.0
    # Averaged over all pairs the free phases cancel exactly: what is left at distance d from the answer is
    # sum_k cos(2 pi s_k d / p) / 2, which is width / 2 at the answer itself.
    example = np.arange(len(inputs))
    for distance in range(modulus):
        mean = logits[example, (targets + distance) % modulus].mean()
        expected = np.cos(2 * math.pi * frequency * distance / modulus).sum() / 2
        assert mean == pytest.approx(expected, abs=1e-3)
    assert logits[example, targets].mean() == pytest.approx(width / 2, abs=1e-3)


def test_a_narrow_analytic_network_errs_on_a_few_pairs():
    signature, inputs, targets = addition(97)
    model, params = MLP(activation="square", width=100), analytic(97, 100)[0]
    logits = model.logits(model.prepare(params, signature), inputs, signature, None)
    assert 0.95 < np.mean(np.asarray(logits).argmax(axis=1) == targets) < 1.0


@pytest.mark.parametrize(("modulus", "width", "seeds"), [(97, 200, range(5)), (23, 100, range(2)), (7, 200, range(5))])
def test_periodic_initial_weights_answer_every_pair_before_any_update(modulus, width, seeds):
    signature, inputs, targets = addition(modulus)
    model = MLP(activation="square", width=width, initializer="periodic")
    fresh = jax.eval_shape(lambda: MLP(activation="square", width=width).init(KEY, signature))
    for seed in seeds:
        params = model.init(stream(seed, "init"), signature)
        assert jax.tree.map(jnp.shape, params) == jax.tree.map(jnp.shape, fresh)
        logits = np.asarray(model.logits(model.prepare(params, signature), inputs, signature, None), np.float64)
        assert (logits.argmax(axis=1) == targets).all()
        assert logits[np.arange(len(inputs)), targets].mean() == pytest.approx(width / 2, rel=1e-6)


def test_each_row_of_periodic_weights_is_one_frequency_and_frequencies_are_even():
    params = MLP(activation="square", width=96, initializer="periodic").init(KEY, addition(97)[0])
    power = np.abs(np.fft.rfft(np.asarray(params["output"]["kernel"], np.float64), axis=1)) ** 2
    ratio = (power**2).sum(axis=1) / power.sum(axis=1) ** 2  # inverse participation ratio
    np.testing.assert_allclose(ratio, 1.0, atol=1e-5)
    assert sorted(power.argmax(axis=1).tolist()) == sorted(2 * list(range(1, 49)))


@pytest.mark.parametrize("fields", [{"depth": 2}, {"activation": "relu"}, {"bias": True}, {"encoding": "summed"}])
def test_periodic_weights_for_another_network_are_refused(fields):
    with pytest.raises(ValueError, match=r"^model.initializer: periodic needs .*nearest is doshi$"):
        MLP(**{"activation": "square", "initializer": "periodic", **fields}).init(KEY, addition(7)[0])


def encoded(model: MLP, params: dict, inputs: np.ndarray, signature: Signature) -> np.ndarray:
    """What the first layer reads, spelled out: [example, input]."""
    if signature.vocabulary is None:
        return inputs.reshape(len(inputs), -1)
    operands = inputs[:, list(signature.operands)]
    if model.encoding == "one_hot":
        identity = np.eye(signature.num_classes)  # here the operands are residues, as many as there are classes
        return np.concatenate([identity[column] for column in operands.T], axis=1)
    names = ["embed"] * 2 if model.shared_embedding else ["embed_0", "embed_1"]
    vectors = [params[name]["embedding"][column] for name, column in zip(names, operands.T, strict=True)]
    if model.encoding == "product":
        left, right = (vector.reshape(len(vector), 3, 3) for vector in vectors)
        return (left @ right).reshape(len(left), 9)
    return vectors[0] + vectors[1] if model.encoding == "summed" else np.concatenate(vectors, axis=1)


def reference(model: MLP, params: dict, inputs: np.ndarray, signature: Signature, masks=None) -> np.ndarray:
    params = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), params)
    hidden = encoded(model, params, inputs, signature)
    activation = {"relu": lambda x: np.maximum(x, 0), "square": np.square, "tanh": np.tanh}[model.activation]
    for index in range(model.depth):
        layer, read = params[f"hidden_{index}"], hidden
        if model.norm == "layer" and index > 0:
            centred = hidden - hidden.mean(-1, keepdims=True)
            gain, shift = params[f"norm_{index}"]["scale"], params[f"norm_{index}"]["bias"]
            read = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-6) * gain + shift
        before = read @ layer["kernel"] + layer.get("bias", 0)
        active = activation(before * (1 if masks is None else masks[index]))
        hidden = hidden + active if model.residual and index > 0 else active
    return hidden @ params["output"]["kernel"] + params["output"].get("bias", 0)


def rough(model: MLP, signature: Signature):
    """Parameters that are random in every leaf, so that biases matter; drawn by NumPy, which compiles nothing."""
    random = np.random.RandomState(1)
    shapes = jax.eval_shape(lambda: model.init(KEY, signature))
    return jax.tree.map(lambda leaf: np.asarray(0.4 * random.randn(*leaf.shape), np.float32), shapes)


VARIANTS = {
    "quadratic": {"activation": "square"},
    "deep_one_hot": {"depth": 3, "bias": True},
    "concatenated": {"encoding": "concatenated", "embedding": 6, "bias": True, "activation": "tanh"},
    "concatenated_own": {"encoding": "concatenated", "embedding": 6, "shared_embedding": False, "depth": 2},
    "summed": {"encoding": "summed", "embedding": 5, "depth": 2, "initializer": "torch", "bias": True},
    "residual": {"depth": 8, "residual": True, "activation": "tanh"},
    "residual_pre_norm": {"depth": 4, "residual": True, "norm": "layer", "bias": True, "encoding": "summed"},
    "bias_of_hidden_layers_only": {"depth": 2, "bias": True, "output_bias": False},
    "summed_own": {"encoding": "summed", "embedding": 5, "shared_embedding": False, "initializer": "doshi"},
    "product": {"encoding": "product", "embedding": 9, "depth": 2, "activation": "tanh", "bias": True},
}


@pytest.mark.parametrize("name", sorted(VARIANTS))
def test_logits_equal_a_forward_pass_in_numpy(name):
    signature, inputs, _ = addition(7)
    model = MLP(**{"width": 10, **VARIANTS[name]})
    params = rough(model, signature)
    logits = jax.jit(lambda p, x: model.logits(model.prepare(p, signature), x, signature, None))(params, inputs)
    assert logits.shape == (49, 7)
    np.testing.assert_allclose(logits, reference(model, params, inputs, signature), rtol=1e-4, atol=1e-4)


def test_the_matrices_of_s3_multiply_to_its_table():
    """Permutation matrices as embeddings: their product is the matrix of the product, in the order of the group."""
    task = GroupProduct(group="S3", sequence="x y")
    table, signature = task.table(), task.signature()
    model = MLP(encoding="product", embedding=9, width=10)
    permutations = list(itertools.permutations(range(3)))
    matrices = np.array([np.eye(3)[:, list(one)] for one in permutations], np.float32).reshape(6, 9)
    params = model.init(KEY, signature) | {"embed": {"embedding": matrices}}
    kernel = np.zeros((9, 10), np.float32)
    kernel[:, :9] = np.eye(9)
    params["hidden_0"] = {"kernel": kernel}
    output = np.zeros((10, 6), np.float32)
    output[:9] = matrices.T  # the inner product of permutation matrices is largest, 3, where they are equal
    logits = model.logits(params | {"output": {"kernel": output}}, table.inputs, signature, None)
    assert np.asarray(logits).argmax(axis=1).tolist() == table.targets.tolist()
    np.testing.assert_array_equal(np.max(logits, axis=1), 3.0)


def test_a_product_needs_square_matrices_and_has_no_tables():
    signature, _, _ = addition(7)
    assert MLP(encoding="product", embedding=9).form_used(signature) == "plain"
    with pytest.raises(ValueError, match=r"^model.embedding: .*square of a whole number, got 10; nearest is 9$"):
        MLP(encoding="product", embedding=10).init(KEY, signature)


def test_real_valued_inputs_are_made_flat():
    signature = values_signature()
    inputs = np.random.RandomState(0).randn(6, 3, 5).astype(np.float32)
    model = MLP(width=10, depth=2, bias=True, initializer="he")
    params = rough(model, signature)
    assert params["hidden_0"]["kernel"].shape == (15, 10)
    logits = model.logits(model.prepare(params, signature), inputs, signature, None)
    np.testing.assert_allclose(logits, reference(model, params, inputs, signature), rtol=1e-4, atol=1e-4)


def test_gradient_of_the_row_sum_is_that_of_the_one_hot_product():
    signature, inputs, _ = addition(7)
    model = MLP(activation="square", width=10)
    params = rough(model, signature)
    one_hots = jnp.asarray(encoded(model, params, inputs, signature), jnp.float32)

    def product(params) -> jax.Array:
        return jnp.sin(jnp.square(one_hots @ params["hidden_0"]["kernel"]) @ params["output"]["kernel"]).sum()

    gathered = jax.grad(lambda p: jnp.sin(model.logits(model.prepare(p, signature), inputs, signature, None)).sum())(
        params
    )
    jax.tree.map(
        lambda a, b: np.testing.assert_allclose(a, b, rtol=1e-4, atol=1e-4), gathered, jax.grad(product)(params)
    )


def test_dropout_acts_on_the_pre_activations_of_each_hidden_layer():
    signature, inputs, _ = addition(7)
    model, key = MLP(activation="square", width=10, depth=2, dropout=0.4), KEYS
    params = rough(model, signature)
    masks = [np.asarray(dropout(jnp.ones((49, 10)), 0.4, key, place)) for place in range(2)]
    logits = model.logits(model.prepare(params, signature), inputs, signature, key)
    expected = reference(model, params, inputs, signature, masks)
    np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())
    without = np.asarray(model.logits(model.prepare(params, signature), inputs, signature, None))
    np.testing.assert_allclose(without, reference(model, params, inputs, signature), rtol=1e-3, atol=1e-3)
    assert np.abs(without - logits).max() > 0.1


def test_number_of_inputs_and_parameters():
    def shapes(model: MLP, modulus: int):
        return jax.eval_shape(lambda key: model.init(key, addition(modulus)[0]), KEY)

    assert shapes(MLP(activation="square"), 31)["hidden_0"]["kernel"].shape == (62, 200)
    wide = shapes(MLP(encoding="concatenated", shared_embedding=False, width=256, bias=True), 97)
    count = 2 * 97 * 128 + (2 * 128 * 256 + 256) + (256 * 97 + 97)  # the widely used 128 + 128 -> 256 -> 97
    assert sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(wide)) == count == 115_553


@pytest.mark.parametrize("operands", [(0, 1), (0, 2), (1, 2)])
def test_only_operand_positions_are_read(operands):
    signature, pairs, _ = addition(7)
    constant = next(position for position in range(3) if position not in operands)
    inputs = np.full_like(pairs, 7)
    inputs[:, list(operands)] = pairs[:, :2]
    changed = inputs.copy()
    changed[:, constant] = 0
    model = MLP(width=10)
    params = rough(model, signature)
    first = model.logits(model.prepare(params, signature), pairs, signature, None)
    for table in (inputs, changed):
        logits = model.logits(model.prepare(params, signature), table, signature._replace(operands=operands), None)
        np.testing.assert_array_equal(logits, first)


@pytest.mark.parametrize("encoding", ["one_hot", "concatenated", "summed", "product"])
def test_symbol_outside_the_operands_gives_nan_and_no_other_symbols_row(encoding):
    signature, inputs, _ = addition(7)
    wrong = inputs[:3].copy()
    wrong[1, 0] = 7  # the id of "="
    model = MLP(width=10, embedding=9, encoding=encoding)
    logits = np.asarray(model.logits(model.prepare(rough(model, signature), signature), wrong, signature, None))
    assert np.isnan(logits).any(axis=1).tolist() == [False, True, False]


@pytest.mark.parametrize("key", [None, KEYS])
@pytest.mark.parametrize("encoding", ["one_hot", "concatenated"])
def test_answer_to_an_example_does_not_depend_on_the_others(encoding, key):
    signature, inputs, _ = addition(7)
    model = MLP(width=10, encoding=encoding, dropout=0.3)
    params = rough(model, signature)
    others = inputs[::-1].copy()
    others[2] = inputs[2]
    logits = [
        np.asarray(model.logits(model.prepare(params, signature), table, signature, key)) for table in (inputs, others)
    ]
    np.testing.assert_array_equal(logits[0][2], logits[1][2])
    assert np.abs(logits[0][0] - logits[1][0]).max() > 1e-3


def test_init_scale_multiplies_every_initial_parameter():
    signature, fields = addition(7)[0], {"width": 10, "bias": True, "encoding": "summed", "initializer": "torch"}
    ones = MLP(**fields).init(KEY, signature)
    fours = MLP(**fields, init_scale=4.0).init(KEY, signature)
    jax.tree.map(lambda one, four: np.testing.assert_array_equal(4 * np.asarray(one), four), ones, fours)
    assert all(np.any(leaf) for leaf in jax.tree.leaves(ones))


@pytest.mark.parametrize("pattern", ["embed*", "output*", "hidden_0/kernel"])
def test_init_scale_may_act_on_some_parameters_only(pattern):
    signature, fields = addition(7)[0], {"width": 10, "bias": True, "encoding": "summed", "initializer": "torch"}
    ones = MLP(**fields).init(KEY, signature)
    fours = MLP(**fields, init_scale=4.0, init_scale_on=pattern).init(KEY, signature)
    scaled = {"embed*": {"embed/embedding"}, "output*": {"output/kernel", "output/bias"}}.get(pattern, {pattern})
    for name, leaves in ones.items():
        for leaf, value in leaves.items():
            factor = 4 if f"{name}/{leaf}" in scaled else 1
            np.testing.assert_array_equal(factor * np.asarray(value), fours[name][leaf])


def test_init_scale_on_no_parameter_is_refused_with_the_names_there_are():
    with pytest.raises(
        ValueError, match=r"init_scale_on: no parameter matches 'embd\*'; there are: hidden_0/kernel, out"
    ):
        MLP(init_scale_on="embd*").init(KEY, addition(7)[0])


def test_runs_with_different_rates_scales_and_keys_map_in_one_trace():
    signature, inputs, _ = addition(7)
    traces = []

    def outputs(model: MLP, key: jax.Array) -> jax.Array:
        traces.append(1)
        params = model.init(key, signature)
        return model.logits(
            model.prepare(params, signature), inputs, signature, substreams(key, jnp.arange(len(inputs)))
        )

    settings = ((0.0, 1.0), (0.2, 0.5), (0.7, 2.0))
    models = [MLP(width=10, activation="square", dropout=rate, init_scale=size) for rate, size in settings]
    keys = jnp.stack([stream(seed, "init") for seed in range(3)])
    mapped = jax.jit(jax.vmap(outputs))(jax.tree.map(lambda *leaves: jnp.stack(leaves), *models), keys)
    assert len(traces) == 1
    for index, model in enumerate(models):
        np.testing.assert_allclose(mapped[index], outputs(model, keys[index]), rtol=1e-4, atol=1e-5)


def test_swept_fields_are_the_only_leaves_and_the_catalogue_knows_it():
    assert jax.tree.leaves(MLP(dropout=0.25, init_scale=2.0)) == [2.0, 0.25]
    assert catalogue("models")["mlp"] is MLP


@pytest.mark.parametrize("changes", [{"operands": ()}, {"vocabulary": 1}])
def test_token_inputs_without_operand_symbols_are_refused(changes):
    signature = addition(7)[0]._replace(**changes)
    with pytest.raises(ValueError, match=r"^model.kind: mlp reads operands.*nearest is transformer$"):
        MLP().init(KEY, signature)
