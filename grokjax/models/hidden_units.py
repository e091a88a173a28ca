"""What happens to hidden units: activation functions by name, and dropout with a swept rate."""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp

from grokjax.core.part import is_known_zero
from grokjax.core.streams import substream

ACTIVATIONS: dict[str, Callable[[jax.Array], jax.Array]] = {
    "relu": jax.nn.relu,
    "gelu": partial(jax.nn.gelu, approximate=True),
    "gelu_exact": partial(jax.nn.gelu, approximate=False),
    "silu": jax.nn.silu,
    "tanh": jnp.tanh,
    "square": jnp.square,
}
"""`gelu` is the tanh approximation (the default of Flax), `gelu_exact` the one with the error function (of PyTorch)."""


def dropout(values: jax.Array, rate: jax.Array | float | None, key: jax.Array | None, place: int = 0) -> jax.Array:
    """Inverted dropout: each value is zero with probability `rate`, else divided by `1 - rate`.

    Flax's own refuses a traced rate. At rate 0 every value comes back with the same bits.

    Args:
      values: [example, ...].
      rate: scalar in [0, 1), may be traced; None for a network without dropout: drawing masks is dear even at rate 0.
      key: [example] keys; None when nothing is to be dropped.
      place: which of a model's dropout places this is; each draws its own mask.
    """
    if key is None or rate is None or is_known_zero(rate):
        return values
    keep = (1.0 - jnp.asarray(rate)).astype(values.dtype)

    def draw(one: jax.Array) -> jax.Array:
        return jax.random.uniform(substream(one, place), values.shape[1:], values.dtype)

    kept = jax.vmap(draw)(key) < keep  # noqa: TID251 over examples: a mask must not depend on the rest of the block
    return jnp.where(kept, values / keep, jnp.zeros_like(values))
