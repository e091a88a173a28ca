"""How many directions do a layer's activations use? Feature rank and participation ratio.

Papers: Fan, Pascanu, Jaggi 2024 (arXiv 2405.19454): the rank of features falls when a deep network groks;
Gao, Trautmann, Yu, Santhanam, Ryu, Shenoy, Ganguli 2017 (participation ratio).
"""

import jax
import jax.numpy as jnp

from grokjax.core.fixed_product import gram
from grokjax.core.interfaces import Measure, View
from grokjax.core.part import part, setting
from grokjax.measures.features import features
from grokjax.measures.singular_values import singular_values


@part
class ActivationRank(Measure):
    """`feature_rank/NAME` int32 and `participation_ratio/NAME` of each layer of activations, by their names.

    Feature rank: singular values of the matrix [example, feature] above eps x its longer side x the largest of them,
    the default of matrix_rank. Participation ratio: (sum of v)^2 / sum of v^2 over the variances v along principal
    axes, of centred features: from 1 to their number; 0 where nothing varies.
    Cost: one pass over the sample, and the singular values of each matrix.
    """

    paper = "Fan, Pascanu, Jaggi 2024, arXiv 2405.19454"

    of: str = setting("units", "which activations: a word of their names, such as units or stream")
    examples: int = setting(256, "rows of the table that are looked at, spread evenly, at most all", at_least=2)

    def measure(self, view: View) -> dict[str, jax.Array]:
        measured = {}
        for name, matrix in features(view, self.of, self.examples).items():
            measured[f"feature_rank/{name}"] = feature_rank(matrix)
            measured[f"participation_ratio/{name}"] = participation_ratio(matrix).astype(jnp.float32)
        return measured


def feature_rank(matrix: jax.Array) -> jax.Array:
    """Rank of a matrix [row, column], int32."""
    values = singular_values(matrix)
    least = max(matrix.shape) * jnp.finfo(matrix.dtype).eps * values[0]
    return jnp.sum(values > least, dtype=jnp.int32)


def participation_ratio(matrix: jax.Array) -> jax.Array:
    """Number of principal axes that share the variance of rows [row, column]; 0 where there is none."""
    centred = matrix - jnp.mean(matrix, axis=0, keepdims=True)
    size = jnp.max(jnp.abs(centred))
    inner = gram(centred / jnp.where(size > 0, size, 1.0))
    squares = jnp.sum(jnp.square(inner))
    return jnp.square(jnp.trace(inner)) / jnp.where(squares > 0, squares, 1.0)
