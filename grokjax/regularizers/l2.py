"""L2 penalty: strength / 2 * sum of w^2, so that its gradient is strength * w.

Paper: Krogh, Hertz 1991; on grokking Lyu, Jin, Li, Du, Lee, Hu 2023 (arXiv 2311.18817). With the optimizers `sgd` and
`adam_l2`, strength means the same as their weight_decay; it is not the decay of `adamw`.
"""

import jax
import jax.numpy as jnp

from grokjax.core.interfaces import Params, Regularizer
from grokjax.core.part import Swept, part, setting
from grokjax.regularizers.penalised import ABOUT_PENALISED, PENALISED, penalised


@part
class L2(Regularizer):
    """strength / 2 * sum w^2, added to the mean loss: the same as the coupled weight_decay of `sgd` and `adam_l2`."""

    paper = "Krogh, Hertz 1991, NeurIPS"

    strength: Swept = setting(about="factor of half the sum of squares", at_least=0)
    over: str = setting("all", ABOUT_PENALISED, choices=PENALISED)

    def penalty(self, params: Params, key: jax.Array, step: jax.Array) -> jax.Array | float:
        del key, step
        return 0.5 * self.strength * sum(jnp.sum(jnp.square(leaf)) for leaf in penalised(params, self.over))
