"""Which labels of a train set are replaced, and by what? Nested: those of a larger noise contain those of a smaller."""

from typing import Any

import jax
import jax.numpy as jnp

from grokjax.core.streams import substream


def drawn_labels(signature: Any, key: jax.Array) -> jax.Array | None:
    """One uniform class per place in the train order, so that noise is nested; None where targets are no classes."""
    if signature.target_shape or not signature.target_dtype.startswith("int"):
        return None  # `spec` refuses label noise on such targets
    return jax.random.randint(key, (signature.num_examples,), 0, signature.num_classes, signature.target_dtype)


def shuffled(key: jax.Array, is_train: jax.Array) -> jax.Array:
    """[example] int32, place of each example in a random order of the train set, behind which the others stand."""
    words = jax.random.bits(substream(key, 1), is_train.shape, jnp.uint32)
    position = jnp.arange(len(is_train), dtype=jnp.int32)
    _, _, order = jax.lax.sort((~is_train, words, position), num_keys=3)
    return jnp.zeros_like(position).at[order].set(position)
