"""A network of your own in Flax nnx, with dropout that is on in training and off in measuring."""

import jax
from flax import nnx


class Plain(nnx.Module):
    """Takes inputs [example, token], gives outputs [example, class]."""

    def __init__(self, num_classes: int, vocabulary: int, width: int = 64, rate: float = 0.1, *, rngs: nnx.Rngs):
        self.embed = nnx.Embed(vocabulary, width, rngs=rngs)
        self.hidden = nnx.Linear(2 * width, width, rngs=rngs)
        self.dropout = nnx.Dropout(rate, rngs=rngs)
        self.output = nnx.Linear(width, num_classes, rngs=rngs)

    def __call__(self, inputs: jax.Array) -> jax.Array:
        hidden = self.embed(inputs[:, :2]).reshape(len(inputs), -1)
        return self.output(self.dropout(nnx.relu(self.hidden(hidden))))
