"""What networks are made of: normalisation, and of both forms of the transformer positions and the MLP of a layer."""

from typing import Any

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from grokjax.models.hidden_units import ACTIVATIONS
from grokjax.models.initializers import Scheme, dense

EPSILON = 1e-6  # added to the variance in normalisation, unless a network says otherwise: Flax's default


def positions(shape: Any, tokens: int, drawn: Scheme) -> jax.Array | np.ndarray:
    """What is added to the embeddings: [token, width]."""
    if shape.positions == "learned":
        length = shape.positions_length or tokens
        return nn.Embed(length, shape.width, embedding_init=drawn.embedding, name="positions")(jnp.arange(tokens))
    return sinusoids(tokens, shape.width)


def sinusoids(tokens: int, width: int) -> np.ndarray:
    """Positions that are not learned: [token, width], sines in even columns and cosines in odd ones."""
    column = np.arange(width)
    angle = np.arange(tokens)[:, None] / 10_000.0 ** (2 * (column // 2) / width)
    return np.where(column % 2 == 0, np.sin(angle), np.cos(angle))


def normalisation(shape: Any, name: str) -> nn.Module:
    """The normalisation layer of this network."""
    if shape.norm_kind == "rms":
        return nn.RMSNorm(epsilon=shape.norm_epsilon, name=name)
    return layer_norm(name, shape.norm_epsilon)


def layer_norm(name: str, epsilon: float = EPSILON) -> nn.Module:
    """Zero mean and unit variance over the last axis, then gain and shift."""
    # The fast variance E[x^2] - E[x]^2 cancels where the mean is large.
    return nn.LayerNorm(epsilon=epsilon, use_fast_variance=False, name=name)


class FeedForward(nn.Module):
    """Two dense layers with an activation between them, the same at each position."""

    shape: Any
    drawn: Scheme

    @nn.compact
    def __call__(self, stream: jax.Array) -> jax.Array:
        shape = self.shape
        hidden_width = shape.mlp_width or 4 * shape.width
        hidden = dense("hidden", self.drawn, shape.width, hidden_width, shape.mlp_bias)(stream)
        active = ACTIVATIONS[shape.activation](hidden)
        self.sow("intermediates", "units", active)
        return dense("output", self.drawn, hidden_width, shape.width, shape.mlp_bias)(active)
