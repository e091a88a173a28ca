"""All forms of a network are the same function: losses and gradients agree to the rounding of float64."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.core.streams import stream, substreams
from grokjax.losses.cross_entropy import CrossEntropy
from grokjax.models.mlp import MLP
from grokjax.models.transformer import Transformer
from grokjax.tasks.modular_arithmetic import ModularArithmetic

EXACT = 1e-11  # of the largest entry of all gradients: the same sums in another order
DECODERS = {
    "nanda": ({}, "x y ="),
    "two layers, causal": ({"layers": 2, "norm": "pre"}, "x op y ="),
    "three layers, all see all": ({"layers": 3, "norm": "post", "causal": False, "positions": "sinusoidal"}, "x y ="),
    "normalised once more": ({"layers": 2, "norm": "post", "final_norm": True}, "x op y ="),
    "tied, biases, rms": (
        {"layers": 2, "norm": "pre", "norm_kind": "rms", "tied": True, "attention_bias": True, "output_bias": True},
        "x op y =",
    ),
    "last token is an operand": ({"layers": 2, "positions": "none", "mlp_bias": False}, "x y"),
    "dropout": ({"layers": 2, "dropout": 0.3, "norm": "post", "attention_bias": True}, "x op y ="),
    "dropout, one layer": ({"dropout": 0.4, "outputs": "classes"}, "x y ="),
}
MERGED = {
    "nanda": ({}, "x y ="),
    "tied with every bias": ({"tied": True, "attention_bias": True, "output_bias": True}, "x op y ="),
    "last token is an operand": ({"attention_bias": True, "output_bias": True, "activation": "gelu"}, "x y"),
}
NETWORKS = {
    "one_hot": {"encoding": "one_hot", "bias": True},
    "concatenated": {"encoding": "concatenated", "bias": True, "depth": 2},
    "concatenated, one table each": {"encoding": "concatenated", "shared_embedding": False},
    "summed": {"encoding": "summed", "bias": True},
    "residual, normalised": {"depth": 3, "residual": True, "norm": "layer"},
    "summed, one table each, dropout": {"encoding": "summed", "shared_embedding": False, "dropout": 0.3},
}


def loss_and_gradient(model, sequence: str, modulus: int = 7):
    """Of a network with random parameters on the whole table, in float64; the same parameters for every form."""
    task = ModularArithmetic(modulus=modulus, sequence=sequence)
    signature, table = task.signature(), task.table()
    inputs, targets = jnp.asarray(table.inputs), jnp.asarray(table.targets)
    keys = substreams(stream(3, "dropout", 1), jnp.arange(len(inputs)))
    noise = np.random.RandomState(0)

    def loss(params):
        outputs = model.logits(model.prepare(params, signature), inputs, signature, keys)
        return CrossEntropy().loss(outputs, targets).mean()

    with jax.enable_x64(True):
        start = dataclasses.replace(model, form="plain").init(stream(1, "init"), signature)
        params = jax.tree.map(lambda leaf: jnp.asarray(leaf + 0.1 * noise.standard_normal(leaf.shape)), start)
        return jax.jit(jax.value_and_grad(loss))(params)


def assert_same_function(model, form: str, sequence: str, modulus: int = 7) -> None:
    plain = loss_and_gradient(dataclasses.replace(model, form="plain"), sequence, modulus)
    other = loss_and_gradient(dataclasses.replace(model, form=form), sequence, modulus)
    assert plain[0].dtype == jnp.float64 and float(plain[0]) == pytest.approx(float(other[0]), rel=EXACT)
    largest = max(np.abs(np.asarray(leaf)).max() for leaf in jax.tree.leaves(plain[1]))
    for (path, one), two in zip(jax.tree_util.tree_leaves_with_path(plain[1]), jax.tree.leaves(other[1]), strict=True):
        one, two = np.asarray(one), np.asarray(two)
        np.testing.assert_allclose(one, two, rtol=0, atol=EXACT * largest, err_msg=jax.tree_util.keystr(path))


def decoder(**fields) -> Transformer:
    return Transformer(**{"width": 8, "heads": 2, "mlp_width": 12, **fields})


@pytest.mark.parametrize("name", DECODERS)
def test_a_transformer_by_tables_is_the_plain_one(name: str) -> None:
    fields, sequence = DECODERS[name]
    assert_same_function(decoder(**fields), "tables", sequence)


@pytest.mark.parametrize("name", MERGED)
def test_a_transformer_with_merged_matrices_is_the_plain_one(name: str) -> None:
    fields, sequence = MERGED[name]
    assert_same_function(decoder(**fields), "merged", sequence)


@pytest.mark.parametrize("name", NETWORKS)
def test_an_mlp_by_tables_is_the_plain_one(name: str) -> None:
    assert_same_function(MLP(width=10, embedding=6, **NETWORKS[name]), "tables", "x op y =")


def test_tables_of_more_symbols_than_a_block_has_rows_are_exact_too() -> None:
    assert_same_function(decoder(), "merged", "x y =", modulus=137)
    assert_same_function(MLP(width=10, embedding=6, encoding="concatenated", bias=True), "tables", "x y =", 137)


def test_where_no_example_meets_a_matrix_merged_is_tables() -> None:
    signature = ModularArithmetic(modulus=7).signature()._replace(operands=(0,), fixed=(0, 7))
    inputs = jnp.asarray([[symbol, 0, 7] for symbol in range(7)])
    params = decoder().init(stream(0, "init"), signature)
    answers = [
        model.logits(model.prepare(params, signature), inputs, signature, None)
        for model in (decoder(form="merged"), decoder(form="plain"))
    ]
    np.testing.assert_allclose(*answers, rtol=1e-4, atol=1e-5)


def test_a_signature_without_its_shared_symbols_is_refused() -> None:
    signature = ModularArithmetic(modulus=7).signature()._replace(fixed=())
    with pytest.raises(ValueError, match=r"names 0 of 1; nearest is plain"):
        decoder().init(stream(0, "init"), signature)


@pytest.mark.parametrize("fields", [{"layers": 2}, {"norm": "pre"}, {"dropout": 0.1}, {"input_noise": 0.1}])
def test_matrices_are_not_merged_across_what_reads_the_stream(fields: dict) -> None:
    signature = ModularArithmetic(modulus=7).signature()
    with pytest.raises(
        ValueError,
        match="merged needs layers 1, one answer, norm none, no dropout and no input noise; nearest is tables",
    ):
        decoder(form="merged", **fields).init(stream(0, "init"), signature)


def test_an_mlp_on_real_numbers_has_no_tables() -> None:
    signature = ModularArithmetic(modulus=7).signature()
    real = signature._replace(vocabulary=None, input_dtype="float32", operands=(), fixed=())
    assert MLP(encoding="summed").form_used(signature) == "tables" and MLP().form_used(real) == "plain"
