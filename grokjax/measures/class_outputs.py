"""What a measure of logits needs: classes as answers, and the groups of train and test examples."""

import jax
import jax.numpy as jnp

from grokjax.core.interfaces import View
from grokjax.core.words import GROUPS

_FIRST_OF_TEST = GROUPS.index("test_mirrored")


def check_classes(kind: str, view: View) -> None:
    """Refuse, in one line, a task whose answers are no classes."""
    if not view.signature.target_dtype.startswith("int"):
        raise ValueError(f"measure.what: {kind} needs classes as targets; those of this task are real numbers")


def train_and_test(view: View) -> dict[str, jax.Array]:
    """`train` and `test` -> [example] bool."""
    is_train = view.split.group < _FIRST_OF_TEST
    return {"train": is_train, "test": ~is_train}


def mean_of(values: jax.Array, members: jax.Array) -> jax.Array:
    """Mean of values [example] over the members [example]; NaN without any, whatever the others are."""
    total = jnp.sum(jnp.where(members, values, 0.0))
    count = jnp.sum(members, dtype=jnp.int32)
    return jnp.where(count > 0, total / jnp.maximum(count, 1), jnp.nan)


def margins(outputs: jax.Array, labels: jax.Array) -> jax.Array:
    """Output of the right class less the largest of the others: [example], of several answers the least.

    Args:
      outputs: [example, class] or [example, answer, class].
      labels: [example] or [example, answer].
    """
    is_right = jax.lax.broadcasted_iota(labels.dtype, outputs.shape, outputs.ndim - 1) == labels[..., None]
    right = jnp.sum(jnp.where(is_right, outputs, 0.0), axis=-1)
    margin = right - jnp.max(jnp.where(is_right, -jnp.inf, outputs), axis=-1)
    return jnp.min(margin, axis=tuple(range(1, margin.ndim)))
