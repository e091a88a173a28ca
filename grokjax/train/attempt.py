"""One run without lanes, step by step: what `grokjax try` shows before hundreds of runs are started."""

from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from grokjax.core.parameter_paths import path_name
from grokjax.train import look
from grokjax.train.executables import number_format
from grokjax.train.feed import Feed
from grokjax.train.gradient import num_blocks
from grokjax.train.memorized import nothing_memorized, remembered
from grokjax.train.program import Data, Program, State, Tables, Values, run_of
from grokjax.train.step import init, is_epoch_start, shuffle, step
from grokjax.train.stop import aside


class Attempt(NamedTuple):
    """What was seen at one step.

    Attributes:
      step: updates done.
      loss: trained loss of the last update, NaN before the first.
      seen: what `fit` gives.
      measured: what the sweep's measures give.
    """

    step: int
    loss: float
    seen: dict[str, np.ndarray]
    measured: dict[str, np.ndarray]


class Shapes(NamedTuple):
    """Shapes and types of everything that a run is made of."""

    inputs: tuple[Any, ...]
    targets: tuple[Any, ...]
    params: dict[str, tuple[Any, ...]]
    n_train: int
    n_test: int


def shapes(feed: Feed, values: Values) -> Shapes:
    """Shapes of one run; errors of the user's own parts come from here as they are."""
    program = feed.program(1, 1)
    with number_format(program):
        _, state = jax.eval_shape(partial(init, program), values, feed.tables)
    params = {
        path_name(path): (leaf.shape, leaf.dtype) for path, leaf in jax.tree_util.tree_leaves_with_path(state.params)
    }
    n_train, total = int(values.counts.n_train), program.signature.num_examples
    tables = feed.tables
    return Shapes(
        (tables.inputs.shape[1:], tables.inputs.dtype),
        (tables.targets.shape[1:], tables.targets.dtype),
        params,
        n_train,
        total - n_train,
    )


def attempt(feed: Feed, values: Values, steps: int, times: int = 10) -> Iterator[Attempt]:
    """Train one run for `steps` updates and look at it about `times` times."""
    program = feed.program(1, 1)
    with number_format(program):
        tables = jax.tree.map(jnp.asarray, feed.tables)
        values = jax.tree.map(jnp.asarray, values)
        (begin,) = aside([jax.jit(partial(init, program)).lower(values, tables).compile])
        data, state = begin(values, tables)
        blocks = num_blocks(program, data.minibatch)
        lowered = [
            jax.jit(lambda data, state: _one_step(program, values, data, state, tables, blocks)).lower(data, state),
            jax.jit(lambda data, state: _see(program, values, data, state, tables)).lower(data, state),
        ]
        train, see = aside([function.compile for function in lowered])
        shown = set(np.linspace(0, steps, times + 1).astype(int).tolist())
        for done in range(steps + 1):
            if done in shown:
                seen, measured = jax.tree.map(np.asarray, see(data, state))
                yield Attempt(done, float(state.loss), seen, measured)
            if done < steps:
                state = train(data, state)


def _one_step(program: Program, values: Values, data: Data, state: State, tables: Tables, blocks: jax.Array) -> State:
    run = run_of(program, values.leaves)
    if state.order is not None:
        state = jax.lax.cond(
            is_epoch_start(data, state), lambda current: shuffle(run, data, current), lambda current: current, state
        )
    return step(program, run, data, state, tables, blocks)


def _see(program: Program, values: Values, data: Data, state: State, tables: Tables) -> tuple[dict, dict]:
    seen = look.fit(program, values.leaves, data, state, tables)
    memorized = remembered(nothing_memorized(program, state.params), state, seen)
    return seen, look.measure(program, values.leaves, data, state, seen, tables, memorized)
