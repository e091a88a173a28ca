"""A network of your own in Flax linen: a gated hidden layer on one-hot operands."""

import flax.linen as nn
import jax


class Gated(nn.Module):
    """Takes inputs [example, token], gives outputs [example, class]."""

    num_classes: int  # filled in from the task
    vocabulary: int  # filled in from the task
    width: int = 64

    @nn.compact
    def __call__(self, inputs: jax.Array) -> jax.Array:
        hidden = jax.nn.one_hot(inputs[:, :2], self.vocabulary).reshape(len(inputs), -1)
        hidden = nn.Dense(self.width)(hidden) * nn.sigmoid(nn.Dense(self.width)(hidden))
        return nn.Dense(self.num_classes)(hidden)
