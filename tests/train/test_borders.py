"""Is a part that gives another shape or number format refused where it enters the update?"""

import dataclasses

import jax
import jax.numpy as jnp
import optax
import pytest

from grokjax.core.interfaces import Loss, Optimizer
from grokjax.core.part import part
from grokjax.models.mlp import MLP
from grokjax.optimizers.adamw import AdamW
from grokjax.reader.measured_steps import Cadence, MeasurePlan
from grokjax.reader.run import Run
from grokjax.tasks.modular_arithmetic import ModularArithmetic
from grokjax.train.feed import Feed
from grokjax.train.step import init, step

RUN = Run(task=ModularArithmetic(modulus=7), model=MLP(width=8), optimizer=AdamW())


@part
class ColumnOfLosses(Loss):
    def loss(self, outputs, targets):
        return jnp.square(outputs).sum(axis=1, keepdims=True)


@part
class Widening(Optimizer):
    def transform(self):
        def update(updates, state, params=None):
            return updates, state + 0.5

        return optax.GradientTransformation(lambda params: jnp.zeros((), jnp.int32), update)


def first_update(run):
    feed = Feed(
        run, run.task.signature(), [run.task], MeasurePlan(Cadence("every", 9), Cadence("every", 9), ()), None, 9
    )
    program, values = feed.program(1, 1), feed.values(run)

    def updated(values, tables):
        data, state = init(program, values, tables)
        return step(program, run, data, state, tables, 1)

    return jax.eval_shape(updated, values, feed.tables)


def test_an_update_keeps_shapes_and_number_formats():
    assert {leaf.dtype for leaf in jax.tree.leaves(first_update(RUN).params)} == {jnp.dtype("float32")}


def test_a_loss_of_one_column_an_example_is_refused_in_place_of_summed_over_pairs():
    with pytest.raises(AssertionError, match="shape"):
        first_update(dataclasses.replace(RUN, loss=ColumnOfLosses()))


def test_an_optimizer_whose_state_becomes_another_number_format_is_refused():
    with pytest.raises(AssertionError, match="dtype"):
        first_update(dataclasses.replace(RUN, optimizer=Widening()))
