"""L1 penalty: strength * sum of |w|.

Paper: Tibshirani 1996 (the lasso); on grokking Pearce et al. 2023, whose parity networks keep redundant units under L2
and lose them under L1. The penalty is a sum, not a mean, and goes through the optimizer like the loss does.
"""

import jax
import jax.numpy as jnp

from grokjax.core.interfaces import Params, Regularizer
from grokjax.core.part import Swept, part, setting
from grokjax.regularizers.penalised import ABOUT_PENALISED, PENALISED, absolute, penalised


@part
class L1(Regularizer):
    """strength * sum |w|, added to the mean loss; its gradient is strength * sign(w), 0 at 0."""

    paper = "Tibshirani 1996"

    strength: Swept = setting(about="factor of the sum of absolute values", at_least=0)
    over: str = setting("all", ABOUT_PENALISED, choices=PENALISED)

    def penalty(self, params: Params, key: jax.Array, step: jax.Array) -> jax.Array | float:
        del key, step
        return self.strength * sum(jnp.sum(absolute(leaf)) for leaf in penalised(params, self.over))
