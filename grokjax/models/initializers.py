"""How initial parameters are drawn: named schemes with their formulas, the same for all built-in models.

| name  | matrix [input, output]                | embedding, positions    | output matrix         | bias     |
|-------|---------------------------------------|-------------------------|-----------------------|----------|
| nanda | N(0, 1) / sqrt(width)                 | N(0, 1) / sqrt(width)   | N(0, 1) / sqrt(vocab) | 0        |
| lecun | truncated normal, variance 1 / fan_in | N(0, 1) / sqrt(columns) | as matrix             | 0        |
| flax  | another name of lecun                 |                         |                       |          |
| he    | truncated normal, variance 2 / fan_in | N(0, 1) / sqrt(columns) | as matrix             | 0        |
| torch | U(-b, b), b = 1 / sqrt(fan_in)        | N(0, 1)                 | as matrix             | U(-b, b) |
| doshi | N(0, 1) * 0.5 / (2 width)^(1/3)       | as matrix               | as matrix             | 0        |

`fan_in` is the length of the input (of a concatenated one-hot input: operands x symbols), `width` that of the model's
hidden layers (transformer: of the residual stream), `columns` that of an embedding vector, `vocab` the number of
symbols. A normal is truncated at two deviations and rescaled, so that the variance is the stated one. Normalisation
layers start with gain 1 and shift 0 in every scheme.

Sources: nanda, Nanda et al. 2023 (2301.05217), both MLP matrices included; doshi, Doshi et al. 2024 (2310.13061);
flax and torch, the defaults of Flax and of PyTorch.
"""

from collections.abc import Callable
from typing import NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from grokjax.core.interfaces import Params

Initializer = Callable[..., jax.Array]  # (key, shape, dtype) -> array


class Scheme(NamedTuple):
    """Where the initial values of one network come from."""

    matrix: Initializer
    embedding: Initializer
    output: Initializer
    bias: Callable[[int], Initializer]  # from the fan_in of the layer that the bias belongs to


def scheme(name: str, width: int, columns: int, vocabulary: int | None = None) -> Scheme:
    """The scheme called `name`.

    Args:
      name: of the table above.
      width: of the hidden layers (transformer: of the residual stream).
      columns: length of one embedding vector.
      vocabulary: number of symbols; only nanda reads it.
    """
    normal, variance_scaling = jax.nn.initializers.normal, jax.nn.initializers.variance_scaling
    if name == "nanda":
        if vocabulary is None:
            raise ValueError("model.initializer: nanda needs token inputs, got real-valued ones; nearest is lecun")
        return Scheme(normal(width**-0.5), normal(width**-0.5), normal(vocabulary**-0.5), _zero)
    if name == "doshi":
        matrix = normal(0.5 / (2 * width) ** (1 / 3))
        return Scheme(matrix, matrix, matrix, _zero)
    if name == "torch":
        matrix = variance_scaling(1 / 3, "fan_in", "uniform")  # a uniform on (-b, b) has variance b^2 / 3
        return Scheme(matrix, normal(1.0), matrix, _uniform)
    matrix = variance_scaling({"flax": 1.0, "lecun": 1.0, "he": 2.0}[name], "fan_in", "truncated_normal")
    return Scheme(matrix, normal(columns**-0.5), matrix, _zero)


def _zero(fan_in: int) -> Initializer:
    return jax.nn.initializers.zeros


def _uniform(fan_in: int) -> Initializer:
    bound = fan_in**-0.5

    def draw(key: jax.Array, shape: tuple[int, ...], dtype: jnp.dtype) -> jax.Array:
        return jax.random.uniform(key, shape, dtype, -bound, bound)

    return draw


def dense(name: str, drawn: Scheme, fan_in: int, features: int, bias: bool) -> nn.Dense:
    """A dense layer [..., fan_in] -> [..., features] with its initial values from a scheme."""
    return nn.Dense(features, use_bias=bias, kernel_init=drawn.matrix, bias_init=drawn.bias(fan_in), name=name)


def scaled(params: Params, factor: jax.Array | float) -> Params:
    """Every parameter times `factor`, which may be traced; like Omnigrok: biases and normalisation gains too."""
    return jax.tree.map(lambda leaf: (leaf * factor).astype(leaf.dtype), params)
