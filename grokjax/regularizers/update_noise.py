"""Gaussian noise in the update, which stays in the weights.

Paper: Power et al. 2022 (arXiv 2201.02177), where it is part of Adam: std here is their learning rate times noise
factor, with the first updates' 1 / (1 - b1^t) left out. Here it goes with any optimizer and nothing scales it.
"""

import jax

from grokjax.core.interfaces import Params, Regularizer
from grokjax.core.part import Swept, is_known_zero, part, setting
from grokjax.regularizers.drawn import gaussian_like


@part
class UpdateNoise(Regularizer):
    """w += std * N(0, 1) after each update, drawn anew for every weight: a walk of std * sqrt(updates) on its own."""

    paper = "Power et al. 2022, arXiv 2201.02177"

    std: Swept = setting(1e-4, "deviation of what an update adds to a weight", at_least=0)

    def jitter(self, params: Params, key: jax.Array, step: jax.Array) -> Params:
        del step
        if is_known_zero(self.std):
            return params
        return jax.tree.map(lambda leaf, drawn: leaf + self.std * drawn, params, gaussian_like(params, key))
