"""Weight norm cut-off: after an update that leaves the weights longer than is permitted, they are shortened together.

Paper: Srebro, Rennie, Jaakkola 2005 (max-norm) for a bound of weights by projection; the code of DeMoss et al. 2024
(arXiv 2412.09810) has a cut-off of the mean norm as a penalty that no result of theirs uses.
"""

import jax
import jax.numpy as jnp
import optax

from grokjax.core.interfaces import Params, Regularizer
from grokjax.core.part import Swept, part, setting


@part
class NormCutoff(Regularizer):
    """Rescales all parameters, biases too, by one factor to L2 norm `max_norm` where they are longer; others pass."""

    paper = "Srebro, Rennie, Jaakkola 2005, Maximum-margin matrix factorization"

    max_norm: Swept = setting(about="largest L2 norm of all parameters together, after each update", above=0)

    def project(self, params: Params) -> Params:
        norm = optax.tree.norm(params)
        factor = jnp.where(norm > self.max_norm, self.max_norm / norm, 1)
        return jax.tree.map(lambda leaf: leaf * factor, params)
