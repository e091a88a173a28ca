"""A lane's life: filled with a run, looked at, ended. Written for one lane."""

import functools
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from grokjax.measures.fit import finish, no_rows
from grokjax.train import look
from grokjax.train.program import Book, Lane, Program, Schedule, State, Tables, Values
from grokjax.train.step import init

FEW_NOVEL = 100  # with fewer novel test examples, all of test decides what counts as generalized


def fresh(program: Program, values: Values, tables: Tables) -> Lane:
    """A lane with a run before its first update."""
    data, state = init(program, values, tables)
    seen = jax.eval_shape(lambda: look.fit(program, values.leaves, data, state, tables))
    measured = jax.eval_shape(lambda: look.measure(program, values.leaves, data, state, _zeros(seen), tables))
    packed = jax.eval_shape(pack, seen)
    # Two more places than the schedule: a run may end off schedule, and the last place takes what is not kept.
    look_places, row_places = program.num_looks + 2, program.num_rows + 2
    minus_one = jnp.full((), -1, jnp.int32)
    book = Book(
        active=jnp.ones((), bool),
        stop=jnp.asarray(values.stop, jnp.int32),
        diverged_at=minus_one,
        is_audited=jnp.asarray(values.is_audited, bool),
        cursor=jnp.zeros((), jnp.int32),
        since=minus_one,
        num_looks=jnp.zeros((), jnp.int32),
        num_rows=jnp.zeros((), jnp.int32),
        look_steps=jnp.full((look_places,), -1, jnp.int32),
        row_steps=jnp.full((row_places,), -1, jnp.int32),
        looks={kind: jnp.zeros((look_places, *entry.shape), entry.dtype) for kind, entry in packed.items()},
        rows={name: jnp.zeros((row_places, *shape.shape), shape.dtype) for name, shape in measured.items()},
    )
    return Lane(list(values.leaves), data, state, book)


@functools.cache
def look_names() -> dict[str, tuple[str, ...]]:
    """Names of a look's scalars: those that are whole numbers, those that are floats."""
    seen = jax.eval_shape(lambda: finish(no_rows()))
    whole = tuple(name for name, value in seen.items() if jnp.issubdtype(value.dtype, jnp.integer))
    return {"whole": whole, "float": tuple(name for name in seen if name not in whole)}


def pack(seen: dict[str, jax.Array]) -> dict[str, jax.Array]:
    """The scalars of a look as two vectors: one array is written in one operation, thirty are compiled as thirty."""
    return {kind: jnp.stack([seen[name] for name in names]) for kind, names in look_names().items()}


def unpack(looks: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Buffers [..., look, name] as arrays [..., look] by name; on the host."""
    return {name: looks[kind][..., place] for kind, names in look_names().items() for place, name in enumerate(names)}


def is_due(state: State, book: Book, schedule: Schedule) -> jax.Array:
    """Whether a lane must be looked at before it is trained on; bool scalar."""
    return book.active & ((state.step == schedule.steps[book.cursor]) | (state.step >= book.stop))


def steps_to_event(state: State, book: Book, schedule: Schedule) -> jax.Array:
    """Updates until the next look or the end; int32 scalar."""
    return jnp.minimum(schedule.steps[book.cursor], book.stop) - state.step


def needs_measures(program: Program, state: State, book: Book, schedule: Schedule) -> jax.Array:
    """Whether this look must compute the sweep's measures: scheduled, or the run may end here; bool scalar."""
    may_end = state.step >= book.stop
    if program.has_stop_rule:
        may_end = may_end | (book.since >= 0)
    return _is_row(book, state, schedule) | may_end


def write_down(
    program: Program,
    state: State,
    book: Book,
    seen: dict[str, jax.Array],
    measured: dict[str, jax.Array],
    schedule: Schedule,
) -> Book:
    """The book after a look: what was seen is written down, and the run may end here.

    Args:
      seen: of `look.fit`.
      measured: of `look.measure`; read only where `needs_measures` holds.
    """
    on_schedule = state.step == schedule.steps[book.cursor]
    since = jnp.where(_generalizes(seen), jnp.where(book.since < 0, book.cursor, book.since), -1)
    ends = state.step >= book.stop
    if program.has_stop_rule:
        released = (since >= 0) & (state.step >= schedule.release[jnp.maximum(since, 0)])
        ends = ends | (released & on_schedule & ~book.is_audited)
    new_look = on_schedule | (ends & (book.look_steps[book.num_looks - 1] != state.step))
    new_row = (_is_row(book, state, schedule) | ends) & (book.row_steps[book.num_rows - 1] != state.step)
    looks, look_steps = _append(book.looks, book.look_steps, book.num_looks, new_look, state.step, pack(seen))
    rows, row_steps = _append(book.rows, book.row_steps, book.num_rows, new_row, state.step, measured)
    return Book(
        active=book.active & ~ends,
        stop=jnp.where(ends, state.step, book.stop),
        diverged_at=book.diverged_at,
        is_audited=book.is_audited,
        cursor=jnp.minimum(book.cursor + on_schedule, program.num_looks - 1),
        since=jnp.where(on_schedule, since, book.since),
        num_looks=book.num_looks + new_look,
        num_rows=book.num_rows + new_row,
        look_steps=look_steps,
        row_steps=row_steps,
        looks=looks,
        rows=rows,
    )


def _is_row(book: Book, state: State, schedule: Schedule) -> jax.Array:
    return (state.step == schedule.steps[book.cursor]) & schedule.is_row[book.cursor]


def _generalizes(seen: dict[str, jax.Array]) -> jax.Array:
    """99 % of the novel test examples are right, by counts; of all test examples when few are novel."""
    few = seen["test_novel/n"] < FEW_NOVEL
    correct = jnp.where(few, seen["test/correct"], seen["test_novel/correct"])
    total = jnp.where(few, seen["test/n"], seen["test_novel/n"])
    return (100 * correct >= 99 * total) & (total > 0)


def _append(
    buffers: dict[str, jax.Array],
    steps: jax.Array,
    count: jax.Array,
    wanted: jax.Array,
    step: jax.Array,
    entry: dict[str, jax.Array],
) -> tuple[dict[str, jax.Array], jax.Array]:
    """Buffers and their steps with one more entry where wanted; else it goes to the last place, which nobody reads."""
    place = jnp.where(wanted, count, steps.shape[0] - 1)

    def put(buffer: jax.Array, value: jax.Array) -> jax.Array:
        return jax.lax.dynamic_update_index_in_dim(buffer, value.astype(buffer.dtype), place, 0)

    return {name: put(buffer, entry[name]) for name, buffer in buffers.items()}, put(steps, step)


def _zeros(shapes: dict[str, Any]) -> dict[str, jax.Array]:
    return {name: jnp.zeros(shape.shape, shape.dtype) for name, shape in shapes.items()}
