"""Since when has each condition of the stop rule held, and may the run end? Written for one lane.

`analysis/stopping.py` says the same of stored histories, in NumPy; the two must agree.
"""

from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from grokjax.reader.stop_plan import AT_LOOKS, UNSEEN, StopRule
from grokjax.train.look_names import unpack
from grokjax.train.program import Book, Program, Schedule, State

FEW_NOVEL = 100  # with fewer novel test examples, all of test decides what counts as generalized
THOUSANDTHS = 1000  # shares have three decimals, so counts are compared as whole numbers


def held_since(
    program: Program,
    state: State,
    book: Book,
    seen: Mapping[str, Any],
    measured: Mapping[str, Any] | None,
    schedule: Schedule,
) -> jax.Array:
    """[rule] int32, the look since which each condition has held without a break, this look included; -1 for none.

    Args:
      seen: scalars of this look.
      measured: the sweep's measures, read where this look is a row; None leaves conditions on them as they were.
    """
    on_schedule = state.step == schedule.steps[book.cursor]
    since = list(book.since)
    for index, rule in enumerate(program.stop_rules):
        at_look = rule.measure in (*AT_LOOKS, UNSEEN)
        is_known = on_schedule if at_look else on_schedule & schedule.is_row[book.cursor]
        named = seen if at_look else measured
        if named is None:
            continue
        if rule.test == "no_new":
            begins = _is_new_best(rule, book, since[index], named, schedule)
            now = jnp.where(begins, book.cursor, since[index])
        else:
            holds = _holds(rule, named)
            now = jnp.where(holds, jnp.where(since[index] < 0, book.cursor, since[index]), -1)
        since[index] = jnp.where(is_known, now, since[index])
    return jnp.stack(since).astype(jnp.int32)


def released_by(program: Program, state: State, book: Book, since: jax.Array, schedule: Schedule) -> jax.Array:
    """[rule] bool, whether each condition has held for long enough at this look."""
    is_long = state.step >= schedule.release[jnp.arange(len(program.stop_rules)), jnp.maximum(since, 0)]
    on_schedule = state.step == schedule.steps[book.cursor]
    return (since >= 0) & is_long & on_schedule & ~book.is_audited


def _holds(rule: StopRule, named: Mapping[str, Any]) -> jax.Array:
    if not rule.is_share:
        value = named[rule.measure]
        return value >= rule.value if rule.test == "at_least" else value < rule.value
    correct, total = _counts(rule.measure, named)
    reached = THOUSANDTHS * correct >= round(THOUSANDTHS * rule.value) * total
    return (reached if rule.test == "at_least" else ~reached) & (total > 0)


def _is_new_best(
    rule: StopRule, book: Book, since: jax.Array, named: Mapping[str, Any], schedule: Schedule
) -> jax.Array:
    """Whether a value is better than the best so far, which stands in the history at look `since`."""
    look = jnp.maximum(since, 0)
    if rule.measure in AT_LOOKS or rule.measure == UNSEEN:
        best = _value(rule, unpack({kind: buffer[look] for kind, buffer in book.looks.items()}))
    else:
        row = jnp.argmax(book.row_steps == schedule.steps[look])
        best = book.rows[rule.measure][row]
    return (since < 0) | jnp.isnan(best) | (rule.value * _value(rule, named) > rule.value * best)


def _value(rule: StopRule, named: Mapping[str, Any]) -> jax.Array:
    """A measure as a float; of an accuracy the number right, since the number of examples never changes."""
    return jnp.asarray(_counts(rule.measure, named)[0] if rule.is_share else named[rule.measure], jnp.float32)


def _counts(measure: str, named: Mapping[str, Any]) -> tuple[jax.Array, jax.Array]:
    """Number right and number of examples of the group that an accuracy is of."""
    group = measure.removesuffix("/accuracy")
    if measure != UNSEEN:
        return named[f"{group}/correct"], named[f"{group}/n"]
    few = named["test_novel/n"] < FEW_NOVEL
    return (
        jnp.where(few, named["test/correct"], named["test_novel/correct"]),
        jnp.where(few, named["test/n"], named["test_novel/n"]),
    )
