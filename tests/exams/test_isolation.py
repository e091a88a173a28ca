"""A number that is none, planted in one lane: does any other lane change by a bit, whatever optimizer or regularizer?

Planted in the parameters, in the optimizer's moments, in the gradient (by a regularizer of our own) and in the inputs.
"""

import dataclasses
import itertools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest

from grokjax.core.interfaces import Regularizer
from grokjax.core.part import Part, Swept, part, setting
from grokjax.losses.cross_entropy import CrossEntropy
from grokjax.models.mlp import MLP
from grokjax.optimizers.adamw import AdamW
from grokjax.reader.measured_steps import Cadence, MeasurePlan
from grokjax.reader.run import Run, Seeds
from grokjax.tasks.modular_arithmetic import ModularArithmetic
from grokjax.tasks.sparse_parity import SparseParity
from grokjax.train.devices import choose_pools
from grokjax.train.executables import Traced
from grokjax.train.feed import Feed
from grokjax.train.program import Lane
from grokjax.train.worker import LocalWorker
from tests.laws.same_bits import assert_same_bits

LANES, STEPS, CUT = 4, 12, 5
KINDS = (np.nan, np.inf, -np.inf)
PLACES = ("parameter", "moment", "gradient", "input")
VALUES = SparseParity(bits=4, relevant=2, examples=16, train_size=10)
SYMBOLS = ModularArithmetic(modulus=4)  # among which no number is none


def takes_values(regularizer: Regularizer) -> bool:
    """Whether it penalises, or leaves alone, outputs of inputs that are no symbols."""
    inputs = jnp.zeros((2, 4))
    try:
        regularizer.output_penalty(inputs, lambda inputs: inputs, inputs, VALUES.signature())
    except ValueError:
        return False
    return True


@part
class Planted(Regularizer):
    """Adds a number to every gradient: 0, or one that is none."""

    amount: Swept = setting(0.0, "what is added")

    def gradient(self) -> optax.GradientTransformation:
        return optax.stateless(lambda updates, _: jax.tree.map(lambda leaf: leaf + self.amount, updates))


class Cohort:
    """Four runs of one part, trained in two segments; between them a lane may be spoiled."""

    def __init__(self, optimizer: Part, regularizers: tuple[Part, ...], executor: str):
        task = VALUES if all(map(takes_values, regularizers)) else SYMBOLS
        self.base = Run(
            task=task,
            model=MLP(width=6, bias=True),
            optimizer=optimizer,
            loss=CrossEntropy(),
            regularizers=(*regularizers, Planted()),
        )
        measure = MeasurePlan(every=Cadence("every", 6), looks=Cadence("every", 3), what=())
        self.feed = Feed(self.base, task.signature(), [task, task], measure, None, STEPS)
        program = self.feed.program(LANES, 1 if executor == "map" else LANES)
        pool = choose_pools("cpu", "map")[0]
        compiled = Traced(program, pool).compile([pool], self.values(0), self.feed.tables, self.feed.schedule)[0]
        spoiled = np.array(self.feed.tables.inputs)
        self.executables = {}
        self.holds_values = is_float(spoiled)
        for kind in KINDS:  # only a lane that is pointed to the second table sees it
            if self.holds_values:
                spoiled[1] = kind
            tables = compiled.tables._replace(inputs=jax.device_put(spoiled.copy(), pool.replicated()))
            self.executables[str(kind)] = dataclasses.replace(compiled, tables=tables)

    def values(self, number: int):
        return self.feed.values(
            dataclasses.replace(self.base, seeds=Seeds(split=number, init=number, order=number, noise=number))
        )

    def train(self, kind: float = np.nan, victim: int | None = None, spoil: Callable[[Lane], Lane] | None = None):
        """Lanes after the last update; lane `victim` is spoiled after `CUT` updates."""
        worker = LocalWorker(self.executables[str(kind)])
        try:
            for lane in range(LANES):
                worker.fill(lane, lane, self.values(lane))
            worker.start_segment(np.full(LANES, CUT), False).result()
            if victim is not None:
                taken = worker.take(victim)
                worker.release(victim)
                worker.fill(victim, victim, spoil(taken))
            worker.start_segment(np.full(LANES, STEPS), False).result()
            return [worker.take(lane) for lane in range(LANES)]
        finally:
            worker.close()

    def spoiler(self, place: str, kind: float) -> Callable[[Lane], Lane] | None:
        """Plants a number; None where the part has no such place."""

        def spoil(lane: Lane) -> Lane:
            if place == "parameter":
                return lane._replace(state=lane.state._replace(params=planted(lane.state.params, kind)))
            if place == "moment":
                return lane._replace(state=lane.state._replace(opt_state=planted(lane.state.opt_state, kind)))
            if place == "input":
                return lane._replace(data=lane.data._replace(table=np.ones_like(lane.data.table)))
            return lane._replace(
                leaves=[
                    *lane.leaves[: self.amount],
                    full(lane.leaves[self.amount], kind),
                    *lane.leaves[self.amount + 1 :],
                ]
            )

        moments = self.executables[str(kind)].lane.state.opt_state
        has_place = {"moment": any(map(is_float, jax.tree.leaves(moments))), "input": self.holds_values}
        return spoil if has_place.get(place, True) else None

    @property
    def amount(self) -> int:
        """Place of the planted regularizer's number among the swept numbers of a run."""
        paths = [jax.tree_util.keystr(path) for path, _ in jax.tree_util.tree_leaves_with_path(self.base)]
        (found,) = [index for index, path in enumerate(paths) if path.endswith("amount")]
        return found


def is_float(leaf) -> bool:
    return jnp.issubdtype(leaf.dtype, jnp.floating)


def full(leaf, kind: float):
    return np.full_like(leaf, kind)


def planted(tree, kind: float):
    """The tree with one number of its first float leaf replaced."""
    leaves, structure = jax.tree.flatten(tree)
    first = next(index for index, leaf in enumerate(leaves) if is_float(leaf))
    leaves[first] = np.array(leaves[first])
    leaves[first].flat[0] = kind
    return jax.tree.unflatten(structure, leaves)


def check_isolation(cohort: Cohort, is_thorough: bool) -> None:
    """Plant each kind in each place, in every lane or in one of them in turn."""
    whole = cohort.train()
    assert all(lane.state.step == STEPS for lane in whole)
    ended = 0
    for number, (place, kind) in enumerate(itertools.product(PLACES, KINDS)):
        spoil = cohort.spoiler(place, kind)
        if spoil is None:
            continue
        for victim in range(LANES) if is_thorough else [(number + number // 4) % LANES]:
            beside = cohort.train(kind, victim, spoil)
            for lane in set(range(LANES)) - {victim}:
                assert_same_bits(whole[lane], beside[lane])
            ended += int(beside[victim].book.diverged_at > CUT)
            assert not same_weights(whole[victim], beside[victim]), f"{kind} in a {place} did nothing"
    assert ended  # most of them make a run diverge; infinity in a second moment need not


def same_weights(one: Lane, two: Lane) -> bool:
    pairs = zip(jax.tree.leaves(one.state.params), jax.tree.leaves(two.state.params), strict=True)
    return all(np.array_equal(left, right) for left, right in pairs)


def test_no_optimizer_lets_a_number_that_is_none_into_another_lane(any_optimizer) -> None:
    check_isolation(Cohort(any_optimizer, (), "vmap"), is_thorough=False)


def test_no_regularizer_lets_a_number_that_is_none_into_another_lane(any_regularizer) -> None:
    check_isolation(Cohort(AdamW(learning_rate=0.01), (any_regularizer,), "vmap"), is_thorough=False)


@pytest.mark.slow
@pytest.mark.parametrize("executor", ["map", "vmap"])
def test_no_optimizer_does_at_any_lane(any_optimizer, executor: str) -> None:
    check_isolation(Cohort(any_optimizer, (), executor), is_thorough=True)


@pytest.mark.slow
@pytest.mark.parametrize("executor", ["map", "vmap"])
def test_no_regularizer_does_at_any_lane(any_regularizer, executor: str) -> None:
    check_isolation(Cohort(AdamW(learning_rate=0.01), (any_regularizer,), executor), is_thorough=True)


def test_a_norm_over_all_lanes_would_be_noticed(monkeypatch) -> None:
    """The mistake that ruins all runs of a batch at once: one norm for all of them."""

    def clipped(updates, _):
        norm = jax.lax.psum(sum(jnp.sum(leaf**2) for leaf in jax.tree.leaves(updates)), "lanes")
        return jax.tree.map(lambda leaf: leaf / jnp.maximum(norm, 1.0), updates)

    monkeypatch.setattr(
        Planted,
        "gradient",
        lambda self: optax.chain(
            optax.stateless(lambda updates, _: jax.tree.map(lambda leaf: leaf + self.amount, updates)),
            optax.stateless(clipped),
        ),
    )
    map_over = jax.vmap
    monkeypatch.setattr(jax, "vmap", lambda function, **named: map_over(function, **named, axis_name="lanes"))
    with pytest.raises(AssertionError, match="differs"):
        check_isolation(Cohort(AdamW(learning_rate=0.01), (), "vmap"), is_thorough=False)
