"""The scalars of a look as two vectors: one array is written in one operation, thirty are compiled as thirty."""

import functools
from collections.abc import Mapping
from typing import Any

import jax
import jax.numpy as jnp

from grokjax.measures.fit import finish, no_rows


@functools.cache
def look_names() -> dict[str, tuple[str, ...]]:
    """Names of a look's scalars: those that are whole numbers, those that are floats."""
    seen = jax.eval_shape(lambda: finish(no_rows()))
    whole = tuple(name for name, value in seen.items() if jnp.issubdtype(value.dtype, jnp.integer))
    return {"whole": whole, "float": tuple(name for name in seen if name not in whole)}


def pack(seen: Mapping[str, jax.Array]) -> dict[str, jax.Array]:
    """The scalars of a look by kind, [name] each."""
    return {kind: jnp.stack([seen[name] for name in names]) for kind, names in look_names().items()}


def unpack(looks: Mapping[str, Any]) -> dict[str, Any]:
    """Vectors [..., name] by kind as arrays [...] by name."""
    return {name: looks[kind][..., index] for kind, names in look_names().items() for index, name in enumerate(names)}
