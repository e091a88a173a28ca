"""A network with a mistake in it: the shapes of its last product do not fit."""

import flax.linen as nn
import jax
import jax.numpy as jnp


class Wrong(nn.Module):
    """What `grokjax try` says about it stands in add-a-model.md."""

    num_classes: int
    vocabulary: int

    @nn.compact
    def __call__(self, inputs: jax.Array) -> jax.Array:
        hidden = nn.Dense(32)(jax.nn.one_hot(inputs[:, 0], self.vocabulary))
        return hidden @ jnp.ones((31, self.num_classes))
