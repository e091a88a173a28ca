"""Gradient clipping by global norm.

Paper: Pascanu, Mikolov, Bengio 2013 (arXiv 1211.5063). The norm is over all parameters of one run together.
"""

import optax

from grokjax.core.interfaces import Regularizer
from grokjax.core.part import Swept, part, setting


@part
class Clip(Regularizer):
    """Gradients longer than max_norm are scaled to length max_norm, penalties' gradients included; others pass."""

    paper = "Pascanu, Mikolov, Bengio 2013, arXiv 1211.5063"

    max_norm: Swept = setting(1.0, "longest gradient that passes unchanged, as an L2 norm", above=0, strict=True)

    def gradient(self) -> optax.GradientTransformation:
        return optax.clip_by_global_norm(self.max_norm)
