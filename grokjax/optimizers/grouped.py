"""Two optimizers, each for some of the parameters: other learning rates or decays for embeddings and decoder.

Paper: Liu et al. 2022 (arXiv 2205.10343), who train the representation at a fixed learning rate without decay while
rate and decay of the decoder span their phase diagram.
"""

from collections.abc import Hashable
from typing import Any

import jax
import optax

from grokjax.core.interfaces import Optimizer, Params
from grokjax.core.parameter_paths import matches, path_names
from grokjax.core.part import part, setting


@part
class Grouped(Optimizer):
    """Parameters whose names fit the pattern follow `matched`, all others `rest`, which may be grouped again.

    In a sweep file the settings of a group are `optimizer.rest.weight_decay` and so on.
    """

    paper = "Liu et al. 2022, arXiv 2205.10343"

    pattern: str = setting("embed*", "shell pattern over names of parameters, such as embed/embedding or output/kernel")
    matched: Optimizer = setting(about="optimizer of the parameters that the pattern names")
    rest: Optimizer = setting(about="optimizer of all others")

    def transform(self) -> optax.GradientTransformation:
        transforms: dict[Hashable, optax.GradientTransformation] = {
            "matched": self.matched.transform(),
            "rest": self.rest.transform(),
        }
        return optax.partition(transforms, self.labels)

    def decayed(self, params: Params) -> Params:
        own, others = self.matched.decayed(params), self.rest.decayed(params)
        return jax.tree.map(
            lambda label, matched, rest: matched if label == "matched" else rest, self.labels(params), own, others
        )

    def groups(self) -> dict[str, str]:
        return {self.pattern: "matched", "others": "rest"}

    def labels(self, params: Params) -> Params:
        """The name of its group for each parameter.

        Raises:
          ValueError: no parameter, or every one, has such a name.
        """

        def label(path: tuple[Any, ...], leaf: Any) -> str:
            return "matched" if matches(path, self.pattern) else "rest"

        labels = jax.tree_util.tree_map_with_path(label, params)
        if len(set(jax.tree.leaves(labels))) < 2:
            names = ", ".join(path_names(params))
            raise ValueError(f"optimizer.pattern: {self.pattern!r} must match some parameters and not all of: {names}")
        return labels
