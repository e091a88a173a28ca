"""A lane's life: filled with a run, looked at, ended. Written for one lane."""

from typing import Any

import jax
import jax.numpy as jnp

from grokjax.train import look
from grokjax.train.look_names import pack
from grokjax.train.memorized import nothing_memorized, remembered
from grokjax.train.program import Book, Lane, Program, Schedule, State, Tables, Values
from grokjax.train.step import init
from grokjax.train.stop_rules import held_since, released_by


def fresh(program: Program, values: Values, tables: Tables) -> Lane:
    """A lane with a run before its first update."""
    data, state = init(program, values, tables)
    seen = jax.eval_shape(lambda: look.fit(program, values.leaves, data, state, tables))
    memorized = nothing_memorized(program, state.params)
    measured = jax.eval_shape(
        lambda: look.measure(program, values.leaves, data, state, _zeros(seen), tables, memorized)
    )
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
        since=jnp.full((len(program.stop_rules),), -1, jnp.int32),
        num_looks=jnp.zeros((), jnp.int32),
        num_rows=jnp.zeros((), jnp.int32),
        look_steps=jnp.full((look_places,), -1, jnp.int32),
        row_steps=jnp.full((row_places,), -1, jnp.int32),
        looks={kind: jnp.zeros((look_places, *entry.shape), entry.dtype) for kind, entry in packed.items()},
        rows={name: jnp.zeros((row_places, *shape.shape), shape.dtype) for name, shape in measured.items()},
        memorized=memorized,
    )
    return Lane(list(values.leaves), data, state, book)


def is_due(state: State, book: Book, schedule: Schedule) -> jax.Array:
    """Whether a lane must be looked at before it is trained on; bool scalar."""
    return book.active & ((state.step == schedule.steps[book.cursor]) | (state.step >= book.stop))


def steps_to_event(state: State, book: Book, schedule: Schedule) -> jax.Array:
    """Updates until the next look or the end; int32 scalar."""
    return jnp.minimum(schedule.steps[book.cursor], book.stop) - state.step


def needs_measures(
    program: Program, state: State, book: Book, seen: dict[str, jax.Array], schedule: Schedule
) -> jax.Array:
    """Whether this look must compute the sweep's measures: it is a row, or the run ends here; bool scalar."""
    since = held_since(program, state, book, seen, None, schedule)
    ends = (state.step >= book.stop) | jnp.any(released_by(program, state, book, since, schedule))
    return _is_row(book, state, schedule) | ends


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
    since = held_since(program, state, book, seen, measured, schedule)
    released = released_by(program, state, book, since, schedule)
    since = jnp.where(jnp.any(released) & ~released, -1, since)  # what is left says which condition ended the run
    ends = (state.step >= book.stop) | jnp.any(released)
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
        since=since,
        num_looks=book.num_looks + new_look,
        num_rows=book.num_rows + new_row,
        look_steps=look_steps,
        row_steps=row_steps,
        looks=looks,
        rows=rows,
        memorized=remembered(book.memorized, state, seen),
    )


def _is_row(book: Book, state: State, schedule: Schedule) -> jax.Array:
    return (state.step == schedule.steps[book.cursor]) & schedule.is_row[book.cursor]


def _append(
    buffers: dict[str, jax.Array],
    steps: jax.Array,
    count: jax.Array,
    wanted: jax.Array,
    step: jax.Array,
    entry: dict[str, jax.Array],
) -> tuple[dict[str, jax.Array], jax.Array]:
    """Buffers and their steps with one more entry where wanted; else it goes to the last place, which nobody reads."""
    index = jnp.where(wanted, count, steps.shape[0] - 1)

    def put(buffer: jax.Array, value: jax.Array) -> jax.Array:
        return jax.lax.dynamic_update_index_in_dim(buffer, value.astype(buffer.dtype), index, 0)

    return {name: put(buffer, entry[name]) for name, buffer in buffers.items()}, put(steps, step)


def _zeros(shapes: dict[str, Any]) -> dict[str, jax.Array]:
    return {name: jnp.zeros(shape.shape, shape.dtype) for name, shape in shapes.items()}
