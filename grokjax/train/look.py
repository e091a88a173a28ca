"""What is seen of one run at one step: how well it fits, and the sweep's measures."""

import dataclasses
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from grokjax.core.activation_names import with_word
from grokjax.core.interfaces import Params, View
from grokjax.core.schedules import at_step
from grokjax.measures.fit import block_sums, cross_entropy, finish
from grokjax.plan.blocks import SHORTEST_BLOCK
from grokjax.reader.run import Run
from grokjax.train.centred import centred
from grokjax.train.gradient import laid_out, stood_up
from grokjax.train.memorized import memorized_params
from grokjax.train.program import Data, Memorized, Program, State, Tables, run_of
from grokjax.train.step import initial_params


def fit(program: Program, leaves: list[Any], data: Data, state: State, tables: Tables) -> dict[str, jax.Array]:
    """Losses and integer counts by group over the whole table, block by block; see `measures/fit.py`."""
    run = _seen_at(run_of(program, leaves), data, state.step)
    prepared = _prepared(program, run, state.params)
    num_examples = program.signature.num_examples

    def sums_of(index: jax.Array) -> dict[str, jax.Array]:
        position = index * program.look_examples + jnp.arange(program.look_examples, dtype=jnp.int32)
        example = jnp.minimum(position, num_examples - 1)
        targets = tables.targets[data.table, example]
        labels = data.split.labels[example]
        outputs = run.model.logits(prepared(), tables.inputs[data.table, example], program.signature, None)
        return block_sums(
            outputs,
            labels,
            data.split.group[example],
            position < num_examples,
            run.task.correct(outputs, labels),
            run.task.correct(outputs, targets),
            run.loss.loss(outputs, labels),
        )

    blocks = -(-num_examples // program.look_examples)
    zeros = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), jax.eval_shape(sums_of, jnp.int32(0)))
    total = jax.lax.fori_loop(0, blocks, lambda index, sums: jax.tree.map(jnp.add, sums, sums_of(index)), zeros)
    return finish(total)


def _prepared(program: Program, run: Run, params: Params) -> Callable[[], Any]:
    """What the model makes of its parameters, laid out as in a step; called where it is used."""
    prepared = jax.tree.map(jnp.asarray, run.model.prepare(params, program.signature))
    laid = jax.lax.optimization_barrier(jax.tree.map(laid_out, prepared))
    return lambda: jax.tree.map(stood_up, laid, prepared)


def measure(
    program: Program,
    leaves: list[Any],
    data: Data,
    state: State,
    seen: dict[str, jax.Array],
    tables: Tables,
    memorized: Memorized | None,
) -> dict[str, jax.Array]:
    """Every measure of the sweep but `fit`, by name, and of a run in its lane the stage of its curriculum."""
    seen_run = view(program, leaves, data, state, seen, tables, memorized)
    measured: dict[str, jax.Array] = {}
    for part in at_step(program.measures, state.step):
        measured |= {
            name: jnp.asarray(value) for name, value in part.measure(seen_run).items()
        }  # names differ: `reader/check.py`
    return measured if state.course is None else measured | {"curriculum/stage": state.course.stage}


def view(
    program: Program,
    leaves: list[Any],
    data: Data,
    state: State,
    seen: dict[str, jax.Array],
    tables: Tables,
    memorized: Memorized | None,
) -> View:
    """What a measure may look at, of a run in its lane or of stored parameters put into a `State`; traced.

    Args:
      seen: of `fit`.
      memorized: of this look and those before; None where it is not kept.
    """
    run = run_of(program, leaves)
    now = _seen_at(run, data, state.step)
    inputs = tables.inputs[data.table]
    return View(
        params=state.params,
        opt_state=state.opt_state,
        step=state.step,
        split=data.split,
        inputs=inputs,
        targets=tables.targets[data.table],
        n_train=data.n_train,
        apply=lambda params, asked: _outputs(
            program,
            now,
            params,
            len(asked),
            lambda row: tables.inputs[data.table, row] if asked is inputs else asked[row],
        ),
        train_loss=lambda params: _train_loss(program, now, data, params, tables),
        initial_params=lambda: initial_params(program, run, data),
        fit=seen,
        signature=program.signature,
        loss=now.loss.loss,
        inside=lambda params, asked, word: _activations(program, now, params, asked, word),
        memorized_params=memorized_params(memorized),
    )


def outputs_at(
    program: Program, leaves: list[Any], data: Data, step: jax.Array, params: Params, inputs: jax.Array
) -> jax.Array:
    """Outputs [example, class] on any inputs [example, ...] of the network that a run is at a step; traced."""
    run = _seen_at(run_of(program, leaves), data, step)
    return _outputs(program, run, params, len(inputs), lambda row: inputs[row])


def losses_at(program: Program, leaves: list[Any], step: jax.Array, outputs: jax.Array, labels: jax.Array) -> jax.Array:
    """The loss [example] that a run trains at a step; traced."""
    return at_step(run_of(program, leaves).loss, step).loss(outputs, labels)


def _seen_at(run: Run, data: Data, step: jax.Array) -> Run:
    """The run and its network, with the schedules of what a look reads replaced by their values at a step."""
    task, model, loss = at_step((run.task, run.model, run.loss), step)
    return centred(dataclasses.replace(run, task=task, model=model, loss=loss), data.initial)


def _blocks(program: Program, num_rows: int) -> jax.Array:
    """[block, row] int32, rows from 0 on; those of the last block may go beyond `num_rows`."""
    length = program.look_examples if num_rows >= SHORTEST_BLOCK else num_rows  # one example is not computed 128 times
    blocks = -(-num_rows // length)
    return jnp.arange(blocks * length, dtype=jnp.int32).reshape(blocks, length)


def _outputs(
    program: Program, run: Run, params: Params, num_rows: int, inputs_of: Callable[[jax.Array], jax.Array]
) -> jax.Array:
    """Outputs [row, class] of as many rows of inputs, in blocks."""
    prepared = _prepared(program, run, params)

    def outputs_of(row: jax.Array) -> jax.Array:
        return run.model.logits(prepared(), inputs_of(row), program.signature, None)

    outputs = jax.lax.map(outputs_of, jnp.minimum(_blocks(program, num_rows), num_rows - 1))
    return outputs.reshape((-1, *outputs.shape[2:]))[:num_rows]


def _activations(program: Program, run: Run, params: Params, inputs: jax.Array, word: str) -> dict[str, jax.Array]:
    """Named activations [row, ...] of inputs, in blocks; those that the word does not name leave no block."""
    num_rows = len(inputs)

    def activations_of(row: jax.Array) -> dict[str, jax.Array]:
        return with_word(run.model.activations(params, inputs[row], program.signature), word)

    named = jax.lax.map(activations_of, jnp.minimum(_blocks(program, num_rows), num_rows - 1))
    return {name: values.reshape((-1, *values.shape[2:]))[:num_rows] for name, values in named.items()}


def _train_loss(program: Program, run: Run, data: Data, params: Params, tables: Tables) -> jax.Array:
    """Mean loss over the train set, in blocks; where it is differentiated, a block at a time is held in memory."""
    prepared = _prepared(program, run, params)

    @jax.checkpoint
    def sum_of(position: jax.Array) -> jax.Array:
        # Of the train set alone: 0 times infinity is not 0.
        example = data.split.order[jnp.minimum(position, data.n_train - 1)]
        outputs = run.model.logits(prepared(), tables.inputs[data.table, example], program.signature, None)
        losses = run.loss.loss(outputs, data.split.labels[example])
        return jnp.sum(jnp.where(position < data.n_train, losses, 0.0))

    blocks = _blocks(program, program.signature.num_examples)
    return jnp.sum(jax.lax.map(sum_of, blocks)) / data.n_train.astype(program.dtype)


def train_loss_at_most(
    program: Program, leaves: list[Any], data: Data, state: State, most: jax.Array, tables: Tables
) -> jax.Array:
    """Mean cross-entropy over the train set, in nats, labels as given; infinity if it is above `most`.

    Blocks are walked only until their sum is sure to be above it: no example has a loss below 0.
    """
    run = _seen_at(run_of(program, leaves), data, state.step)
    prepared = _prepared(program, run, state.params)
    limit = most * data.n_train.astype(most.dtype)

    def is_open(walked: tuple[jax.Array, jax.Array]) -> jax.Array:
        return (walked[0] < data.n_train) & (walked[1] <= limit)

    def add_block(walked: tuple[jax.Array, jax.Array]) -> tuple[jax.Array, jax.Array]:
        position = walked[0] + jnp.arange(program.look_examples, dtype=jnp.int32)
        example = data.split.order[jnp.minimum(position, data.n_train - 1)]
        outputs = run.model.logits(prepared(), tables.inputs[data.table, example], program.signature, None)
        losses = cross_entropy(outputs, data.split.labels[example])
        added = jnp.sum(jnp.where(position < data.n_train, losses, 0.0), dtype=walked[1].dtype)
        return walked[0] + program.look_examples, walked[1] + added

    _, total = jax.lax.while_loop(is_open, add_block, (jnp.zeros((), jnp.int32), jnp.zeros((), most.dtype)))
    return jnp.where(total <= limit, total / data.n_train.astype(most.dtype), jnp.inf)
