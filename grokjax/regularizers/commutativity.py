"""Commutativity: outputs of a pair of operands and of the swapped pair are pulled together, whatever the labels are.

Paper: Tan, Huang 2023 (arXiv 2311.06597), who add a penalty on logits(a + b) - logits(b + a) and find that networks do
not learn the commutative law before they grok. Ours is its square, summed over classes. The swapped pair need not be in
the train set: a penalty of this kind tells of test examples that their answers equal those of train examples.
"""

from collections.abc import Callable

import jax
import jax.numpy as jnp

from grokjax.core.interfaces import Regularizer, Signature
from grokjax.core.part import Swept, part, setting


@part
class Commutativity(Regularizer):
    """strength * |f(a, b) - f(b, a)|^2, averaged over the examples of an update; both sides have a gradient.

    Of more than two operands the first and the last are swapped. It costs a second pass of the network.
    """

    paper = "Tan, Huang 2023, arXiv 2311.06597"

    strength: Swept = setting(about="factor of the squared distance of outputs, summed over classes", at_least=0)

    def output_penalty(
        self, outputs: jax.Array, network: Callable[[jax.Array], jax.Array], inputs: jax.Array, signature: Signature
    ) -> jax.Array | float:
        operands = signature.operands
        if len(operands) < 2 or signature.num_answers > 1:
            raise ValueError(
                f"commutativity swaps two operands of one answer, and this task has {len(operands)} operands and "
                f"{signature.num_answers} answers"
            )
        columns = list(range(signature.input_shape[0]))
        columns[operands[0]], columns[operands[-1]] = operands[-1], operands[0]
        apart = network(inputs[:, jnp.array(columns)]) - outputs
        return self.strength * jnp.sum(jnp.square(apart), axis=-1)
