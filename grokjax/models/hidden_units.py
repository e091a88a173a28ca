"""What happens to units: activation functions by name, and dropout and input noise of a swept size."""

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

    def draw(example_key: jax.Array) -> jax.Array:
        return jax.random.uniform(substream(example_key, place), values.shape[1:], values.dtype)

    kept = jax.vmap(draw)(key) < keep  # noqa: TID251 over examples: a mask must not depend on the rest of the block
    return jnp.where(kept, values / keep, jnp.zeros_like(values))


_NOISE_PLACE = 2**31 - 1  # behind every place of dropout
ABOUT_INPUT_NOISE = "deviation of Gaussian noise on what the first layer reads, anew in each update; none draws nothing"
ABOUT_OUTPUT_SCALE = "multiplies the outputs (Kumar et al.: alpha); none multiplies nothing"
ABOUT_CENTRED = (
    "whether the outputs of the initial network are subtracted (Chizat et al. 2019), so that they begin at 0"
)


def input_noise(values: jax.Array, deviation: jax.Array | float | None, key: jax.Array | None) -> jax.Array:
    """Values [example, ...] with Gaussian noise added; `key` is [example] keys, or None where nothing is added."""
    if key is None or deviation is None or is_known_zero(deviation):
        return values

    def draw(example_key: jax.Array) -> jax.Array:
        return jax.random.normal(substream(example_key, _NOISE_PLACE), values.shape[1:], values.dtype)

    return values + deviation * jax.vmap(draw)(key)  # noqa: TID251 over examples, as in `dropout`


def scaled_outputs(outputs: jax.Array, factor: jax.Array | float | None) -> jax.Array:
    """Outputs times a factor that may be traced; None for a network without one."""
    return outputs if factor is None else outputs * factor
