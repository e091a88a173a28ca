"""Connection cost: units have places, and a connection costs its absolute weight times its length.

Paper: Liu, Gan, Tegmark 2023 (BIMT, arXiv 2305.08746). Their training also swaps units of a layer now and then, where
this makes connections shorter; here none are swapped. Their strength rises and falls: give it a schedule.
"""

import jax
import jax.numpy as jnp
import numpy as np

from grokjax.core.interfaces import Params, Regularizer
from grokjax.core.parameter_paths import matches
from grokjax.core.part import Swept, part, setting
from grokjax.regularizers.penalised import ABOUT_MATRICES, absolute, matrices_named


@part
class ConnectionCost(Regularizer):
    """strength * the mean of |w| (distance * |x_i - x_j| + offset) over the weights of a matrix, summed over matrices.

    Unit i of n has the place x_i = (i + 1/2) / n, at both sides of a matrix [..., input, output]. The mean of the
    biases' |b| * offset is added where `biases` says so.
    """

    paper = "Liu, Gan, Tegmark 2023, arXiv 2305.08746"

    strength: Swept = setting(about="factor of the cost", at_least=0)
    distance: Swept = setting(2.0, "cost of a connection of length 1 beyond one of length 0", at_least=0)
    offset: Swept = setting(0.5, "cost of a connection of length 0, and of a bias", at_least=0)
    biases: bool = setting(True, "whether vectors called bias cost too")
    matrices: str = setting("*", ABOUT_MATRICES)

    def penalty(self, params: Params, key: jax.Array, step: jax.Array) -> jax.Array | float:
        del key, step
        costs = [self._cost_of(matrix) for matrix in matrices_named(params, self.matrices)]
        leaves = jax.tree_util.tree_leaves_with_path(params) if self.biases else []
        costs += [self.offset * jnp.mean(absolute(leaf)) for path, leaf in leaves if matches(path, "*bias")]
        return self.strength * sum(costs)

    def _cost_of(self, matrix: jax.Array) -> jax.Array:
        inputs, outputs = ((np.arange(size) + 0.5) / size for size in matrix.shape[-2:])
        length = jnp.asarray(np.abs(inputs[:, None] - outputs[None]), matrix.dtype)
        return jnp.mean(absolute(matrix) * (self.distance * length + self.offset))
