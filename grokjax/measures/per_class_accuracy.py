"""Which classes are learned? Accuracy class by class, judged by the true targets."""

import jax
import jax.numpy as jnp

from grokjax.core.interfaces import Measure, View, first_largest
from grokjax.core.part import part
from grokjax.measures.class_outputs import check_classes, train_and_test


@part
class PerClassAccuracy(Measure):
    """`train_class/accuracy` and `test_class/accuracy` [class], by true targets; NaN for a class without examples.

    `test_class/worst` is the least over the classes that have test examples.
    """

    paper = "none: accuracy as everywhere, class by class"

    def measure(self, view: View) -> dict[str, jax.Array]:
        check_classes(self.kind, view)
        if view.signature.target_shape:
            raise ValueError("measure.what: per_class_accuracy needs one class an example; here it has several answers")
        classes = jnp.arange(view.signature.num_classes, dtype=view.targets.dtype)
        is_right = first_largest(view.logits()) == view.targets
        measured = {}
        for name, members in train_and_test(view).items():
            of_class = (view.targets[:, None] == classes[None]) & members[:, None]  # [example, class]
            count = jnp.sum(of_class, axis=0, dtype=jnp.int32)
            right = jnp.sum(of_class & is_right[:, None], axis=0, dtype=jnp.int32)
            accuracy = jnp.where(count > 0, right / jnp.maximum(count, 1), jnp.nan).astype(jnp.float32)
            measured[f"{name}_class/accuracy"] = accuracy
        return measured | {"test_class/worst": jnp.nanmin(measured["test_class/accuracy"])}
