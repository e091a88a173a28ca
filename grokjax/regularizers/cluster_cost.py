"""Cluster cost: how much of each matrix lies outside blocks of units that would be modules.

Paper: Golechha et al. 2025 (arXiv 2502.02470), who reward what lies inside; the two differ by
a constant. Clusters are equal blocks of units in their order, as in one of their variants; none is looked for.
"""

import jax
import jax.numpy as jnp
import numpy as np

from grokjax.core.interfaces import Params, Regularizer
from grokjax.core.part import Swept, part, setting
from grokjax.regularizers.penalised import ABOUT_MATRICES, matrices_named


@part
class ClusterCost(Regularizer):
    """strength * the share of a matrix's sum of squares that connects different clusters, averaged over matrices.

    Unit i of n is in cluster floor(i * clusters / n), at both sides of a matrix [..., input, output]. The share is 0
    for block-diagonal matrices and about 1 - 1 / clusters for random ones; the size of a matrix does not count.
    """

    paper = "Golechha et al. 2025, arXiv 2502.02470"

    strength: Swept = setting(about="factor of the share that connects different clusters", at_least=0)
    clusters: int = setting(4, "blocks of units on each side of a matrix", at_least=2)
    matrices: str = setting("*", ABOUT_MATRICES)

    def penalty(self, params: Params, key: jax.Array, step: jax.Array) -> jax.Array | float:
        del key, step
        shares = [self._share_between(matrix) for matrix in matrices_named(params, self.matrices)]
        return self.strength * sum(shares) / len(shares)

    def _share_between(self, matrix: jax.Array) -> jax.Array:
        rows, columns = (np.arange(size) * self.clusters // size for size in matrix.shape[-2:])
        squares = jnp.square(matrix)
        between = jnp.sum(jnp.where(rows[:, None] != columns[None], squares, 0))
        total = jnp.sum(squares)
        return between / jnp.where(total == 0, 1, total)
