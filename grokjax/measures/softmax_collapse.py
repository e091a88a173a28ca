"""Has the loss come to rest because numbers are too short? Examples whose softmax is exactly 1 and 0.

Paper: Prieto, Barsbey, Mediano, Birdal 2025 (arXiv 2501.04697): an example whose right output stands out so far that
the sum of exponentials does not change by the others has no loss left, and no gradient of its right class.
"""

import jax
import jax.numpy as jnp

from grokjax.core.interfaces import Measure, View
from grokjax.core.part import part
from grokjax.measures.class_outputs import check_classes, margins, mean_of, train_and_test


@part
class SoftmaxCollapse(Measure):
    """Shares of examples, in the number format of the outputs, as the plain cross-entropy computes them.

    `train/absorbed`: the largest output absorbs the others, 1 + sum of exp(z - max) over the others = 1. The others are
    added up first; in another order a sum may lose more of them. `train/zero_loss`: absorbed, and the largest output is
    the label as given: the plain loss is exactly 0. The same for `test`. Of several answers all must be so.
    """

    paper = "Prieto, Barsbey, Mediano, Birdal 2025, arXiv 2501.04697"

    def measure(self, view: View) -> dict[str, jax.Array]:
        check_classes(self.kind, view)
        outputs = view.logits()
        is_absorbed = absorbed(outputs)
        is_absorbed = jnp.all(is_absorbed, axis=tuple(range(1, is_absorbed.ndim)))
        is_zero = is_absorbed & (margins(outputs, view.split.labels) > 0)
        return {
            f"{name}/{what}": mean_of(shown.astype(jnp.float32), members)
            for name, members in train_and_test(view).items()
            for what, shown in (("absorbed", is_absorbed), ("zero_loss", is_zero))
        }


def absorbed(outputs: jax.Array) -> jax.Array:
    """[...] bool from outputs [..., class]: 1 + the exponentials of all but the largest output is 1."""
    shifted = jnp.exp(outputs - jnp.max(outputs, axis=-1, keepdims=True))
    is_largest = jax.lax.broadcasted_iota(jnp.int32, outputs.shape, outputs.ndim - 1) == jnp.argmax(
        outputs, axis=-1, keepdims=True
    )
    others = jnp.sum(jnp.where(is_largest, 0.0, shifted), axis=-1)
    return others <= jnp.finfo(outputs.dtype).eps / 2  # half a unit in the last place of 1 is rounded away
