"""Perpendicular gradient: what would only scale a weight array is taken out of its gradient.

Paper: Prieto, Barsbey, Mediano, Birdal 2025 (arXiv 2501.04697), with any optimizer; theirs are AdamW and SGD. As in
their code each array counts by itself, and the rest gets the length of the whole. Here the component is taken out
twice: once leaves as much of it as rounding makes, which the new length would magnify where little else is left.
"""

import jax
import jax.numpy as jnp
import optax

from grokjax.core.interfaces import Regularizer
from grokjax.core.part import part

_TINY = 1e-30  # keeps 0 / 0 out, as in their code


@part
class PerpendicularGradient(Regularizer):
    """g - (w.g / w.w) w for each array, stretched to the length of g; penalties' gradients included.

    Decay of the optimizer stays as it is. An array of a single number has no other direction, and stands still.
    """

    paper = "Prieto, Barsbey, Mediano, Birdal 2025, arXiv 2501.04697"

    def gradient(self) -> optax.GradientTransformation:
        return optax.stateless(lambda gradient, params: jax.tree.map(perpendicular, gradient, params))


def perpendicular(gradient: jax.Array, weights: jax.Array) -> jax.Array:
    """The part of a gradient at right angles to the weights, of the gradient's own length; arrays of equal shape."""
    if weights.size == 1:
        return jnp.zeros_like(gradient)  # what rounding leaves would be stretched
    rest = _without(_without(gradient, weights), weights)
    return rest * (_length(gradient) / (_length(rest) + _TINY))


def _without(gradient: jax.Array, weights: jax.Array) -> jax.Array:
    return gradient - jnp.sum(weights * gradient) / (jnp.sum(jnp.square(weights)) + _TINY) * weights


def _length(array: jax.Array) -> jax.Array:
    return jnp.sqrt(jnp.sum(jnp.square(array)))
