"""Cross-entropy of StableMax, a softmax whose exponential is replaced by a function that grows linearly.

Paper: Prieto, Barsbey, Mediano, Birdal 2025 (arXiv 2501.04697). Their code computes it in float64 and adds 1e-30 inside
the logarithm; here it is exact in float32 without either.
"""

import jax
import jax.numpy as jnp

from grokjax.core.interfaces import Loss
from grokjax.core.part import part
from grokjax.losses.cross_entropy import CrossEntropy


@part
class StableMax(Loss):
    """-log p at the target; p = s(x) / sum of s over all output columns, s(x) = x + 1 from 0 on, else 1 / (1 - x).

    This is the cross-entropy of sign(x) log(1 + |x|). The gradient of a fitted example falls as a power of its margin
    where that of softmax falls exponentially, so that nothing collapses. Class targets; sequences are averaged.
    """

    paper = "Prieto, Barsbey, Mediano, Birdal 2025, arXiv 2501.04697"
    kind = "stablemax"

    def loss(self, outputs: jax.Array, targets: jax.Array) -> jax.Array:
        try:
            return CrossEntropy().loss(_log_s(outputs), targets)
        except (TypeError, ValueError) as error:
            raise type(error)(str(error).replace("loss cross_entropy", "loss stablemax")) from None


def _log_s(outputs: jax.Array) -> jax.Array:
    """Logarithm of s(x), sign(x) log(1 + |x|), whose slope 1 / (1 + |x|) is 1 at 0, where that of a sign would be 0."""
    is_positive = outputs >= 0
    above = jnp.log1p(jnp.where(is_positive, outputs, 0))
    return jnp.where(is_positive, above, -jnp.log1p(jnp.where(is_positive, 0, -outputs)))
