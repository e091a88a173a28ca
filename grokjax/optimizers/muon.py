"""Muon: matrices between hidden layers move along the orthogonal matrix nearest to their momentum; the rest by Adam.

Source: Jordan et al. 2024 (github.com/KellerJordan/Muon), in float32 instead of bfloat16; on grokking Tveit et al. 2025
(arXiv 2504.16041). Convolutions, of more than two axes, follow `rest` too.
"""

from collections.abc import Hashable
from typing import Any

import jax
import optax

from grokjax.core.interfaces import Optimizer, Params
from grokjax.core.parameter_paths import matches, path_names
from grokjax.core.part import Swept, part, setting
from grokjax.optimizers.adamw import AdamW
from grokjax.optimizers.orthogonal import orthogonalised
from grokjax.optimizers.warmup import ABOUT_WARMUP, descend


@part
class Muon(Optimizer):
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

    def transform(self) -> optax.GradientTransformation:
        matrices = optax.chain(
            optax.trace(decay=self.momentum, nesterov=self.nesterov),
            optax.stateless(lambda updates, _: jax.tree.map(self._orthogonal, updates)),
            optax.add_decayed_weights(self.weight_decay),
            descend(self.learning_rate, self.warmup),
        )
        transforms: dict[Hashable, optax.GradientTransformation] = {
            "matched": matrices,
            "rest": self.rest.transform(),
        }
        return optax.partition(transforms, self.labels)

    def decayed(self, params: Params) -> Params:
        others = self.rest.decayed(params)
        return jax.tree.map(lambda label, other: label == "matched" or other, self.labels(params), others)

    def groups(self) -> dict[str, str]:
        return {"matrices between hidden layers": "", "others": "rest"}

    def labels(self, params: Params) -> Params:
        """`matched` for each matrix that is orthogonalised, `rest` for all other parameters.

        Raises:
          ValueError: no matrix is left.
        """

        def label(path: tuple[Any, ...], leaf: Any) -> str:
            is_hidden = leaf.ndim == 2 and not any(matches(path, pattern) for pattern in self.excluded)
            return "matched" if is_hidden else "rest"

        labels = jax.tree_util.tree_map_with_path(label, params)
        if "matched" not in jax.tree.leaves(labels):
            names = ", ".join(path_names(params))
            raise ValueError(f"optimizer.excluded: {list(self.excluded)} leave no matrix of: {names}")
        return labels

    def _orthogonal(self, momentum: jax.Array) -> jax.Array:
        inputs, outputs = momentum.shape
        return max(1.0, outputs / inputs) ** 0.5 * orthogonalised(momentum, self.eps)
