"""The one file that maps over runs: blocks of lanes walked by `lax.map`, lanes inside a block mapped by `vmap`.

Everything else in `train/` is written for one run. A segment trains every lane up to its own limit; a lane at an event
(a look, an epoch, its end) is served before the block goes on: which steps are looked at never depends on neighbours.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp

from grokjax.train import look
from grokjax.train import step as one
from grokjax.train.curriculum import of_stage
from grokjax.train.gradient import num_blocks
from grokjax.train.lane import is_due, needs_measures, steps_to_event, write_down
from grokjax.train.memorized import remembered
from grokjax.train.program import Book, Lane, Program, Schedule, State, Tables, all_finite, run_of

FREE_SHARE = 16  # a segment returns once more than 1/16 of a block's lanes are free and runs are waiting
LOOK_SCOPE = "looks"  # what profiles call the operations of a look
LOOK_SHARE = 8  # at most 1/8 of a block's lanes are looked at together: looking needs more memory than a step


def over_lanes(function: Callable[..., Any], lanes: int) -> Callable[..., Any]:
    """Map a one-run function over the leading axis [lane] of its arguments.

    One lane is not mapped at all: `vmap` over an axis of length one gives other kernels than the plain function.
    """
    if lanes > 1:
        return jax.vmap(function)

    def single(*arguments: Any) -> Any:
        result = function(*jax.tree.map(lambda leaf: leaf[0], arguments))
        return jax.tree.map(lambda leaf: jnp.asarray(leaf)[None], result)

    return single


def looked_at_together(program: Program) -> int:
    """Lanes of a block that are looked at in one pass."""
    return max(1, program.block_lanes // LOOK_SHARE)


def segment(
    program: Program, lanes: Lane, until: jax.Array, is_queued: jax.Array, tables: Tables, schedule: Schedule
) -> tuple[Lane, jax.Array]:
    """Train every active lane up to its limit.

    Args:
      lanes: batched state, leading axis [lane].
      until: [lane] int32, the step up to which a lane may be trained.
      is_queued: whether runs wait for a lane (then the segment returns early to be refilled).

    Returns:
      The lanes, and [block] int32 steps that each block of lanes executed.
    """
    blocks = until.shape[0] // program.block_lanes

    def split(leaf: jax.Array) -> jax.Array:
        return leaf.reshape((blocks, program.block_lanes, *leaf.shape[1:]))

    def advance(block: tuple[Lane, jax.Array]) -> tuple[Lane, jax.Array]:
        return _advance(program, block[0], block[1], is_queued, tables, schedule)

    lanes, executed = jax.lax.map(advance, jax.tree.map(split, (lanes, until)))
    return jax.tree.map(lambda leaf: leaf.reshape((-1, *leaf.shape[2:])), lanes), executed


def _advance(
    program: Program, block: Lane, until: jax.Array, is_queued: jax.Array, tables: Tables, schedule: Schedule
) -> tuple[Lane, jax.Array]:
    """One block of lanes, leading axis [lane], up to its limits."""
    due = over_lanes(lambda state, book: is_due(state, book, schedule), program.block_lanes)

    def has_work(carry: tuple[Lane, jax.Array]) -> jax.Array:
        block, _ = carry
        waits = jnp.any(due(block.state, block.book) | (block.book.active & (block.state.step < until)))
        num_free = jnp.sum(~block.book.active)
        return waits & ~(is_queued & (num_free > program.block_lanes // FREE_SHARE))

    def serve_and_train(carry: tuple[Lane, jax.Array]) -> tuple[Lane, jax.Array]:
        block, executed = carry
        block = _serve_looks(program, block, due, tables, schedule)
        block = _serve_epochs(program, block)
        can = block.book.active & (block.state.step < until)
        block, steps = _stretch(program, block, can, until, tables, schedule)
        return block, executed + steps

    return jax.lax.while_loop(has_work, serve_and_train, (block, jnp.zeros((), jnp.int32)))


def _serve_looks(program: Program, block: Lane, due: Callable, tables: Tables, schedule: Schedule) -> Lane:
    """Look at the lanes that are due, a few at a time."""
    together = looked_at_together(program)

    @jax.named_scope(LOOK_SCOPE)
    def look_at(chosen: Lane, is_real: jax.Array) -> Book:
        def fit(lane: Lane) -> dict[str, jax.Array]:
            return look.fit(program, lane.leaves, lane.data, lane.state, tables)

        def measure(lane: Lane, seen: dict[str, jax.Array]) -> dict[str, jax.Array]:
            memorized = remembered(lane.book.memorized, lane.state, seen)
            return look.measure(program, lane.leaves, lane.data, lane.state, seen, tables, memorized)

        def is_needed(lane: Lane, seen: dict[str, jax.Array]) -> jax.Array:
            return needs_measures(program, lane.state, lane.book, seen, schedule)

        def write(lane: Lane, seen: dict[str, jax.Array], measured: dict[str, jax.Array]) -> Book:
            return write_down(program, lane.state, lane.book, seen, measured, schedule)

        seen = over_lanes(fit, together)(chosen)
        shapes = jax.eval_shape(over_lanes(measure, together), chosen, seen)
        measured = jax.lax.cond(
            jnp.any(over_lanes(is_needed, together)(chosen, seen) & is_real),
            over_lanes(measure, together),
            lambda *_: jax.tree.map(lambda leaf: jnp.zeros(leaf.shape, leaf.dtype), shapes),
            chosen,
            seen,
        )
        return over_lanes(write, together)(chosen, seen, measured)

    def serve(block: Lane) -> Lane:
        index = jnp.nonzero(due(block.state, block.book), size=together, fill_value=program.block_lanes)[0]
        chosen = jax.tree.map(lambda leaf: leaf.at[index].get(mode="clip"), block)
        book = look_at(chosen, index < program.block_lanes)
        return block._replace(
            book=jax.tree.map(lambda leaf, new: leaf.at[index].set(new, mode="drop"), block.book, book)
        )

    def any_due(block: Lane) -> jax.Array:
        return jnp.any(due(block.state, block.book))

    if program.block_lanes == 1:
        # Not a loop: XLA moves the look, which no loop over it changes, in front of the loop: also where none is due.
        return block._replace(
            book=jax.lax.cond(any_due(block), lambda: look_at(block, jnp.ones((1,), bool)), lambda: block.book)
        )
    return jax.lax.while_loop(any_due, serve, block)


def _serve_epochs(program: Program, block: Lane) -> Lane:
    """Draw the order of the epoch for the lanes at which one starts."""
    if block.state.order is None:
        return block
    starts = over_lanes(one.is_epoch_start, program.block_lanes)(block.data, block.state)
    starts = starts & block.book.active

    def shuffle(state: State) -> State:
        def of_lane(leaves: list, data: Any, state: State) -> State:
            return one.shuffle(run_of(program, leaves), data, state)

        return _choose(starts, over_lanes(of_lane, program.block_lanes)(block.leaves, block.data, state), state)

    return block._replace(state=jax.lax.cond(jnp.any(starts), shuffle, lambda state: state, block.state))


class _Search(NamedTuple):
    """How far the lanes of a block came in a stretch; leading axis [lane].

    Attributes:
      state: the furthest that is finite.
      behind: int32, updates that lead there.
      limit: int32, fewest updates that are known to leave a number non-finite; more than the stretch has for none.
    """

    state: State
    behind: jax.Array
    limit: jax.Array


def _stretch(
    program: Program, block: Lane, can: jax.Array, until: jax.Array, tables: Tables, schedule: Schedule
) -> tuple[Lane, jax.Array]:
    """Train the lanes that can be trained up to the nearest event among them.

    A lane that ends the stretch non-finite keeps its last finite state, found by halving: a guard at every update is
    dear, and a second loop with one makes the program half as large again. No other lane's bits change.
    """

    def room(data: Any, state: State, book: Book, until: jax.Array) -> jax.Array:
        event = jnp.minimum(steps_to_event(state, book, schedule), until - state.step)
        return event if state.order is None else jnp.minimum(event, one.next_epoch(data, state) - state.step)

    rooms = over_lanes(room, program.block_lanes)(block.data, block.state, block.book, until)
    steps = jnp.where(jnp.any(can), _least(rooms, can), 0)
    update = _update(program, block, can, tables)

    def is_open(search: _Search) -> jax.Array:
        return can & (search.limit - search.behind > 1)

    def go_on(search: _Search) -> _Search:
        searched = is_open(search)
        whole, half = steps - search.behind, (search.limit - search.behind) // 2
        count = _least(jnp.where(search.limit > steps, whole, half), searched)
        after = jax.lax.fori_loop(0, count, lambda _, state: update(state), search.state)
        # Without the barrier XLA puts the whole judgement into the copying of each array.
        is_healthy = jax.lax.optimization_barrier(over_lanes(_is_healthy, program.block_lanes)(after))
        reached = search.behind + count
        return _Search(
            state=_choose(searched & is_healthy, after, search.state),
            behind=jnp.where(searched & is_healthy, reached, search.behind),
            limit=jnp.where(searched & ~is_healthy, reached, search.limit),
        )

    start = _Search(block.state, jnp.zeros_like(until), jnp.full_like(until, steps + 1))
    end = jax.lax.while_loop(lambda search: jnp.any(is_open(search)), go_on, start)
    sick = can & (end.limit <= steps)
    book = block.book._replace(
        diverged_at=jnp.where(sick, end.state.step + 1, block.book.diverged_at),
        stop=jnp.where(sick, end.state.step, block.book.stop),
    )
    return block._replace(state=end.state, book=book), steps


def _least(numbers: jax.Array, counts: jax.Array) -> jax.Array:
    """The least of those that count; the largest int32 if none does."""
    return jnp.min(jnp.where(counts, numbers, jnp.iinfo(jnp.int32).max))


def _update(program: Program, block: Lane, can: jax.Array, tables: Tables) -> Callable[[State], State]:
    """One update of every lane of a block."""
    most_blocks = num_blocks(program, jnp.max(jnp.where(can, block.data.minibatch, 0)))

    def needed_blocks(state: State) -> jax.Array:
        """A stage of a curriculum is walked alone."""
        if state.course is None:
            return most_blocks
        trained = over_lanes(of_stage, program.block_lanes)(block.data, state).n_train
        return num_blocks(program, jnp.max(jnp.where(can, jnp.minimum(trained, block.data.minibatch), 0)))

    def update(state: State) -> State:
        blocks = needed_blocks(state)

        def of_lane(leaves: list, data: Any, state: State) -> State:
            return one.step(program, run_of(program, leaves), data, state, tables, blocks)

        return over_lanes(of_lane, program.block_lanes)(block.leaves, block.data, state)

    return update


def _is_healthy(state: State) -> jax.Array:
    return all_finite((state.params, state.opt_state))


def _choose(condition: jax.Array, new: Any, old: Any) -> Any:
    """Lane by lane `new` where the condition holds, else `old`; leading axis [lane]."""

    def choose(left: jax.Array, right: jax.Array) -> jax.Array:
        return jnp.where(condition.reshape((-1,) + (1,) * (left.ndim - 1)), left, right)

    return jax.tree.map(choose, new, old)


def place(lanes: Lane, index: jax.Array, lane: Lane) -> Lane:
    """The lanes with one of them replaced; an index outside changes nothing."""
    size = lanes.book.active.shape[0]
    index = jnp.where((index >= 0) & (index < size), index, size)
    return jax.tree.map(lambda leaf, new: leaf.at[index].set(new, mode="drop"), lanes, lane)


def take(lanes: Lane, index: jax.Array) -> Lane:
    """One lane of the lanes."""
    return jax.tree.map(lambda leaf: jax.lax.dynamic_index_in_dim(leaf, index, keepdims=False), lanes)
