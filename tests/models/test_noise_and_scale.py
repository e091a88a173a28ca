"""Do input noise, output scale and scheduled dropout do what their formulas say, as swept numbers of one program?"""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.core.interfaces import Signature
from grokjax.core.streams import stream, substreams
from grokjax.models.hidden_units import input_noise
from grokjax.models.mlp import MLP
from grokjax.models.transformer import Transformer
from grokjax.orders.identity import run_id
from grokjax.orders.order import grid_orders
from grokjax.reader.errors import SpecError
from grokjax.reader.sweep_file import load
from grokjax.tasks.modular_arithmetic import ModularArithmetic
from grokjax.train.equal_runs import check_equal_runs

TASK = ModularArithmetic(modulus=7)
SIGNATURE, TABLE = TASK.signature(), TASK.table()
INPUTS = np.asarray(TABLE.inputs)
KEYS = substreams(stream(0, "dropout"), jnp.arange(len(INPUTS)))
MODELS = [
    MLP(width=6, bias=True),
    MLP(width=6, encoding="concatenated", embedding=4),
    MLP(width=6, encoding="summed", embedding=4, depth=2),
    Transformer(width=8, heads=2, mlp_width=12),
    Transformer(width=8, heads=2, mlp_width=12, layers=2, norm="pre"),
]
SWEEP = {
    "name": "noise",
    "task": {"kind": "modular_arithmetic", "modulus": 7},
    "model": {"kind": "mlp", "width": 8},
    "optimizer": "adamw",
    "train": {"steps": 10},
}


@jax.jit
def outputs_of(model, params, inputs, keys):
    return model.logits(model.prepare(params, SIGNATURE), inputs, SIGNATURE, keys)


def params_of(model):
    return model.init(stream(3, "init"), SIGNATURE)


def test_noise_of_one_hots_goes_through_the_first_matrix():
    model = MLP(width=6, bias=True, input_noise=0.3)
    params = jax.tree.map(np.asarray, params_of(model))
    read = np.eye(7)[INPUTS[:, :2]].reshape(len(INPUTS), -1)
    read = read + np.asarray(input_noise(jnp.zeros(read.shape, jnp.float32), 0.3, KEYS))
    hidden = np.maximum(read @ params["hidden_0"]["kernel"] + params["hidden_0"]["bias"], 0)
    expected = hidden @ params["output"]["kernel"] + params["output"]["bias"]
    np.testing.assert_allclose(outputs_of(model, params, INPUTS, KEYS), expected, rtol=1e-5, atol=1e-5)


def test_noise_of_real_inputs_is_added_to_them():
    signature = Signature("test", 20, (3, 5), "float32", (), "int32", 4, None, ())
    inputs = np.random.default_rng(0).normal(size=(20, 3, 5)).astype(np.float32)
    noisy = MLP(width=6, input_noise=0.5)
    plain, params = dataclasses.replace(noisy, input_noise=None), noisy.init(stream(1, "init"), signature)
    added = input_noise(jnp.zeros((20, 15), jnp.float32), 0.5, KEYS[:20]).reshape(20, 3, 5)
    np.testing.assert_allclose(
        noisy.logits(params, inputs, signature, KEYS[:20]), plain.logits(params, inputs + added, signature, None)
    )


def test_noise_is_gaussian_of_its_deviation_and_differs_between_examples_and_from_dropout():
    drawn = np.asarray(input_noise(jnp.zeros((49, 2000)), 0.7, KEYS))
    assert drawn.std() == pytest.approx(0.7, rel=0.02) and abs(drawn.mean()) < 0.02
    assert np.mean(np.abs(drawn) < 0.7) == pytest.approx(0.6827, abs=0.01)
    assert np.abs(np.corrcoef(drawn) - np.eye(49)).max() < 0.2


@pytest.mark.parametrize("model", MODELS)
def test_noise_acts_in_training_only_and_none_of_size_zero(model):
    noisy, silent = (dataclasses.replace(model, input_noise=size) for size in (0.5, 0.0))
    params = params_of(model)
    plain = outputs_of(model, params, INPUTS, None)
    np.testing.assert_allclose(outputs_of(noisy, params, INPUTS, None), plain, atol=1e-5)
    np.testing.assert_allclose(outputs_of(silent, params, INPUTS, KEYS), plain, atol=1e-5)
    assert np.abs(outputs_of(noisy, params, INPUTS, KEYS) - plain).min(axis=1).max() > 1e-3


@pytest.mark.parametrize("model", MODELS)
def test_noise_of_an_example_does_not_depend_on_its_block(model):
    noisy = dataclasses.replace(model, input_noise=0.5)
    params = params_of(model)
    whole = outputs_of(noisy, params, INPUTS, KEYS)
    np.testing.assert_allclose(outputs_of(noisy, params, INPUTS[9:12], KEYS[9:12]), whole[9:12], rtol=1e-4, atol=1e-5)


def test_noise_on_embeddings_is_that_of_another_embedding():
    """Of a summed encoding: moving the sum by d is moving one of its vectors by d."""
    model = MLP(width=6, encoding="summed", embedding=4, input_noise=0.5)
    params, example = params_of(model), 10
    vectors = np.asarray(input_noise(jnp.zeros((1, 2, 4)), 0.5, KEYS[example : example + 1]))[0]
    moved = jax.tree.map(np.array, params)
    moved["embed"]["embedding"][INPUTS[example, 0]] += vectors.sum(axis=0)
    assert INPUTS[example, 0] != INPUTS[example, 1]
    expected = outputs_of(dataclasses.replace(model, input_noise=None), moved, INPUTS[example : example + 1], None)
    found = outputs_of(model, params, INPUTS, KEYS)[example : example + 1]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("model", [*MODELS, Transformer(width=8, heads=2, mlp_width=12, form="merged")])
def test_output_scale_multiplies_the_outputs(model):
    params = params_of(model)
    scaled = dataclasses.replace(model, output_scale=2.5)
    np.testing.assert_allclose(
        outputs_of(scaled, params, INPUTS, None), 2.5 * outputs_of(model, params, INPUTS, None), rtol=1e-5
    )


def _moved(scale: float) -> tuple[np.ndarray, float]:
    """How far one step of descent moves the outputs, and the weights, of a network that is centred by hand."""
    model = MLP(width=50, bias=True, output_scale=scale)
    params = params_of(model)
    start = outputs_of(model, params, INPUTS, None)

    def loss(params):
        return jnp.mean((outputs_of(model, params, INPUTS, None) - start - jax.nn.one_hot(TABLE.targets, 7)) ** 2)

    after = jax.tree.map(lambda leaf, slope: leaf - 0.01 / scale**2 * slope, params, jax.grad(loss)(params))
    weights = jax.tree.map(lambda one, two: np.linalg.norm(one - two), params, after)
    return np.asarray(outputs_of(model, after, INPUTS, None) - start), sum(jax.tree.leaves(weights))


def test_a_lazy_network_moves_its_outputs_as_a_rich_one_and_its_weights_less():
    """Kumar et al. 2023: with learning rate / scale^2, one small step of descent moves outputs alike at every scale."""
    moves = {scale: _moved(scale) for scale in (1.0, 100.0)}
    np.testing.assert_allclose(moves[100.0][0], moves[1.0][0], atol=0.05 * np.abs(moves[1.0][0]).max())
    assert moves[100.0][1] == pytest.approx(moves[1.0][1] / 100, rel=0.02)


@pytest.mark.parametrize(("path", "size"), [("model.input_noise", 0.1), ("model.output_scale", 3)])
def test_a_size_is_swept_in_one_program_and_none_is_the_old_run(path, size):
    sweep = load(SWEEP | {"axes": {path: [None, size, 2 * size]}}, check=check_equal_runs)
    plain, first, second = (grid_orders(sweep)[index].run for index in range(3))
    assert run_id(plain) == grid_orders(load(SWEEP))[0].run_id
    assert jax.tree.structure(first) == jax.tree.structure(second) != jax.tree.structure(plain)


def test_noise_takes_a_seed_and_a_form_beside_it_does_nothing():
    noisy = SWEEP | {"model": {"kind": "mlp", "width": 8, "input_noise": 0.1}}
    assert load(noisy | {"axes": {"seeds.noise": [0, 1]}}, check=check_equal_runs).num_runs == 2
    with pytest.raises(SpecError, match=r"axes\.model\.form: changes nothing"):
        load(noisy | {"axes": {"model.form": ["tables", "plain"]}}, check=check_equal_runs)


def test_the_learning_rate_of_a_scale_is_zipped_with_it():
    zipped = {"zip": {"model.output_scale": [0.1, 1, 10], "optimizer.learning_rate": [1, 0.01, 0.0001]}}
    sweep = load(SWEEP | {"axes": zipped}, check=check_equal_runs)
    products = [
        run.model.output_scale**2 * run.optimizer.learning_rate for run in (order.run for order in grid_orders(sweep))
    ]
    assert sweep.num_runs == 3 and products == pytest.approx([0.01] * 3)
