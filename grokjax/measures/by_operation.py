"""How much of either operation of a mixture is learned: two tasks of one network need not grok at the same step.

Paper: Mallinar, Beaglehole, Zhu, Radhakrishnan, Pandit, Belkin 2024 (arXiv 2407.20199), appendix E.
"""

import jax
import jax.numpy as jnp

from grokjax.core.interfaces import Measure, View, first_largest
from grokjax.core.part import part
from grokjax.core.token_places import OPERATOR
from grokjax.core.words import GROUPS


@part
class ByOperation(Measure):
    """Accuracy on train and test examples of the first and the second operation of `modular_mixture`.

    What is right is judged by the true targets, also in train. Names are `train_first/accuracy`, ...; NaN where there
    are no such examples, as for the second of a task with one operation.
    """

    paper = "Mallinar, Beaglehole, Zhu, Radhakrishnan, Pandit, Belkin 2024, arXiv 2407.20199, appendix E"

    def measure(self, view: View) -> dict[str, jax.Array]:
        if view.inputs.ndim != 2 or not jnp.issubdtype(view.inputs.dtype, jnp.integer) or view.inputs.shape[1] != 4:
            raise ValueError("measure.what: by_operation needs tokens `x op y =`, as modular_mixture has them")
        operator = view.inputs[:, OPERATOR]
        is_first = operator == jnp.min(operator)
        is_train = view.split.group < GROUPS.index("test_mirrored")
        is_right = first_largest(view.logits()) == view.targets
        parts = {
            "train_first": is_train & is_first,
            "train_second": is_train & ~is_first,
            "test_first": ~is_train & is_first,
            "test_second": ~is_train & ~is_first,
        }
        return {f"{name}/accuracy": _share(is_right, rows) for name, rows in parts.items()}


def _share(is_right: jax.Array, rows: jax.Array) -> jax.Array:
    """Of the rows that are meant, those that are right; float32."""
    count = jnp.sum(rows, dtype=jnp.int32)
    share = jnp.sum(rows & is_right, dtype=jnp.int32) / jnp.maximum(count, 1)
    return jnp.where(count > 0, share, jnp.nan).astype(jnp.float32)
