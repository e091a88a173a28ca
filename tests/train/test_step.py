"""One update: what is frozen or masked, and what is never trained on."""

import dataclasses

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from grokjax.core.interfaces import Model, Optimizer
from grokjax.core.part import part
from grokjax.core.streams import substream
from grokjax.optimizers.adamw import AdamW
from grokjax.optimizers.grouped import Grouped
from grokjax.optimizers.sgd import SGD
from grokjax.reader.measured_steps import Cadence, MeasurePlan
from grokjax.reader.run import Minibatch, Run, StoredInit
from grokjax.regularizers.clip import Clip
from grokjax.regularizers.l2 import L2
from grokjax.tasks.modular_arithmetic import ModularArithmetic
from grokjax.train.attempt import attempt
from grokjax.train.feed import Feed
from grokjax.train.program import run_of
from grokjax.train.step import init, step

MEASURE = MeasurePlan(every=Cadence("every", 10), looks=Cadence("every", 10), what=())


@part
class TwoFactors(Model):
    """Outputs of an example are `scale * steep + gentle`: the gradient of `steep` is `scale` times the other."""

    scale: float = 100.0

    def init(self, key, signature):
        return {name: jnp.ones(signature.num_classes) for name in ("steep", "gentle")}

    def logits(self, prepared, inputs, signature, key):
        lean = jnp.arange(signature.num_classes) * 0.01
        outputs = self.scale * prepared["steep"] + prepared["gentle"] + lean
        return jnp.broadcast_to(outputs, (len(inputs), signature.num_classes))


def updated(run: Run, params) -> dict:
    """Parameters after one update from `params`."""
    signature = run.task.signature()
    feed = Feed(run, signature, [run.task], MEASURE, None, 10)
    values = feed.values(run, 0, params)
    program, tables = feed.program(1, 1), jax.tree.map(jnp.asarray, feed.tables)
    data, state = init(program, jax.tree.map(jnp.asarray, values), tables)
    leaves = [jnp.asarray(leaf) for leaf in values.leaves]
    return step(program, run_of(program, leaves), data, state, tables, jnp.int32(4)).params


@part
class InBfloat16(TwoFactors):
    """The same with outputs in another number format than the parameters."""

    def logits(self, prepared, inputs, signature, key):
        return super().logits(prepared, inputs, signature, key).astype(jnp.bfloat16)


START = {"steep": np.ones(5, np.float32), "gentle": np.ones(5, np.float32)}


@part
class AsksForTheLoss(Optimizer):
    """Moves every parameter by the loss that an update is told, gradients aside."""

    def transform(self):
        def update(updates, state, params=None, *, value):
            return jax.tree.map(lambda leaf: jnp.full_like(leaf, value), updates), state

        return optax.GradientTransformationExtraArgs(lambda params: optax.EmptyState(), update)


def run_with(**fields) -> Run:
    task = ModularArithmetic(modulus=5, train_fraction=0.6)
    return dataclasses.replace(Run(task=task, model=TwoFactors(), optimizer=SGD(learning_rate=1.0)), **fields)


@pytest.mark.parametrize("minibatch", [None, Minibatch(at_most=15)])
def test_a_network_may_answer_in_another_number_format_than_its_parameters(minibatch: Minibatch | None) -> None:
    moved = updated(run_with(model=InBfloat16(scale=1.0), minibatch=minibatch), START)
    expected = updated(run_with(model=TwoFactors(scale=1.0), minibatch=minibatch), START)
    for name, leaf in moved.items():
        assert leaf.dtype == np.float32
        np.testing.assert_allclose(leaf, expected[name], atol=0.01)
        assert np.abs(leaf - START[name]).max() > 0.05


def test_frozen_parameters_do_not_count_in_clipping() -> None:
    frozen = StoredInit(source="x#y", step=0, freeze=("steep",))
    free = updated(run_with(init=frozen), START)["gentle"] - START["gentle"]
    norm = float(np.linalg.norm(free))
    clipped = updated(run_with(init=frozen, regularizers=(Clip(max_norm=2 * norm),)), START)
    np.testing.assert_allclose(clipped["gentle"] - START["gentle"], free, rtol=1e-6)
    halved = updated(run_with(init=frozen, regularizers=(Clip(max_norm=norm / 2),)), START)
    np.testing.assert_allclose(halved["gentle"] - START["gentle"], free / 2, rtol=1e-5)


def test_zeros_that_are_held_do_not_count_in_clipping() -> None:
    pruned = {**START, "steep": np.zeros(5, np.float32)}
    moves = []
    for held in (
        StoredInit(source="x#y", step=0, mask=("steep",)),
        StoredInit(source="x#y", step=0, freeze=("steep",)),
    ):
        after = updated(run_with(init=held, regularizers=(Clip(max_norm=1e-3),)), pruned)
        moves.append(np.asarray(after["gentle"]) - pruned["gentle"])
    np.testing.assert_array_equal(*moves)
    assert np.linalg.norm(moves[0]) > 0.9e-3


def test_neither_decay_nor_a_projection_moves_frozen_parameters() -> None:
    @part
    class Shrink(Clip):
        def project(self, params):
            return jax.tree.map(lambda leaf: 0.5 * leaf, params)

    frozen = StoredInit(source="x#y", step=0, freeze=("steep",))
    run = run_with(init=frozen, optimizer=AdamW(weight_decay=3.0), regularizers=(Shrink(max_norm=1.0),))
    after = updated(run, START)
    np.testing.assert_array_equal(after["steep"], START["steep"])
    assert np.all(np.asarray(after["gentle"]) < 0.6)


def test_masked_zeros_stay_zero_and_other_parameters_move() -> None:
    pruned = {**START, "gentle": np.array([1, 0, 1, 0, 1], np.float32)}
    after = np.asarray(updated(run_with(init=StoredInit(source="x#y", step=0, mask=("gentle",))), pruned)["gentle"])
    assert np.all(after[[1, 3]] == 0) and np.all(after[[0, 2, 4]] != 1)


@part
class Prepared(TwoFactors):
    """What `prepare` returns may hold a plain number."""

    def prepare(self, params, signature):
        return {"factor": 1.0, **params}


def test_what_is_prepared_may_hold_a_plain_number() -> None:
    run = run_with(model=Prepared())
    assert updated(run, START).keys() == START.keys()
    feed = Feed(run, run.task.signature(), [run.task], MEASURE, None, 10)
    assert all(np.isfinite(one.seen["test/loss"]) for one in attempt(feed, feed.values(run), 1))


@part
class Overflowing(Model):
    """Infinite on some examples, which must not matter where these are not trained on."""

    def init(self, key, signature):
        return {"kernel": jax.random.normal(substream(key, 0), (signature.vocabulary, signature.num_classes)) * 0.1}

    def logits(self, prepared, inputs, signature, key):
        factor = jnp.where(inputs[:, 0] >= 3, jnp.float32(3e38) * 10, 1.0)
        return (prepared["kernel"][inputs[:, 0]] + prepared["kernel"].mean()) * factor[:, None]


def test_a_test_example_that_overflows_does_not_reach_the_gradient() -> None:
    task = ModularArithmetic(modulus=5, train_fraction=0.2)
    for seed in range(200):  # a split that trains on symbols below 3 only
        run = Run(task=task, model=Overflowing(), optimizer=SGD(learning_rate=0.1))
        run = dataclasses.replace(run, seeds=dataclasses.replace(run.seeds, split=seed))
        feed = Feed(run, task.signature(), [task], MEASURE, None, 10)
        values = feed.values(run)
        data, _ = init(feed.program(1, 1), jax.tree.map(jnp.asarray, values), jax.tree.map(jnp.asarray, feed.tables))
        train = np.asarray(data.split.order)[: int(data.n_train)]
        if np.all(task.table().inputs[train, 0] < 3):
            break
    else:
        pytest.fail("no such split")
    losses = [seen.loss for seen in attempt(feed, values, 5)][1:]
    assert np.all(np.isfinite(losses)) and losses[-1] < losses[0]


@pytest.mark.parametrize("grouped", [False, True])
def test_an_optimizer_that_asks_for_the_loss_gets_that_of_its_update_with_penalties(grouped):
    optimizer = AsksForTheLoss()
    if grouped:
        optimizer = Grouped(pattern="steep", matched=optimizer, rest=SGD(learning_rate=1.0))
    run = run_with(optimizer=optimizer, regularizers=(Clip(max_norm=0.1), L2(strength=0.3)))
    outputs = 100.0 + 1.0 + 0.01 * np.arange(5)
    labels = np.arange(5)  # 15 of 25 pairs are trained on: which ones decides the share of each class
    losses = np.log(np.exp(outputs - 101).sum()) - (outputs - 101)[labels]
    moved = updated(run, START)["steep"] - 1.0
    assert np.ptp(moved) == 0
    penalty = 0.5 * 0.3 * 10
    assert losses.min() + penalty < moved[0] < losses.max() + penalty
