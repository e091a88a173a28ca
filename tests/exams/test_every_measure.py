"""Does every measure give named finite arrays of fixed shape on some small run, and refuse the others in one line?

A measure may need a kind of task or network: it is examined on the first of `RUNS` that it does not refuse.
"""

import functools

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from grokjax.core.words import GROUPS
from grokjax.losses.mse import MSE
from grokjax.models.mlp import MLP
from grokjax.models.transformer import Transformer
from grokjax.optimizers.adamw import AdamW
from grokjax.reader.measured_steps import Cadence, MeasurePlan
from grokjax.reader.run import Run
from grokjax.tasks.modular_arithmetic import ModularArithmetic
from grokjax.tasks.modular_mixture import ModularMixture
from grokjax.tasks.symbol_addition import SymbolAddition
from grokjax.train import look
from grokjax.train.feed import Feed
from grokjax.train.program import Memorized
from grokjax.train.step import init

ADDITION = ModularArithmetic(modulus=7, label_noise=0.2)
RUNS = {
    "mlp": Run(task=ADDITION, model=MLP(width=8), optimizer=AdamW()),
    "transformer": Run(task=ADDITION, model=Transformer(width=8, heads=2), optimizer=AdamW()),
    "mixture": Run(task=ModularMixture(first="x+y", second="x*y", modulus=7), model=MLP(width=8), optimizer=AdamW()),
    "symbols": Run(
        task=SymbolAddition(symbols=6, train_size=15),
        model=MLP(width=8, encoding="summed", embedding=2),
        optimizer=AdamW(),
        loss=MSE(),
    ),
}


@functools.cache
def engine(name):
    """Program, tables and values of a run, and what its lane holds before the first update."""
    every, run = Cadence("every", 5), RUNS[name]
    feed = Feed(run, run.task.signature(), [run.task], MeasurePlan(every, every, ()), None, 5)
    program, (tables, values) = feed.program(1, 1), jax.tree.map(jnp.asarray, (feed.tables, feed.values(run)))
    data, state = jax.jit(functools.partial(init, program))(values, tables)
    return program, tables, values, data, state


def view_at(name, step, *lane):
    """The run with parameters made up as a smooth function of the step: the initial ones at step 0."""
    program, tables, values, data, state = engine(name)
    data, state = lane or (data, state)

    def moved(leaf):
        return leaf + 0.1 * step * jnp.cos(jnp.arange(leaf.size, dtype=leaf.dtype)).reshape(leaf.shape)

    memorized = Memorized(jnp.int32(0), state.params)
    state = state._replace(params=jax.tree.map(moved, state.params), step=step)
    seen = look.fit(program, values.leaves, data, state, tables)
    return look.view(program, values.leaves, data, state, seen, tables, memorized)


@functools.partial(jax.jit, static_argnames="name")
def measured(measure, name, step, *lane) -> dict[str, jax.Array]:
    return measure.measure(view_at(name, step, *lane))


def shapes(measure, name):
    """Shapes and types of what it gives on a run; of a refusal its one line."""
    *_, data, state = engine(name)
    try:
        found = jax.eval_shape(lambda *lane: measure.measure(view_at(name, jnp.int32(0), *lane)), data, state)
    except ValueError as refusal:
        return str(refusal)
    return {key: (value.shape, value.dtype) for key, value in found.items()}


@functools.cache
def first_run_of(measure):
    """The first run that it does not refuse."""
    return next(name for name in RUNS if isinstance(shapes(measure, name), dict))


@functools.cache
def seen_by(measure, step):
    """What it gives there."""
    name = first_run_of(measure)
    return jax.tree.map(np.asarray, measured(measure, name, jnp.int32(step), *engine(name)[-2:]))


def test_the_runs_have_every_group_and_every_class_in_train_and_test():
    split = engine("mlp")[-2].split
    assert set(np.asarray(split.group).tolist()) == set(range(len(GROUPS)))
    targets = ADDITION.table().targets
    assert all(len(set(targets[np.asarray(chosen)])) == 7 for chosen in (split.group < 2, split.group >= 2))


@pytest.mark.parametrize("name", RUNS)
def test_a_run_that_a_measure_cannot_look_at_is_refused_in_one_line(any_measure, name):
    found = shapes(any_measure, name)
    assert isinstance(found, dict) or (found.startswith("measure.what: ") and "\n" not in found)
    assert isinstance(found, dict) or any_measure.kind in found or "asks for activations named" in found


def test_names_are_a_group_and_a_name(any_measure):
    for name in RUNS:
        found = shapes(any_measure, name)
        if isinstance(found, dict):
            assert found and all(len(name.split("/")) >= 2 and all(name.split("/")) for name in found)


def test_values_are_finite_float32_or_int32(any_measure):
    for step in (0, 5):
        for name, value in seen_by(any_measure, step).items():
            assert value.dtype in (np.float32, np.int32), name
            assert np.isfinite(value).all(), name


def test_shapes_and_names_are_the_same_at_every_step_and_in_every_trace(any_measure):
    known = shapes(any_measure, first_run_of(any_measure))
    for step in (0, 1, 5):
        assert {name: (value.shape, value.dtype) for name, value in seen_by(any_measure, step).items()} == known


def test_a_measure_maps_over_runs(any_measure):
    name = first_run_of(any_measure)
    lanes = jax.tree.map(lambda leaf: jnp.stack([leaf] * 2), engine(name)[-2:])
    found = jax.eval_shape(jax.vmap(lambda *lane: any_measure.measure(view_at(name, 0, *lane))), *lanes)
    of_one = shapes(any_measure, name)
    assert {key: (value.shape, value.dtype) for key, value in found.items()} == {
        key: ((2, *shape), dtype) for key, (shape, dtype) in of_one.items()
    }
