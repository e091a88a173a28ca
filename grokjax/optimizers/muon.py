"""Muon: matrices between hidden layers move along the orthogonal matrix nearest to their momentum; the rest by Adam.

Source: Jordan et al. 2024 (github.com/KellerJordan/Muon), in float32 instead of bfloat16; on grokking Tveit et al. 2025
(arXiv 2504.16041). Convolutions, of more than two axes, follow `rest` too.
"""

import jax
import optax

from grokjax.core.interfaces import Optimizer
from grokjax.core.part import Swept, part, setting
from grokjax.optimizers.adamw import AdamW
from grokjax.optimizers.matrices_and_rest import MatricesAndRest
from grokjax.optimizers.orthogonal import orthogonalised
from grokjax.optimizers.warmup import ABOUT_WARMUP


@part
class Muon(MatricesAndRest):
    """v = momentum * v + g; w -= lr_t * (sqrt(max(1, out / in)) * orthogonal(g + momentum * v) + weight_decay * w).

    Settings of the rest are `optimizer.rest.learning_rate` and so on; it may be `grouped`.
    """

    paper = "Jordan et al. 2024, github.com/KellerJordan/Muon"

    learning_rate: Swept = setting(0.02, "size of an update of a matrix, about the spectral norm", above=0)
    weight_decay: Swept = setting(
        0.0, "shrinkage of matrices by lr_t * weight_decay an update: learning rate and warm-up scale it", at_least=0
    )
    momentum: Swept = setting(0.95, "share of the velocity kept", at_least=0, below=1)
    nesterov: bool = setting(True, "look ahead along the velocity")
    eps: Swept = setting(1e-7, "added to the Frobenius norm by which the momentum is divided", above=0, strict=True)
    warmup: Swept = setting(0.0, ABOUT_WARMUP, unit="updates", at_least=0)
    excluded: tuple[str, ...] = setting(
        ("embed*", "positions*", "output/*"), "matrices that follow `rest` too: shell patterns over their names"
    )
    rest: Optimizer = setting(AdamW(), "optimizer of all other parameters")

    def idle_settings(self) -> tuple[str, ...]:
        return ("nesterov",) if self.momentum == 0 else ()

    def direction(self) -> tuple[optax.GradientTransformation, ...]:
        return (
            optax.trace(decay=self.momentum, nesterov=self.nesterov),
            optax.stateless(lambda updates, _: jax.tree.map(self._orthogonal, updates)),
        )

    def groups(self) -> dict[str, str]:
        return {"matrices between hidden layers": "", "others": "rest"}

    def _orthogonal(self, momentum: jax.Array) -> jax.Array:
        inputs, outputs = momentum.shape
        return max(1.0, outputs / inputs) ** 0.5 * orthogonalised(momentum, self.eps)
