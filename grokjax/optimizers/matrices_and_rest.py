"""What optimizers of matrices have in common: which matrices are theirs, and another optimizer for all else."""

from abc import abstractmethod
from collections.abc import Hashable
from typing import Any

import jax
import optax

from grokjax.core.interfaces import Optimizer, Params
from grokjax.core.parameter_paths import matches, path_names
from grokjax.optimizers.warmup import descend


class MatricesAndRest(Optimizer):
    """Matrices move by `direction`, with decoupled decay; all other parameters follow `rest`.

    A subclass declares these settings as its own fields, since it says what they mean and where they stand.
    """

    learning_rate: Any
    weight_decay: Any
    warmup: Any
    excluded: tuple[str, ...]
    rest: Optimizer

    @abstractmethod
    def direction(self) -> tuple[optax.GradientTransformation, ...]:
        """What makes of the gradients of matrices what they move along, before decay and learning rate."""

    def takes(self, leaf: Any) -> bool:
        """Whether a parameter that is not excluded is one of its matrices, by its shape."""
        return leaf.ndim == 2

    def matrix_in_words(self) -> str:
        """What `takes` asks for, in the singular."""
        return "matrix"

    def transform(self) -> optax.GradientTransformation:
        matrices = optax.chain(
            *self.direction(),
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

    def labels(self, params: Params) -> Params:
        """`matched` for each matrix of its own, `rest` for all other parameters.

        Raises:
          ValueError: no matrix is left.
        """

        def label(path: tuple[Any, ...], leaf: Any) -> str:
            is_own = self.takes(leaf) and not any(matches(path, pattern) for pattern in self.excluded)
            return "matched" if is_own else "rest"

        labels = jax.tree_util.tree_map_with_path(label, params)
        if "matched" not in jax.tree.leaves(labels):
            names, wanted = ", ".join(path_names(params)), self.matrix_in_words()
            raise ValueError(f"optimizer.excluded: {list(self.excluded)} leave no {wanted} of: {names}")
        return labels
