"""Is the factored network that of PAIR? Against NumPy, their constructed solution, and their run before training."""

import math

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.core.streams import stream
from grokjax.losses.cross_entropy import log1p_cross_entropy
from grokjax.models.factored import Factored
from grokjax.tasks.modular_arithmetic import ModularArithmetic

KEY = stream(3, "init")
TASK = ModularArithmetic(modulus=7)
ALL_PAIRS = ModularArithmetic(modulus=67)  # of the post
VARIANTS = {
    "tied": {},
    "operands tied": {"tied": "operands"},
    "untied": {"tied": "none", "shared_hidden": False},
    "one hidden matrix each": {"shared_hidden": False, "activation": "square"},
    "collapsed in": {"collapsed_in": True},
    "collapsed out": {"collapsed_out": True, "tied": "operands"},
    "collapsed out, tied but of another width": {"collapsed_out": True},
    "collapsed": {"collapsed_in": True, "collapsed_out": True},
    "collapsed and untied": {"collapsed_in": True, "collapsed_out": True, "tied": "none"},
}


def network(**fields) -> Factored:
    return Factored(**{"embedding": 6, "width": 10, **fields})


def by_hand(model: Factored, params: dict, inputs: np.ndarray, classes: int) -> np.ndarray:
    """One example at a time, in float64."""
    params = jax.tree.map(lambda leaf: np.asarray(leaf, np.float64), params)
    embeds = [params["embed" if model.tied != "none" else f"embed_{place}"]["embedding"] for place in (0, 1)]
    outputs = []
    for pair in inputs[:, :2]:
        hidden = np.zeros(model.width)
        for place, symbol in enumerate(pair):
            vector = embeds[place][symbol]
            if not model.collapsed_in:
                vector = vector @ params["hidden" if model.shared_hidden else f"hidden_{place}"]["kernel"]
            hidden += vector
        answer = hidden**2 if model.activation == "square" else np.maximum(hidden, 0)
        if not model.collapsed_out:
            answer = answer @ params["output"]["kernel"]
        is_tied = model.tied == "all" and len(answer) == embeds[0].shape[1]
        outputs.append(answer @ (embeds[0][:classes].T if is_tied else params["unembed"]["kernel"]))
    return np.array(outputs)


@pytest.mark.parametrize("name", VARIANTS)
def test_both_ways_to_compute_it_equal_numpy(name):
    model, signature, inputs = network(**VARIANTS[name]), TASK.signature(), jnp.asarray(TASK.table().inputs)
    params = model.init(KEY, signature)
    expected = by_hand(model, params, TASK.table().inputs, 7)
    logits = model.logits(model.prepare(params, signature), inputs, signature, None)
    np.testing.assert_allclose(logits, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(
        model.module(signature).apply({"params": params}, inputs), expected, rtol=1e-4, atol=1e-5
    )


@pytest.mark.parametrize("name", VARIANTS)
def test_gradients_are_those_of_the_network_example_by_example(name):
    model, signature, inputs = network(**VARIANTS[name]), TASK.signature(), jnp.asarray(TASK.table().inputs)

    def heights(params):
        prepared = model.logits(model.prepare(params, signature), inputs, signature, None)
        plain = model.module(signature).apply({"params": params}, inputs)
        return jnp.sin(prepared).sum(), jnp.sin(plain).sum()

    with jax.enable_x64(True):
        params = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), model.init(KEY, signature))
        ours, plain = (
            jax.jit(jax.grad(lambda params, which=which: heights(params)[which]))(params) for which in (0, 1)
        )
    jax.tree.map(lambda one, two: np.testing.assert_allclose(one, two, rtol=1e-10, atol=1e-12), ours, plain)


def share_right(width: int, activation: str) -> float:
    """Of all 4,489 pairs of the post, with the constructed weights."""
    model = Factored(embedding=2, width=width, activation=activation, initializer="periodic")
    signature, table = ALL_PAIRS.signature(), ALL_PAIRS.table()
    params = model.init(KEY, signature)
    logits = np.asarray(model.logits(model.prepare(params, signature), jnp.asarray(table.inputs), signature, None))
    return float(np.mean(logits.argmax(axis=1) == table.targets))


@pytest.mark.parametrize("width", range(1, 25))
def test_the_constructed_solution_with_squares_fails_at_widths_1_2_and_4_only(width):
    assert (share_right(width, "square") == 1) == (width not in (1, 2, 4))


@pytest.mark.parametrize(
    ("width", "published"),
    [(3, 0.0225), (4, 0.0299), (5, 1), (6, 0.194), (7, 1), (8, 0.642), (10, 1), (12, 1), (16, 1), (24, 1)],
)
def test_the_constructed_solution_with_relu_is_right_as_often_as_published(width, published):
    assert share_right(width, "relu") == pytest.approx(published, abs=6e-4)


def test_squares_give_the_product_of_cosines_of_the_post():
    width, signature = 5, ALL_PAIRS.signature()
    model = Factored(embedding=2, width=width, activation="square", initializer="periodic")
    params, inputs = model.init(KEY, signature), ALL_PAIRS.table().inputs
    logits = model.logits(model.prepare(params, signature), jnp.asarray(inputs), signature, None)
    a, b, c = inputs[:, :1], inputs[:, 1:2], np.arange(67)
    turn = 2 * math.pi / 67
    expected = width * np.cos((a - b) * turn / 2) ** 2 * np.cos((a + b - c) * turn)
    np.testing.assert_allclose(logits, expected, atol=1e-5)


def test_before_training_norms_and_loss_are_those_of_the_published_run():
    """Their log at step 0: L1 6,898, L2 37.39, losses .0652 and .0644 on train and test, divided by p; one draw."""
    task = ModularArithmetic(modulus=67, pairs="unordered")
    model, signature, table = Factored.preset("pair2023"), task.signature(), task.table()
    norms, losses = [], []
    for seed in range(8):
        params = model.init(stream(seed, "init"), signature)
        leaves = [np.asarray(leaf, np.float64) for leaf in jax.tree.leaves(params)]
        norms.append((sum(np.abs(leaf).sum() for leaf in leaves), sum((leaf**2).sum() for leaf in leaves) ** 0.5))
        logits = model.logits(model.prepare(params, signature), jnp.asarray(table.inputs), signature, None)
        losses.append(float(log1p_cross_entropy(logits, jnp.asarray(table.targets)).mean()) / 67)
    np.testing.assert_allclose(np.mean(norms, axis=0), (6898, 37.39), rtol=0.01)
    assert min(losses) < 0.0652 and max(losses) > 0.0644
    assert np.mean(losses) == pytest.approx(0.0648, rel=0.05)


def test_collapsed_both_ways_it_has_the_published_size():
    model = Factored(tied="operands", collapsed_in=True, collapsed_out=True)
    params = jax.eval_shape(lambda: model.init(KEY, ALL_PAIRS.signature()))
    assert sum(math.prod(leaf.shape) for leaf in jax.tree.leaves(params)) == 3216


@pytest.mark.parametrize(
    "fields", [{"embedding": 3}, {"tied": "none"}, {"shared_hidden": False}, {"collapsed_in": True}]
)
def test_constructed_weights_for_another_network_are_refused(fields):
    with pytest.raises(ValueError, match=r"^model.initializer: periodic needs embedding 2.*nearest is haiku$"):
        Factored(**{"embedding": 2, "initializer": "periodic", **fields}).init(KEY, TASK.signature())


def test_tasks_without_symbols_are_refused():
    real = TASK.signature()._replace(vocabulary=None, input_dtype="float32", operands=())
    with pytest.raises(ValueError, match=r"^model.kind: factored needs token inputs, got float32; nearest is mlp$"):
        Factored().init(KEY, real)
    with pytest.raises(
        ValueError, match=r"^model.tied: all needs a symbol for each class, got 7 symbols and 9 classes"
    ):
        Factored().init(KEY, TASK.signature()._replace(num_classes=9))
    with pytest.raises(ValueError, match=r"^model.kind: factored reads operands"):
        Factored().init(KEY, TASK.signature()._replace(operands=()))
