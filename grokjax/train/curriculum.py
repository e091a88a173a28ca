"""A train set that grows: which examples are trained on now, and when does the next stage begin? See `Curriculum`."""

import jax
import jax.numpy as jnp

from grokjax.core.interfaces import Signature, Split
from grokjax.reader.run import Curriculum
from grokjax.train.program import Course, Data, State


def staged(
    curriculum: Curriculum, signature: Signature, split: Split, inputs: jax.Array, n_train: jax.Array
) -> tuple[Split, jax.Array]:
    """The split with its train set in the order of the stages, and [stage] int32 examples of each, the last of all.

    Args:
      inputs: [example, ...] of the table.
    """
    position = jnp.arange(signature.num_examples, dtype=jnp.int32)
    if curriculum.by == "example":
        shares = [jnp.floor(jnp.asarray(share) * n_train + 1e-4).astype(jnp.int32) for share in curriculum.stages]
        return split, _sizes(shares, n_train)
    largest = jnp.max(inputs[split.order][:, jnp.array(signature.operands)], axis=1)
    is_train = position < n_train
    below = [jnp.sum(is_train & (largest < int(cap)), dtype=jnp.int32) for cap in curriculum.stages]
    if curriculum.order == "shuffled":
        return split, _sizes(below, n_train)
    rank = largest if curriculum.order == "rising" else -largest
    # Ties and the test set stay as they were drawn.
    _, _, order = jax.lax.sort((~is_train, jnp.where(is_train, rank, 0), position), num_keys=3)
    return split._replace(order=split.order[order]), _sizes(below, n_train)


def _sizes(stages: list[jax.Array], n_train: jax.Array) -> jax.Array:
    """[stage] int32; an update needs one example."""
    return jnp.maximum(jnp.stack([*stages, jnp.asarray(n_train, jnp.int32)]), 1)


def first_course() -> Course:
    """Before the first update."""
    return Course(*(jnp.zeros((), jnp.int32) for _ in Course._fields))


def of_stage(data: Data, state: State) -> Data:
    """The run's data with the train set of the stage."""
    return data if state.course is None else data._replace(n_train=data.stages[state.course.stage])


def began(state: State) -> jax.Array | int:
    """The step at which the stage began."""
    return 0 if state.course is None else state.course.began


def advanced(curriculum: Curriculum, state: State, right: jax.Array, seen: jax.Array, is_last: jax.Array) -> Course:
    """The course after one more update.

    Args:
      curriculum: with schedules replaced by their values.
      state: before the update.
      right, seen: answers of this update, and all of its examples; int32 scalars.
      is_last: whether it is the last update of an epoch.
    """
    course, updates = state.course, state.step + 1
    right, seen = course.right + right, course.seen + seen
    passed, is_over = course.passed, False
    if curriculum.accuracy is not None:
        # Shares have 6 digits, so what should be a whole number is nearer to it than these roundings of float32.
        needed = curriculum.accuracy * seen * (1 - 3e-7) - 1e-4
        passed = jnp.where(is_last, jnp.where(right >= needed, passed + 1, 0), passed)
        is_over = passed >= jnp.asarray(curriculum.epochs, jnp.int32)
    if curriculum.at_most is not None:
        is_over |= updates - course.began >= jnp.asarray(curriculum.at_most, jnp.int32)
    begins = is_last & is_over & (course.stage < len(curriculum.stages))
    return Course(
        stage=course.stage + begins,
        began=jnp.where(begins, updates, course.began),
        passed=jnp.where(begins, 0, passed),
        right=jnp.where(is_last, 0, right),
        seen=jnp.where(is_last, 0, seen),
    )
