"""Weight noise: loss and gradient are taken at noisy weights, the update moves the weights without the noise.

Papers: Graves 2011 for such noise; on grokking Power et al. 2022 (arXiv 2201.02177; std .01) and DeMoss et al. 2024
(arXiv 2412.09810; std .01 for x+y and xy, .001 for x-y and x/y). As there, all parameters are noisy, biases and
normalisation included, and penalties see the noisy weights too.
"""

import jax
import jax.numpy as jnp

from grokjax.core.interfaces import Params, Regularizer
from grokjax.core.part import Swept, is_known_zero, part, setting
from grokjax.regularizers.drawn import gaussian_like


@part
class WeightNoise(Regularizer):
    """Gradient at w + std * N(0, 1), drawn anew for every weight at every update; measures see w."""

    paper = "Power et al. 2022, arXiv 2201.02177; DeMoss et al. 2024, arXiv 2412.09810"

    std: Swept = setting(0.01, "deviation of the noise", at_least=0)
    relative: bool = setting(False, "whether std is in units of the root mean square of a weight's own array")

    def perturb(self, params: Params, key: jax.Array, step: jax.Array) -> Params:
        del step
        if is_known_zero(self.std):
            return params
        return jax.tree.map(
            lambda leaf, drawn: leaf + (self.std * self._unit(leaf)) * drawn, params, gaussian_like(params, key)
        )

    def _unit(self, leaf: jax.Array) -> jax.Array | float:
        return jnp.sqrt(jnp.mean(jnp.square(leaf))) if self.relative else 1.0
