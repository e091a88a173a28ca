"""Sharpness-aware minimization: the update follows the gradient at the worst weights nearby, rho up the slope.

Paper: Foret, Kleiner, Mobahi, Neyshabur 2021 (arXiv 2010.01412), equations 2 and 3 with p = 2: the norm is that of the
gradient of all weights of a run together. Penalties and decay act at the weights themselves, as in equation 1.
"""

import jax
import jax.numpy as jnp
import optax

from grokjax.core.interfaces import Params, Regularizer
from grokjax.core.part import Swept, part, setting


@part
class SAM(Regularizer):
    """Gradient at w + rho * g / |g|, where g is the gradient at w: each update costs two gradients."""

    paper = "Foret, Kleiner, Mobahi, Neyshabur 2021, arXiv 2010.01412"

    rho: Swept = setting(0.05, "how far up the slope, as an L2 distance over all weights", at_least=0)

    def ascend(self, params: Params, gradient: Params) -> Params:
        norm = optax.tree.norm(gradient)
        distance = jnp.where(norm > 0, self.rho / jnp.where(norm > 0, norm, 1.0), 0.0)  # at the foot there is no slope
        return jax.tree.map(lambda leaf, slope: leaf + distance * slope, params, gradient)
