"""What a measure gives on a real small run, as the engine shows it, and the arrays that a truth of its own needs."""

import dataclasses
import functools
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from grokjax.core.interfaces import Measure
from grokjax.reader.measured_steps import Cadence, MeasurePlan
from grokjax.reader.run import Run
from grokjax.train import look
from grokjax.train.executables import number_format
from grokjax.train.feed import Feed
from grokjax.train.memorized import nothing_memorized
from grokjax.train.step import init


class Shown(NamedTuple):
    """NumPy arrays of one run.

    Attributes:
      measured: what the measure gives.
      params: parameters that were looked at.
      initial: those before the first update.
      inputs, targets, labels: of the whole table.
      is_train: [example] bool.
      train: [train example] in train order.
    """

    measured: dict[str, np.ndarray]
    params: Any
    initial: Any
    inputs: np.ndarray
    targets: np.ndarray
    labels: np.ndarray
    is_train: np.ndarray
    train: np.ndarray


SAME = "the initial parameters"


def shown(run: Run, measure: Measure, params: Any = None) -> Shown:
    """The measure of a run with these parameters, or `SAME`; None for the initial ones moved by smooth numbers."""
    every = Cadence("every", 5)
    feed = Feed(run, run.task.signature(), [run.task], MeasurePlan(every, every, ()), None, 5)
    program = feed.program(1, 1)
    with number_format(program):
        tables, values = jax.tree.map(jnp.asarray, (feed.tables, feed.values(run)))
        data, state = jax.jit(functools.partial(init, program))(values, tables)
        now = state.params if params is SAME else jax.tree.map(moved, state.params) if params is None else params

        memorized = nothing_memorized(dataclasses.replace(program, measures=(measure,)), state.params)

        def measured(state: Any) -> dict[str, jax.Array]:
            return measure.measure(look.view(program, values.leaves, data, state, {}, tables, memorized))

        found = jax.jit(measured)(state._replace(params=jax.tree.map(jnp.asarray, now)))
    n_train = int(values.counts.n_train)
    arrays = (found, now, state.params, tables.inputs[0], tables.targets[0], data.split.labels)
    return Shown(
        *jax.tree.map(np.asarray, arrays),
        np.asarray(data.split.group) < 2,
        np.asarray(data.split.order)[:n_train],
    )


def moved(leaf: jax.Array) -> jax.Array:
    """A parameter with a smooth change of about a tenth."""
    return leaf + 0.1 * jnp.cos(jnp.arange(leaf.size, dtype=leaf.dtype)).reshape(leaf.shape)


def outputs_of_mlp(params: Any, inputs: np.ndarray, symbols: int) -> tuple[np.ndarray, np.ndarray]:
    """Hidden units and outputs of a one-hot ReLU network without biases, in float64 by its definition."""
    kernel, output = (np.asarray(params[name]["kernel"], np.float64) for name in ("hidden_0", "output"))
    hot = np.eye(symbols)[inputs[:, :2]].reshape(len(inputs), -1)
    units = np.maximum(hot @ kernel, 0.0)
    return units, units @ output


def cross_entropy(outputs: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """[example] in float64 by its definition."""
    return np.log(np.exp(outputs).sum(axis=1)) - outputs[np.arange(len(outputs)), labels]
