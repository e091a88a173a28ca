"""Constant weight norm: after each update all weights are rescaled together to a norm that is given.

Paper: Liu, Michaud, Tegmark 2023 (Omnigrok, arXiv 2210.01117), whose curves of loss against norm are made so, and whose
modular addition generalizes at once at a constant norm of about 34. The measure `weight_norm` tells what a run has.
"""

import jax
import jax.numpy as jnp
import optax

from grokjax.core.interfaces import Params, Regularizer
from grokjax.core.part import Swept, part, setting


@part
class ConstantNorm(Regularizer):
    """Rescales all parameters, biases too, by one factor to L2 norm `norm` after each update.

    The parameters before the first update keep the norm they were drawn with. Frozen parameters count in the norm and
    are not moved, so that the norm of a partly frozen network is not constant. Weights that are all 0 stay so.
    """

    paper = "Liu, Michaud, Tegmark 2023, arXiv 2210.01117"

    norm: Swept = setting(about="L2 norm of all parameters together, after each update", above=0)

    def project(self, params: Params) -> Params:
        norm = optax.tree.norm(params)
        factor = self.norm / jnp.where(norm == 0, 1, norm)
        return jax.tree.map(lambda leaf: leaf * factor, params)
