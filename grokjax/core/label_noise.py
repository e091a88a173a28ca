"""Which labels of a train set are replaced, and by what? Nested: those of a larger noise contain those of a smaller."""

from typing import Any

import jax


def drawn_labels(signature: Any, key: jax.Array) -> jax.Array | None:
    """One uniform class per place in the train order, so that noise is nested; None where targets are no classes."""
    if signature.target_shape or not signature.target_dtype.startswith("int"):
        return None  # `spec` refuses label noise on such targets
    return jax.random.randint(key, (signature.num_examples,), 0, signature.num_classes, signature.target_dtype)
