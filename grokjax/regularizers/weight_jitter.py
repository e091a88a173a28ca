"""Jitter: every weight array is multiplied by a random number near 1 after each update, which stays.

Paper: Power et al. 2022 (arXiv 2201.02177), one of the variants of their code (weight decay of the form "jiggle"): std
here is their learning rate times weight decay. One number for a whole array, as there.
"""

import jax
import jax.numpy as jnp

from grokjax.core.interfaces import Params, Regularizer
from grokjax.core.part import Swept, is_known_zero, part, setting
from grokjax.core.streams import substream


@part
class WeightJitter(Regularizer):
    """w *= exp(std * N(0, 1)), one draw for each array and update: its logarithm walks, and neither grows nor falls."""

    paper = "Power et al. 2022, arXiv 2201.02177"

    std: Swept = setting(1e-3, "deviation of the logarithm of the factor", at_least=0)

    def jitter(self, params: Params, key: jax.Array, step: jax.Array) -> Params:
        del step
        if is_known_zero(self.std):
            return params
        leaves, structure = jax.tree.flatten(params)
        drawn = [jax.random.normal(substream(key, index), (), leaf.dtype) for index, leaf in enumerate(leaves)]
        return jax.tree.unflatten(
            structure, [leaf * jnp.exp(self.std * number) for leaf, number in zip(leaves, drawn, strict=True)]
        )
