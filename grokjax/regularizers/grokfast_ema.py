"""Grokfast with an exponential mean: the slow part of each gradient is added to it, amplified.

Paper: Lee, Kang, Kim, Lee 2024 (arXiv 2405.20233), Grokfast-EMA as in their code: the mean starts as the first
gradient (their algorithm says as the parameters). It includes the gradient of penalties. Their optimizer is `adam_l2`.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from grokjax.core.interfaces import Params, Regularizer
from grokjax.core.part import Swept, part, setting


class MeanGradient(NamedTuple):
    """Whether no gradient has come yet, bool scalar; the exponential mean of those that have, like the parameters."""

    is_first: jax.Array
    mean: Params


@part
class GrokfastEMA(Regularizer):
    """g + strength * mean, where mean = memory * mean + (1 - memory) * g: a constant g becomes (1 + strength) * g.

    Their two-stage variant is a schedule: `strength: {switch: {after: 2, at_step: 500}}`.
    """

    kind = "grokfast_ema"
    paper = "Lee, Kang, Kim, Lee 2024, arXiv 2405.20233"

    strength: Swept = setting(2.0, "factor of the slow part (their lambda)", at_least=0)
    memory: Swept = setting(0.98, "share of the mean that an update keeps (their alpha)", at_least=0, below=1)

    def gradient(self) -> optax.GradientTransformation:
        def init(params: Params) -> MeanGradient:
            return MeanGradient(jnp.ones((), jnp.bool_), jax.tree.map(jnp.zeros_like, params))

        def update(updates: Params, state: Any, params: Params | None = None) -> tuple[Params, MeanGradient]:
            del params

            def slow(old: jax.Array, new: jax.Array) -> jax.Array:
                return jnp.where(state.is_first, new, self.memory * old + (1.0 - self.memory) * new)

            mean = jax.tree.map(slow, state.mean, updates)
            amplified = jax.tree.map(lambda now, part: now + self.strength * part, updates, mean)
            return amplified, MeanGradient(jnp.zeros((), jnp.bool_), mean)

        return optax.GradientTransformation(init, update)
