"""How initial parameters are drawn: named schemes with their formulas, the same for all built-in models.

| name   | matrix [input, output]                    | embedding, positions    | output matrix         | bias     |
|--------|-------------------------------------------|-------------------------|-----------------------|----------|
| nanda  | N(0, 1) / sqrt(width)                     | N(0, 1) / sqrt(width)   | N(0, 1) / sqrt(vocab) | 0        |
| lens   | 0.8 N(0, 1) / sqrt(width)                 | as matrix               | as matrix             | 0        |
| normal | N(0, 1) / sqrt(fan_in)                    | N(0, 1) / sqrt(columns) | as matrix             | 0        |
| lecun  | truncated normal, variance 1 / fan_in     | N(0, 1) / sqrt(columns) | as matrix             | 0        |
| flax   | another name of lecun                     |                         |                       |          |
| he     | truncated normal, variance 2 / fan_in     | N(0, 1) / sqrt(columns) | as matrix             | 0        |
| haiku  | truncated normal, variance 0.774 / fan_in | truncated normal, 2 / p | as matrix             | 0        |
| torch  | U(-b, b), b = 1 / sqrt(fan_in)            | N(0, 1)                 | as matrix             | U(-b, b) |
| liu    | as torch                                  | U(-1/2, 1/2)            | as torch              | as torch |
| doshi  | N(0, 1) * 0.5 / (2 width)^(1/3)           | as matrix               | as matrix             | 0        |
| mup    | N(0, 1) / sqrt(fan_in)                    | N(0, 1)                 | N(0, 1) / fan_in      | 0        |

`fan_in` is the length of the input (of a concatenated one-hot input: operands x symbols), `width` that of the model's
hidden layers (transformer: of the residual stream), `columns` that of an embedding vector, `vocab` the number of
symbols, `p` the number of rows of an embedding. A normal is truncated at two deviations and rescaled, so that the
variance is the stated one; haiku's matrices are those of variance 1 / fan_in before they are cut, hence 0.774.
Normalisation layers start with gain 1 and shift 0 in every scheme. torch_multihead is torch but for attention, whose
biases are 0 and whose query, key and value are U(-c, c), c = sqrt(1.5 / width).

Sources: nanda, Nanda et al. 2023 (2301.05217), both MLP matrices included; doshi, Doshi et al. 2024 (2310.13061);
normal, the MLP of Chughtai et al. 2023 (2302.03025); liu, Liu et al. 2022 (2205.10343) at scale 1; haiku, the network
of Pearce et al. 2023 (PAIR): the default of Haiku and, for embeddings, its VarianceScaling(2); flax, torch, lens, the
defaults of Flax, of PyTorch (torch_multihead: of its MultiheadAttention) and of TransformerLens; mup, Yang et al. 2022
(2203.03466), table 3, which needs the learning rates of `mup` in `presets.py` too.
"""

import fnmatch
from collections.abc import Callable
from typing import Any, NamedTuple

import flax.linen as nn
import jax
import jax.numpy as jnp

from grokjax.core.fixed_product import LONGEST, rows_product
from grokjax.core.interfaces import Params
from grokjax.core.parameter_paths import matches, path_names

Initializer = Callable[..., jax.Array]  # (key, shape, dtype) -> array
SCHEMES = ("lecun", "flax", "he", "normal", "torch", "liu", "doshi", "haiku", "mup")
"""Schemes that know no symbols and no attention: for every model."""
_CUT = 0.87962566103423978  # deviation of a standard normal cut at two deviations
ABOUT_INIT_SCALE = "multiplies initial parameters (Omnigrok: alpha)"
ABOUT_INIT_SCALE_ON = "parameters that init_scale multiplies: a shell pattern over names such as embed/embedding"


class Scheme(NamedTuple):
    """Where the initial values of one network come from."""

    matrix: Initializer
    embedding: Initializer
    output: Initializer
    bias: Callable[[int], Initializer]  # from the fan_in of the layer that the bias belongs to
    attention: tuple[Initializer, Callable[[int], Initializer]] | None = None  # matrix, bias; None: as everywhere

    def of_attention(self, name: str) -> "Scheme":
        """For a matrix of attention: query, key, value or output."""
        if self.attention is None:
            return self
        matrix, bias = self.attention
        return self._replace(matrix=self.matrix if name == "output" else matrix, bias=bias)


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
    if name in ("doshi", "lens"):
        matrix = normal(0.5 / (2 * width) ** (1 / 3) if name == "doshi" else 0.8 / width**0.5)
        return Scheme(matrix, matrix, matrix, _zero)
    if name in ("torch", "torch_multihead", "liu"):
        matrix = variance_scaling(1 / 3, "fan_in", "uniform")  # a uniform on (-b, b) has variance b^2 / 3
        embedding = _uniform(4) if name == "liu" else normal(1.0)
        projection = variance_scaling(0.5, "fan_in", "uniform")  # Xavier of the three matrices as one
        attention = (projection, _zero) if name == "torch_multihead" else None
        return Scheme(matrix, embedding, matrix, _uniform, attention)
    if name == "haiku":
        matrix = variance_scaling(_CUT**2, "fan_in", "truncated_normal")
        return Scheme(matrix, variance_scaling(2.0, "fan_in", "truncated_normal"), matrix, _zero)
    if name == "mup":
        return Scheme(variance_scaling(1.0, "fan_in", "normal"), normal(1.0), _over_inputs, _zero)
    if name == "normal":
        matrix = variance_scaling(1.0, "fan_in", "normal")
    else:
        matrix = variance_scaling({"flax": 1.0, "lecun": 1.0, "he": 2.0}[name], "fan_in", "truncated_normal")
    return Scheme(matrix, normal(columns**-0.5), matrix, _zero)


def _zero(fan_in: int) -> Initializer:
    return jax.nn.initializers.zeros


def _over_inputs(key: jax.Array, shape: tuple[int, ...], dtype: jnp.dtype) -> jax.Array:
    return jax.random.normal(key, shape, dtype) / shape[0]


def _uniform(fan_in: int) -> Initializer:
    bound = fan_in**-0.5

    def draw(key: jax.Array, shape: tuple[int, ...], dtype: jnp.dtype) -> jax.Array:
        return jax.random.uniform(key, shape, dtype, -bound, bound)

    return draw


def dense(name: str, drawn: Scheme, fan_in: int, features: int, bias: bool) -> nn.Dense:
    """A dense layer [..., fan_in] -> [..., features] with its initial values from a scheme."""
    return nn.Dense(
        features,
        use_bias=bias,
        kernel_init=drawn.matrix,
        bias_init=drawn.bias(fan_in),
        name=name,
        dot_general=_rows_product,
    )


def _rows_product(rows: jax.Array, matrix: jax.Array, dimensions: Any, **settings: Any) -> jax.Array:
    """`rows_product`, as Flax calls a product of its dense layers."""
    is_long = rows.ndim == 2 and len(rows) > LONGEST
    return rows_product(rows, matrix) if is_long else jax.lax.dot_general(rows, matrix, dimensions, **settings)


def scaled(params: Params, factor: jax.Array | float, pattern: str = "*") -> Params:
    """The parameters that a shell pattern names times `factor`, which may be traced; the others as they are.

    Of all of them, biases and normalisation gains are scaled too, as in Omnigrok.

    Raises:
      ValueError: no parameter has such a name.
    """
    names = path_names(params)
    if not fnmatch.filter(names, pattern):
        raise ValueError(f"model.init_scale_on: no parameter matches {pattern!r}; there are: {', '.join(names)}")

    def one(path: tuple[Any, ...], leaf: jax.Array) -> jax.Array:
        return (leaf * factor).astype(leaf.dtype) if matches(path, pattern) else leaf

    return jax.tree_util.tree_map_with_path(one, params)
