"""What is seen of one run at one step: how well it fits, and the sweep's measures."""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from grokjax.core.interfaces import Params, View
from grokjax.core.schedules import at_step
from grokjax.measures.fit import block_sums, finish
from grokjax.spec.run import Run
from grokjax.train.gradient import laid_out, stood_up
from grokjax.train.program import Data, Program, State, Tables, run_of
from grokjax.train.step import initial_params


def fit(program: Program, leaves: list[Any], data: Data, params: Params, tables: Tables) -> dict[str, jax.Array]:
    """Losses and integer counts by group over the whole table, block by block; see `measures/fit.py`."""
    run = run_of(program, leaves)
    prepared = _prepared(program, run, params)
    num_examples = program.signature.num_examples

    def sums_of(index: jax.Array) -> dict[str, jax.Array]:
        place = index * program.look_rows + jnp.arange(program.look_rows, dtype=jnp.int32)
        example = jnp.minimum(place, num_examples - 1)
        targets = tables.targets[data.table, example]
        labels = data.split.labels[example]
        outputs = run.model.logits(prepared(), tables.inputs[data.table, example], program.signature, None)
        return block_sums(
            outputs,
            labels,
            data.split.group[example],
            place < num_examples,
            run.task.correct(outputs, labels),
            run.task.correct(outputs, targets),
            run.loss.loss(outputs, labels),
        )

    blocks = -(-num_examples // program.look_rows)
    zeros = jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), jax.eval_shape(sums_of, jnp.int32(0)))
    total = jax.lax.fori_loop(0, blocks, lambda index, sums: jax.tree.map(jnp.add, sums, sums_of(index)), zeros)
    return finish(total)


def _prepared(program: Program, run: Run, params: Params) -> Callable[[], Any]:
    """What the model makes of its parameters, laid out as in a step; called where it is used."""
    prepared = jax.tree.map(jnp.asarray, run.model.prepare(params, program.signature))
    laid = jax.lax.optimization_barrier(jax.tree.map(laid_out, prepared))
    return lambda: jax.tree.map(stood_up, laid, prepared)


def measure(
    program: Program, leaves: list[Any], data: Data, state: State, seen: dict[str, jax.Array], tables: Tables
) -> dict[str, jax.Array]:
    """Every measure of the sweep but `fit`, by name."""
    run = run_of(program, leaves)
    view = View(
        params=state.params,
        opt_state=state.opt_state,
        step=state.step,
        split=data.split,
        inputs=tables.inputs[data.table],
        targets=tables.targets[data.table],
        n_train=data.n_train,
        logits=lambda: _all_logits(program, leaves, data, state.params, tables),
        initial_params=lambda: initial_params(program, run, data),
        fit=seen,
    )
    found: dict[str, jax.Array] = {}
    for part in at_step(program.measures, state.step):
        found |= {
            name: jnp.asarray(value) for name, value in part.measure(view).items()
        }  # names differ: `spec/check.py`
    return found


def _all_logits(program: Program, leaves: list[Any], data: Data, params: Params, tables: Tables) -> jax.Array:
    """Outputs on the whole table, [example, class], in blocks of rows."""
    run = run_of(program, leaves)
    prepared = _prepared(program, run, params)
    num_examples = program.signature.num_examples
    blocks = -(-num_examples // program.look_rows)
    place = jnp.minimum(jnp.arange(blocks * program.look_rows, dtype=jnp.int32), num_examples - 1)

    def outputs_of(example: jax.Array) -> jax.Array:
        return run.model.logits(prepared(), tables.inputs[data.table, example], program.signature, None)

    outputs = jax.lax.map(outputs_of, place.reshape(blocks, program.look_rows))
    return outputs.reshape((-1, *outputs.shape[2:]))[:num_examples]
