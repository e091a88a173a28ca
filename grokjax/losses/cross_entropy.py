"""Cross-entropy of a softmax over all output columns, in arithmetics that part ways once an example is fitted.

Paper: Prieto, Barsbey, Mediano, Birdal 2025 (arXiv 2501.04697) on softmax collapse: `plain` is float32, and `float16`,
`bfloat16`, `float64` are the same formula in other precisions. The published code of most grokking papers uses `plain`;
`log1p` is exact far beyond it at the same cost. Label smoothing is that of Szegedy et al. 2016 (arXiv 1512.00567).
"""

from collections.abc import Callable
from functools import partial

import jax
import jax.numpy as jnp

from grokjax.core.interfaces import Loss
from grokjax.core.part import Swept, is_known_zero, part, setting


def log1p_cross_entropy(outputs: jax.Array, targets: jax.Array) -> jax.Array:
    """-log softmax at the target as log(1 + sum of exp(other - target)), which does not round to 0 below margin 87.

    Args:
      outputs: [..., class] float32; may have more columns than there are classes.
      targets: [...] int32.

    Returns:
      [...] float32.
    """
    outputs, is_target = _classes_first(outputs, targets)
    gap = outputs - _target_output(outputs, is_target)[None]
    # Zero where the example is right: then the shift drops out of the last line exactly. Above zero it stops overflow.
    shift = jnp.maximum(jnp.max(jax.lax.stop_gradient(gap), axis=0), 0.0)
    others = jnp.sum(jnp.where(is_target, 0.0, jnp.exp(gap - shift[None])), axis=0)
    return shift + jnp.log1p(jnp.expm1(-shift) + others)


def plain_cross_entropy(outputs: jax.Array, targets: jax.Array) -> jax.Array:
    """-log softmax at the target with the largest output subtracted, in the outputs' own precision; see the other form.

    In float32 the value and the gradient of the target's output are exactly 0 from a margin of about 17 on (about 22 at
    113 classes); the gradients of the other outputs go on shrinking as exp(-margin). This is softmax collapse.
    """
    outputs, is_target = _classes_first(outputs, targets)
    shifted = outputs - jnp.max(jax.lax.stop_gradient(outputs), axis=0)[None]
    return jnp.log(jnp.sum(jnp.exp(shifted), axis=0)) - _target_output(shifted, is_target)


@jax.custom_jvp
def float64_cross_entropy(outputs: jax.Array, targets: jax.Array) -> jax.Array:
    """The plain form computed in float64, gradient included, and rounded to the outputs' precision at the end."""
    return _in_float64(outputs, targets)[0]


@float64_cross_entropy.defjvp
def _differentiate(
    primals: tuple[jax.Array, jax.Array], tangents: tuple[jax.Array, jax.Array]
) -> tuple[jax.Array, jax.Array]:
    """The gradient is taken inside the float64 context: JAX would take it later, outside, and round on the way."""
    losses, gradient = _in_float64(*primals)
    return losses, jnp.sum(gradient * tangents[0], axis=-1)


def _in_float64(outputs: jax.Array, targets: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Losses [...] and their gradient [..., class] in the outputs' own precision, computed in float64."""
    with jax.enable_x64(True):
        wide = jax.lax.convert_element_type(outputs, jnp.float64)
        losses, pull_back = jax.vjp(lambda values: plain_cross_entropy(values, targets), wide)
        (gradient,) = pull_back(jax.lax.full_like(losses, 1.0))
    narrow = outputs.dtype
    return jax.lax.convert_element_type(losses, narrow), jax.lax.convert_element_type(gradient, narrow)


@partial(jax.custom_jvp, nondiff_argnums=(0, 1))
def _rounded_cross_entropy(exponent: int, mantissa: int, outputs: jax.Array, targets: jax.Array) -> jax.Array:
    """The plain form with every step, gradient included, rounded to a float of so many bits; see `_rounded`."""
    return _rounded(exponent, mantissa, outputs, targets)[0]


@_rounded_cross_entropy.defjvp
def _differentiate_rounded(
    exponent: int, mantissa: int, primals: tuple[jax.Array, jax.Array], tangents: tuple[jax.Array, jax.Array]
) -> tuple[jax.Array, jax.Array]:
    losses, gradient = _rounded(exponent, mantissa, *primals)
    return losses, jnp.sum(gradient * tangents[0], axis=-1)


def _rounded(exponent: int, mantissa: int, outputs: jax.Array, targets: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Losses [...] and their gradient [..., class], each step rounded; the sum over classes is rounded once.

    Rounded by hand: a compiler may keep more digits between operations in a narrow format than the format has.
    """

    def rounded(values: jax.Array) -> jax.Array:
        nearest = jax.lax.reduce_precision(values, exponent, mantissa)
        if exponent == 8:  # that of float32: numbers below the smallest normal one are 0 in both
            return nearest
        smallest = 2.0 ** (2 - 2 ** (exponent - 1))
        spacing = smallest * 2.0**-mantissa  # of numbers below it, which `reduce_precision` makes 0
        return jnp.where(jnp.abs(values) < smallest, jnp.round(values / spacing) * spacing, nearest)

    outputs, is_target = _classes_first(rounded(outputs), targets)
    shifted = rounded(outputs - jnp.max(outputs, axis=0)[None])
    powers = rounded(jnp.exp(shifted))
    total = rounded(jnp.sum(powers, axis=0))
    losses = rounded(rounded(jnp.log(total)) - _target_output(shifted, is_target))
    gradient = rounded(rounded(powers / total[None]) - is_target)
    return losses, jnp.moveaxis(gradient, 0, -1)


def _classes_first(outputs: jax.Array, targets: jax.Array) -> tuple[jax.Array, jax.Array]:
    """Outputs [class, ...], as they lie in memory (`models/class_product.py`), and whether the class is the target.

    Compare and select: a gather would become a slow scatter in the gradient.
    """
    outputs = jnp.moveaxis(outputs, -1, 0)
    column = jax.lax.broadcasted_iota(targets.dtype, outputs.shape, 0)
    return outputs, column == targets[None]


def _target_output(outputs: jax.Array, is_target: jax.Array) -> jax.Array:
    return jnp.sum(jnp.where(is_target, outputs, 0.0), axis=0)


_FORMS: dict[str, Callable[[jax.Array, jax.Array], jax.Array]] = {
    "log1p": log1p_cross_entropy,
    "plain": plain_cross_entropy,
    "float64": float64_cross_entropy,
    "float16": partial(_rounded_cross_entropy, 5, 10),
    "bfloat16": partial(_rounded_cross_entropy, 8, 7),
}


@part
class CrossEntropy(Loss):
    """Cross-entropy with class targets; sequences of classes are averaged over their positions.

    With `smoothing` e the target is 1 - e for the class and e / columns for every output column, the class among them.
    An example whose softmax has collapsed has loss 0 and a gradient of exactly 0 at its target: from margin 7.7 on in
    float16, 5.6 in bfloat16, 17 in plain float32, 37 in float64, for two columns.
    """

    paper = "Prieto, Barsbey, Mediano, Birdal 2025, arXiv 2501.04697 (softmax collapse)"

    form: str = setting(
        "log1p",
        "arithmetic: log1p keeps the gradient of fitted examples, plain float32 loses it, float64 is the reference, "
        "float16 and bfloat16 lose it early",
        choices=tuple(_FORMS),
    )
    smoothing: Swept | None = setting(
        None,
        "share of each target that is spread over all output columns; none is exact",
        at_least=0,
        below=1,
        added=None,
    )

    def loss(self, outputs: jax.Array, targets: jax.Array) -> jax.Array:
        if not jnp.issubdtype(targets.dtype, jnp.integer):
            raise TypeError(f"loss cross_entropy needs whole-number class targets, got {targets.dtype}; use mse")
        if outputs.shape[:-1] != targets.shape:
            raise ValueError(
                f"loss cross_entropy: outputs {outputs.shape} must have one more axis than targets {targets.shape}"
            )
        losses = _FORMS[self.form](outputs, targets)
        if self.smoothing is not None and not is_known_zero(self.smoothing):
            columns, is_target = _classes_first(outputs, targets)
            losses = losses + self.smoothing * (_target_output(columns, is_target) - columns.mean(axis=0))
        return losses.reshape(losses.shape[0], -1).mean(axis=1)
