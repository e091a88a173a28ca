"""Grokfast with a moving mean: the mean of the last gradients is added to each, amplified.

Paper: Lee, Kang, Kim, Lee 2024 (arXiv 2405.20233), Grokfast-MA as in their code: gradients pass unchanged until the
window is full. The mean is summed anew at each update: a running sum would keep the rounding of the first, large
gradients for ever.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from grokjax.core.interfaces import Params, Regularizer
from grokjax.core.part import Swept, part, setting


class LastGradients(NamedTuple):
    """The last gradients.

    Attributes:
      updates_done: int32 scalar.
      gradients: like the parameters, with a leading axis [window]; update t lies at t modulo window.
    """

    updates_done: jax.Array
    gradients: Params


@part
class GrokfastMA(Regularizer):
    """g + strength * (mean of the last `window` gradients, this one included): a constant g becomes (1 + strength) * g.

    The gradients are kept: a run needs `window` times the memory of its parameters, and reads it at each update.
    """

    kind = "grokfast_ma"
    paper = "Lee, Kang, Kim, Lee 2024, arXiv 2405.20233"

    strength: Swept = setting(5.0, "factor of the slow part (their lambda)", at_least=0)
    window: int = setting(100, "gradients in the mean", unit="updates", at_least=1)

    def gradient(self) -> optax.GradientTransformation:
        def init(params: Params) -> LastGradients:
            empty = jax.tree.map(lambda leaf: jnp.zeros((self.window, *leaf.shape), leaf.dtype), params)
            return LastGradients(jnp.zeros((), jnp.int32), empty)

        def update(updates: Params, state: Any, params: Params | None = None) -> tuple[Params, LastGradients]:
            del params
            done = state.updates_done
            kept = jax.tree.map(lambda last, now: last.at[done % self.window].set(now), state.gradients, updates)
            is_full = done + 1 >= self.window

            def amplified(now: jax.Array, last: jax.Array) -> jax.Array:
                return now + jnp.where(is_full, self.strength * jnp.mean(last, axis=0), 0.0)

            return jax.tree.map(amplified, updates, kept), LastGradients(done + 1, kept)

        return optax.GradientTransformation(init, update)
