"""Are masks learned that keep what was planted for an operation, and is what is told of them what NumPy says?"""

import dataclasses

import jax
import numpy as np
import pytest

from grokjax.core.streams import substreams
from grokjax.models.mlp import MLP
from grokjax.probes.operation_masks import OperationMasks, _overlaps, _sizes
from grokjax.probes.weight_masks import FIRST_LOGIT, Asked, learned, masked, reached, right, straight_through
from grokjax.reader.errors import SpecError
from grokjax.reader.sweep_file import load
from grokjax.tasks.modular_arithmetic import ModularArithmetic
from grokjax.tasks.modular_mixture import ModularMixture
from tests.probes.small_networks import network

MODULUS, SYMBOLS = 3, 5
TASK = ModularMixture(first="x+y", second="x-y", modulus=MODULUS)
TABLE = TASK.table()
PROBE = OperationMasks(penalties=(1e-4, 1e-3), updates=250, learning_rate=0.1, minibatch=32)
HALF = MODULUS**2


FIRST, SECOND = MODULUS, MODULUS + 1  # the operators
APART = [(0, number, SECOND) for number in range(MODULUS)] + [(2, number, FIRST) for number in range(MODULUS)]
SHARED = [(0, number, None) for number in range(MODULUS)]
X, Y = TABLE.inputs[:, 0], TABLE.inputs[:, 2]
IS_FIRST = TABLE.inputs[:, 1] == FIRST
WIDTH = len(APART)
MODEL = MLP(width=WIDTH, bias=True, output_bias=False)


def look_up(units):
    """One unit for each (place, number, operator that silences it): 4.5 where that number stands there, else 0.5."""
    first = np.zeros((3, SYMBOLS, WIDTH), np.float32)
    last = np.zeros((WIDTH, MODULUS), np.float32)
    for unit, (place, number, silencer) in enumerate(units):
        first[place, number, unit] = 4
        last[unit, number] = 1
        if silencer is not None:
            first[1, silencer, unit] = -8
    bias = np.full(WIDTH, 0.5, np.float32)
    return {"hidden_0": {"kernel": first.reshape(-1, WIDTH), "bias": bias}, "output": {"kernel": last}}


def planted(units, labels):
    """The first operation answers x; the second y by units of its own, or x by the same."""
    return network(MODEL, look_up(units), TASK, n_train=2 * HALF, labels=labels)


def told(values, name):
    return values[f"operation_masks/{name}"]


def test_operations_that_use_units_of_their_own_have_masks_that_share_nothing():
    values = PROBE.probe(planted(APART, np.where(IS_FIRST, X, Y)))
    assert told(values, "train_accuracy_unmasked") == 1
    assert told(values, "train_accuracy") == 1 and told(values, "accurate") == 1
    assert told(values, "train_accuracy_of_others") == pytest.approx(1 / 3)  # x and y are equal in three of nine pairs
    assert told(values, "union_overlap") == 0 and told(values, "minimum_overlap_by_layer").tolist() == [0, 0]
    assert told(values, "union_overlap_repeated") > 0.9
    assert told(values, "union_overlap_chance") > 0.01 and told(values, "shared") < 0
    kept = told(values, "kept_by_layer") * told(
        values, "weights"
    )  # [operation, layer]; those that silence others may go
    assert (kept <= MODULUS).all() and (kept >= MODULUS - 1).all()  # class 0 is answered where no unit is larger


def test_operations_that_share_all_units_have_the_same_mask():
    values = PROBE.probe(planted(SHARED, X))
    assert told(values, "train_accuracy") == 1
    assert told(values, "union_overlap") > 0.9 and told(values, "union_overlap_repeated") > 0.9
    assert told(values, "union_overlap_chance") < 0.5 and told(values, "shared") == pytest.approx(1, abs=0.2)


def test_the_same_network_gives_the_same_masks_and_a_run_of_other_seeds_draws_others():
    whole = network(MODEL, None, TASK, n_train=2 * HALF)
    probe = dataclasses.replace(PROBE, penalties=(0, 0))
    first, again = probe.probe(whole), probe.probe(whole)
    assert all(np.array_equal(first[name], again[name], equal_nan=True) for name in first)
    other = probe.probe(network(MODEL, None, TASK, n_train=2 * HALF, seed=1))
    assert told(other, "kept") != told(first, "kept")


def asked_of(whole, masks, operation=(0, 1, 1)):
    rows = np.stack([np.roll(np.arange(2 * HALF), -HALF * of).astype(np.int32) for of in operation])
    keys = substreams(whole.key, np.arange(3))
    every = Asked(rows, np.full(3, HALF, np.int32), np.float32([1e-3, 1e-3, 1e-2]), keys)
    return jax.tree.map(lambda leaf: leaf[np.array(masks)], every)


def masks_of(whole, masks, minibatch=16):
    asked = asked_of(whole, masks)
    return learned(whole.apply, whole.loss, whole.params, whole.inputs, whole.split.labels, asked, 0.1, 40, minibatch)


def test_a_mask_does_not_depend_on_those_that_are_learned_beside_it():
    whole = network(MODEL, None, TASK)
    together, alone, reversed_ = (masks_of(whole, masks) for masks in ([0, 1, 2], [1], [2, 1, 0]))
    for layer, own, other in zip(together, alone, reversed_, strict=True):
        np.testing.assert_array_equal(layer[1], own[0])
        np.testing.assert_array_equal(layer, other[::-1])
        assert layer.any() and not layer.all()


def test_accuracies_are_those_of_a_network_with_zeros_in_numpy():
    whole = network(MODEL, None, TASK, n_train=HALF)
    random = np.random.default_rng(0)
    masks = [random.random((2, *shape)) < 0.6 for shape in ((3 * SYMBOLS, WIDTH), (WIDTH, MODULUS))]
    is_right = right(whole.apply, whole.params, masks, whole.inputs, whole.split.labels)
    x, operator, y, _ = TABLE.inputs.T
    for mask in (0, 1):
        first = whole.params["hidden_0"]["kernel"] * masks[0][mask]
        hidden = first[x] + first[SYMBOLS + operator] + first[2 * SYMBOLS + y] + whole.params["hidden_0"]["bias"]
        outputs = np.maximum(hidden, 0) @ (whole.params["output"]["kernel"] * masks[1][mask])
        np.testing.assert_array_equal(is_right[mask], outputs.argmax(axis=1) == TABLE.targets)


def test_what_no_example_reaches_is_no_weight_to_keep():
    params = look_up(APART)
    params["hidden_0"]["bias"][0] = -100  # silent whatever comes in
    whole = network(MODEL, params, TASK)
    first, last = reached(whole.apply, whole.params, whole.inputs, whole.key)
    assert not first[:, 0].any() and not last[0].any() and last[1:].all()
    is_used = np.zeros((3, SYMBOLS), bool)
    is_used[[0, 2], :MODULUS] = is_used[1, MODULUS:] = True  # numbers at both sides of an operator
    assert not first[~is_used.ravel()].any()
    changes = [(row, unit) for row, unit in np.argwhere(np.asarray(first))]
    assert all(is_used.ravel()[row] for row, _ in changes) and np.asarray(first)[:, 1:].any(axis=0).all()


def test_the_smallest_mask_that_keeps_the_accuracy_is_taken_and_else_the_most_accurate():
    whole = planted(APART, np.where(IS_FIRST, X, Y))
    least = dataclasses.replace(PROBE, penalties=(1e-3, 1e-3)).probe(whole)
    both = dataclasses.replace(PROBE, penalties=(1e-3, 1e3)).probe(whole)  # 1e3 leaves nothing
    assert all(np.array_equal(least[name], both[name], equal_nan=True) for name in least)
    none = dataclasses.replace(PROBE, penalties=(1e3, 1e3)).probe(whole)
    assert told(none, "accurate") == 0 and told(none, "train_accuracy") == pytest.approx(1 / 3)


def test_a_mask_that_loses_its_operation_says_nothing_of_the_weights_that_are_needed():
    values = dataclasses.replace(PROBE, penalties=(1e3, 1e3)).probe(planted(APART, np.where(IS_FIRST, X, Y)))
    for name in (
        "kept",
        "kept_by_layer",
        "union_overlap",
        "union_overlap_by_layer",
        "minimum_overlap_chance",
        "shared",
    ):
        assert np.isnan(told(values, name)).all(), name
    layers = [np.ones((2, 2, 4), bool)]  # [operation, draw, weight]
    layers[0][0, 0] = False
    is_accurate = np.array([[False, True], [True, True]])
    sizes, overlaps = (part(layers, np.array([4]), is_accurate) for part in (_sizes, _overlaps))
    assert sizes["kept"] == 1 and overlaps["union_overlap"] == 1  # of the others alone


def test_a_gradient_passes_as_that_of_the_sigmoid_and_the_value_is_0_or_1():
    noisy = np.linspace(-3, 3, 14).astype(np.float32)
    values, slopes = jax.vmap(jax.value_and_grad(straight_through))(noisy)
    np.testing.assert_array_equal(values, noisy > 0)
    sigmoid = 1 / (1 + np.exp(-noisy))
    np.testing.assert_allclose(slopes, sigmoid * (1 - sigmoid), rtol=1e-5)
    assert FIRST_LOGIT == 1  # as published


def test_without_examples_or_other_draws_there_is_no_value_and_of_a_diverged_network_none_at_all():
    short = dataclasses.replace(PROBE, penalties=(1e-3,) * 4, draws=1)
    values = short.probe(planted(APART, np.where(IS_FIRST, X, Y)))
    assert np.isnan(told(values, "test_accuracy")) and np.isnan(told(values, "union_overlap_repeated"))
    whole = planted(APART, np.where(IS_FIRST, X, Y))
    params = masked(whole.params, [np.float32(np.nan), np.float32(1)])
    diverged = short.probe(dataclasses.replace(whole, params=jax.tree.map(np.asarray, params)))
    assert {name: np.shape(value) for name, value in diverged.items()} == {
        name: np.shape(value) for name, value in values.items()
    }
    assert all(np.isnan(value).all() for name, value in diverged.items() if name != "operation_masks/weights")


REFUSAL = r"measure\.what: operation_masks needs examples `x op y =` of two operations, as modular_mixture has them"


def test_a_task_of_one_operation_is_refused_before_anything_is_trained():
    words = {
        "name": "masks",
        "model": {"kind": "mlp", "width": 8},
        "optimizer": "adamw",
        "train": {"steps": 10},
        "seeds": 1,
    }
    measure = {"what": ["fit", {"kind": "operation_masks", "updates": 5}]}
    one = {"kind": "modular_arithmetic", "modulus": 7, "sequence": "x op y ="}
    with pytest.raises(SpecError, match=REFUSAL):
        load({**words, "task": one, "measure": measure}).check()
    load({**words, "task": {"kind": "modular_mixture", "modulus": 7}, "measure": measure}).check()


@pytest.mark.parametrize("penalties", [(), (1e-4, -1e-3)])
def test_penalties_that_select_nothing_are_refused(penalties):
    with pytest.raises(ValueError, match=r"^measure.what: operation_masks needs one penalty or more, none of them"):
        OperationMasks(penalties=penalties).check_task(TASK.signature())


def test_other_symbols_than_operators_between_numbers_are_refused():
    with pytest.raises(ValueError, match=REFUSAL):
        PROBE.probe(network(MLP(width=8), None, ModularArithmetic(modulus=7)))
    other = np.where(np.arange(4) == 1, 0, TABLE.inputs)
    with pytest.raises(ValueError, match=REFUSAL):
        PROBE.probe(dataclasses.replace(planted(APART, np.where(IS_FIRST, X, Y)), inputs=other))


def test_masks_are_over_matrices_alone():
    params = {"a": {"bias": np.ones(2), "kernel": np.ones((2, 2))}, "b": {"kernel": np.ones((2, 1))}}
    zeros = masked(params, [np.zeros((2, 2)), np.ones((2, 1))])
    assert zeros["a"]["bias"].all() and not zeros["a"]["kernel"].any() and zeros["b"]["kernel"].all()
