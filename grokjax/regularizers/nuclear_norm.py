"""Nuclear norm: the sum of the singular values of each matrix, as a penalty that makes ranks low.

Paper: Fazel, Hindi, Boyd 2001 (A rank minimization heuristic); on grokking Notsawo et al. 2025 (arXiv
2506.05718), where the delay falls as one over the strength.
"""

import jax
import jax.numpy as jnp

from grokjax.core.interfaces import Params, Regularizer
from grokjax.core.part import Swept, part, setting
from grokjax.core.singular_values import of_singular_values
from grokjax.regularizers.penalised import penalised


@part
class NuclearNorm(Regularizer):
    """strength * sum over matrices of the sum of singular values; its gradient is strength * U V^T.

    Singular values that rounding alone can make are not pushed. Costs an SVD for each matrix and update, as
    `spectral_entropy` does.
    """

    paper = "Fazel, Hindi, Boyd 2001, A rank minimization heuristic"

    strength: Swept = setting(about="factor of the sum of singular values", at_least=0)

    def penalty(self, params: Params, key: jax.Array, step: jax.Array) -> jax.Array | float:
        del key, step
        return self.strength * sum(of_singular_values(jnp.sum, matrix) for matrix in penalised(params, "matrices"))
