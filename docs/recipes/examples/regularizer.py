"""Two regularizers of your own: a penalty as a function, and a part that projects the parameters."""

import jax
import jax.numpy as jnp

from grokjax import Regularizer, Swept, part, setting
from grokjax.core.interfaces import Params


def spread(params: Params, strength: float) -> jax.Array:
    """Penalty on the variance of every matrix; `strength` is a swept number."""
    return strength * sum(jnp.var(leaf) for leaf in jax.tree.leaves(params))


@part
class Ball(Regularizer):
    """Keeps the norm of all parameters at or below a radius."""

    radius: Swept = setting(10.0, "largest norm", above=0)

    def project(self, params: Params) -> Params:
        norm = jnp.sqrt(sum(jnp.sum(jnp.square(leaf)) for leaf in jax.tree.leaves(params)))
        return jax.tree.map(lambda leaf: leaf * jnp.minimum(1.0, self.radius / norm), params)
