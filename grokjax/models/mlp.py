"""MLP: Gromov 2023 (arXiv 2301.02679) and Doshi, Das, He, Gromov 2024 (arXiv 2310.13061), and deeper or embedded ones.

The defaults with activation square are their quadratic network without biases, f(x) = W (U x_a + V x_b)^2. As in
Doshi, and unlike Gromov, the output carries no prefactor 1 / (2 p width). Initializer `periodic` starts from the
weights that solve x + y, known in closed form (`periodic_weights.py`). Other published networks are presets
(`presets.py`), the embedding and decoder of Liu et al. 2022 among them.
"""

import dataclasses
import functools
import math
from collections.abc import Callable
from typing import cast

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from grokjax.core.fixed_product import LONGEST
from grokjax.core.interfaces import Model, Params, Signature, WeightGraph
from grokjax.core.part import Swept, part, setting
from grokjax.core.symbol_lookup import sum_of_rows
from grokjax.models.class_product import ClassLayer
from grokjax.models.hidden_units import (
    ABOUT_CENTRED,
    ABOUT_INPUT_NOISE,
    ABOUT_OUTPUT_SCALE,
    ACTIVATIONS,
    dropout,
    input_noise,
    scaled_outputs,
)
from grokjax.models.initializers import (
    ABOUT_INIT_SCALE,
    ABOUT_INIT_SCALE_ON,
    SCHEMES,
    Scheme,
    dense,
    scaled,
    scheme,
)
from grokjax.models.periodic_weights import quadratic_weights
from grokjax.models.presets import MLPS
from grokjax.models.sown import captured, sown
from grokjax.models.sublayers import layer_norm
from grokjax.models.symbol_rows import by_rows, num_symbols


@part
class MLP(Model):
    """Fully connected network on the operands of token inputs, or on real-valued inputs [example, ...] made flat.

    Of token inputs [example, token] only the positions `signature.operands` are read, in one of four encodings:

    - one_hot: one one-hot per operand, concatenated, length operands x symbols (2p for x + y mod p)
    - concatenated: one embedding vector per operand, concatenated, length operands x embedding
    - summed: the sum of those vectors, length embedding (Liu et al. 2022)
    - product: those vectors read row by row as square matrices, and multiplied (Liu et al. 2022 on S3, 3 x 3)

    Tokens that no example varies must be the last ids of the vocabulary, one each: operands are then ids below
    `vocabulary - (tokens - operands)`, which is the number of symbols. A larger id gives NaN, not another symbol's row.
    Outputs are [example, class]. With `residual`, a hidden layer after the first adds its output to what it reads,
    h + act(W N(h)), where N is a layer norm or, without `norm`, nothing. Dropout acts on the pre-activations of every
    hidden layer (as in Doshi), input noise on real values, one-hots or embedding vectors (as in Tan, Huang 2023).

    Form `tables` computes what the first layer makes of each symbol once a step, not once an example: the layer is
    linear, so its pre-activations are a sum of one table row per operand (a one-hot kernel consists of such rows). A
    product of embeddings is no such sum, and always plain; so are inputs with noise.
    """

    paper = "Gromov 2023, 2301.02679; Doshi et al. 2024, 2310.13061"
    presets = MLPS
    revision = 2  # 2: dropout draws a mask per example

    depth: int = setting(1, "hidden layers", at_least=1)
    width: int = setting(200, "units of each hidden layer", at_least=1)
    activation: str = setting("relu", "of hidden units; gelu is the tanh approximation", choices=tuple(ACTIVATIONS))
    bias: bool = setting(False, "biases of all layers")
    output_bias: bool = setting(True, "with bias: that of the output layer too", added=True)
    residual: bool = setting(False, "whether hidden layers after the first add to what they read", added=False)
    norm: str = setting(
        "none",
        "what hidden layers after the first normalise before their matrix",
        choices=("none", "layer"),
        added="none",
    )
    encoding: str = setting("one_hot", "of token inputs", choices=("one_hot", "concatenated", "summed", "product"))
    embedding: int = setting(128, "length of an embedding vector (all encodings but one_hot)", at_least=1)
    shared_embedding: bool = setting(True, "one embedding table for all operands, or one each")
    initializer: str = setting(
        "lecun", "scheme of initializers.py, or periodic: solved already", choices=(*SCHEMES, "periodic")
    )
    init_scale: Swept = setting(1.0, ABOUT_INIT_SCALE, above=0, scheduled=False)
    init_scale_on: str = setting("*", ABOUT_INIT_SCALE_ON, added="*")
    dropout: Swept | None = setting(
        None, "share of hidden pre-activations that is dropped; none draws no masks", at_least=0, below=1
    )
    input_noise: Swept | None = setting(None, ABOUT_INPUT_NOISE, at_least=0, added=None)
    output_scale: Swept | None = setting(None, ABOUT_OUTPUT_SCALE, above=0, added=None)
    centred: bool = setting(False, ABOUT_CENTRED, added=False)

    form: str = setting(
        "tables", "of token inputs: first layer once per symbol, or plain; equal to rounding",
        choices=("tables", "plain"), added="plain",
    )  # fmt: skip

    def form_used(self, signature: Signature) -> str:
        """What `form` comes to: real-valued inputs, products and inputs with noise have nothing to tabulate."""
        is_plain = signature.vocabulary is None or self.encoding == "product" or self.input_noise is not None
        return "plain" if is_plain else self.form

    def rows_per_example(self, signature: Signature) -> int:
        return 1

    def longest_sum(self, signature: Signature) -> int:
        return LONGEST if self.encoding == "product" else 2 * LONGEST

    def module(self, signature: Signature) -> "Network":
        """The Flax module; called with inputs [example, ...], a dropout rate and keys [example] or None.

        Outputs are those before `output_scale` and without `centred`.
        """
        if self.encoding == "product" and math.isqrt(self.embedding) ** 2 != self.embedding:
            nearest = max(round(math.sqrt(self.embedding)), 1) ** 2
            raise ValueError(
                f"model.embedding: encoding product needs the square of a whole number, got {self.embedding}; "
                f"nearest is {nearest}"
            )
        # Flax modules are static: the swept fields, which may be traced, are arguments of its call instead.
        drawn = "lecun" if self.initializer == "periodic" else self.initializer  # nothing is drawn by it then
        return Network(
            shape=dataclasses.replace(
                self, init_scale=1.0, dropout=None, input_noise=None, output_scale=None, initializer=drawn
            ),
            symbols=num_symbols("mlp", signature),
            operands=signature.operands,
            classes=signature.num_classes,
        )

    def init(self, key: jax.Array, signature: Signature) -> Params:
        if self.initializer == "periodic":
            params = _solved(self, key, signature)
        else:
            inputs = jnp.zeros((1, *signature.input_shape), signature.input_dtype)
            params = self.module(signature).init(key, inputs, None, None)["params"]
        return scaled(params, self.init_scale, self.init_scale_on)

    def idle_settings(self) -> tuple[str, ...]:
        idle = () if self.bias else ("output_bias",)
        return (*idle, "residual", "norm") if self.depth == 1 else idle

    def prepare(self, params: Params, signature: Signature) -> Params:
        if self.form_used(signature) == "plain":
            return params
        rest = {name: leaf for name, leaf in params.items() if name != "hidden_0" and not name.startswith("embed")}
        return {"tables": first_layer_tables(self, params, len(signature.operands)), **rest}

    def logits(self, prepared: Params, inputs: jax.Array, signature: Signature, key: jax.Array | None) -> jax.Array:
        rest, first = dict(prepared), None
        if "tables" in rest:
            first = sum_of_rows(rest.pop("tables"), inputs[:, signature.operands])
        network = self.module(signature)
        outputs = network.apply({"params": rest}, inputs, self.dropout, key, first, self.input_noise)
        return scaled_outputs(cast(jax.Array, outputs), self.output_scale)

    def activations(self, params: Params, inputs: jax.Array, signature: Signature) -> dict[str, jax.Array]:
        return sown(self.module(signature), params, inputs, None, None)

    def subtracts_start(self) -> bool:
        return self.centred

    def captured(self, params: Params, inputs: jax.Array, signature: Signature) -> dict[str, jax.Array]:
        return captured(self.module(signature), params, inputs, None, None)

    def weight_graphs(self, params: Params, signature: Signature) -> tuple[WeightGraph, ...]:
        """One; none with encoding product, which is no matrix, or with residual, where units are added to others."""
        if self.encoding == "product" or (self.residual and self.depth > 1):
            return ()
        first = params["hidden_0"]["kernel"]
        if signature.vocabulary is not None:
            no_bias = dataclasses.replace(self, bias=False)
            first = np.concatenate(first_layer_tables(no_bias, params, len(signature.operands)))
        names = [f"hidden_{index}" for index in range(self.depth)]
        return (
            WeightGraph(
                weights=(first, *(params[name]["kernel"] for name in names[1:]), params["output"]["kernel"]),
                units=tuple((tuple(f"{name}/{leaf}" for leaf in params[name]),) for name in names),
                of_symbols=signature.vocabulary is not None,
            ),
        )


def _solved(model: MLP, key: jax.Array, signature: Signature) -> Params:
    """Closed-form weights; refused where the network is not the one that they solve."""
    symbols = num_symbols("mlp", signature)
    is_quadratic = (model.depth, model.activation, model.encoding, model.bias) == (1, "square", "one_hot", False)
    if not is_quadratic or len(signature.operands) != 2 or symbols != signature.num_classes:
        raise ValueError(
            "model.initializer: periodic needs depth 1, activation square, encoding one_hot, bias false and two "
            "operands with as many symbols as there are classes; nearest is doshi"
        )
    return quadratic_weights(key, signature.num_classes, model.width)


def first_layer_tables(model: MLP, params: Params, operands: int) -> list[jax.Array]:
    """What the first layer makes of each symbol: one table [symbol, width] per operand, the bias in the first."""
    layer = params["hidden_0"]
    summed = model.encoding == "summed"
    pieces = [layer["kernel"]] * operands if summed else jnp.split(layer["kernel"], operands)
    if model.encoding == "one_hot":
        tables = pieces
    else:
        names = ["embed" if model.shared_embedding else f"embed_{index}" for index in range(operands)]
        tables = [by_rows(params[name]["embedding"], piece) for name, piece in zip(names, pieces, strict=True)]
    return [tables[0] + layer["bias"][None], *tables[1:]] if model.bias else tables


def _product(vectors: jax.Array) -> jax.Array:
    """[example, entry] of the matrix products over operands, from [example, operand, entry] with rows in order."""
    side = math.isqrt(vectors.shape[-1])
    matrices = vectors.reshape(*vectors.shape[:2], side, side)

    def times(left: jax.Array, right: jax.Array) -> jax.Array:
        return jnp.sum(left[..., None] * right[:, None], axis=2)  # small; a batched product would go through a library

    factors = (matrices[:, operand] for operand in range(vectors.shape[1]))
    return functools.reduce(times, factors).reshape(len(vectors), -1)


_JOINED = {  # [example, operand, embedding] -> [example, feature]
    "concatenated": lambda vectors: vectors.reshape(len(vectors), -1),
    "summed": lambda vectors: vectors.sum(axis=1),
    "product": _product,
}


class Network(nn.Module):
    """Encoding, hidden layers and output layer; `shape` is the part with its swept fields left at their defaults."""

    shape: MLP
    symbols: int | None
    operands: tuple[int, ...]
    classes: int

    @nn.compact
    def __call__(
        self,
        inputs: jax.Array,
        rate: jax.Array | float | None,
        key: jax.Array | None,
        first: jax.Array | None = None,
        deviation: jax.Array | float | None = None,
    ) -> jax.Array:
        """[example, class] from inputs [example, ...], or from `first`, what `self.first` makes of them."""
        shape = self.shape
        drawn = scheme(shape.initializer, shape.width, shape.embedding)
        noisy = functools.partial(input_noise, deviation=deviation, key=key)
        hidden = self.first(inputs, drawn, noisy) if first is None else first
        for index in range(shape.depth):
            stream = hidden
            if index > 0:
                read = layer_norm(f"norm_{index}")(hidden) if shape.norm == "layer" else hidden
                hidden = dense(f"hidden_{index}", drawn, shape.width, shape.width, shape.bias)(read)
            hidden = ACTIVATIONS[shape.activation](dropout(hidden, rate, key, index))
            self.sow("intermediates", f"units_{index}", hidden)
            hidden = stream + hidden if shape.residual and index > 0 else hidden
        return ClassLayer(drawn, self.classes, shape.bias and shape.output_bias, name="output")(hidden)

    def first(self, inputs: jax.Array, drawn: Scheme, noisy: Callable[[jax.Array], jax.Array]) -> jax.Array:
        """Pre-activations of the first hidden layer: [example, width] from inputs [example, ...]."""
        shape = self.shape
        if self.symbols is None:
            source = noisy(inputs.reshape(len(inputs), -1))
        elif shape.encoding == "one_hot":
            layer = OneHotDense(self.symbols, shape.width, drawn, shape.bias, name="hidden_0")
            return layer(inputs[:, self.operands], noisy)
        else:
            vectors = noisy(self.embedded(inputs[:, self.operands], self.symbols, drawn))
            source = _JOINED[shape.encoding](vectors)
        return dense("hidden_0", drawn, source.shape[1], shape.width, shape.bias)(source)

    def embedded(self, operands: jax.Array, symbols: int, drawn: Scheme) -> jax.Array:
        """[example, operand, embedding] of operands [example, operand]."""

        def table(name: str) -> nn.Embed:
            return nn.Embed(symbols, self.shape.embedding, embedding_init=drawn.embedding, name=name)

        if self.shape.shared_embedding:
            return table("embed")(operands)
        columns = [table(f"embed_{index}")(operands[:, index]) for index in range(operands.shape[1])]
        return jnp.stack(columns, axis=1)


class OneHotDense(nn.Module):
    """Dense layer on concatenated one-hots, whose product with `kernel` is a sum of rows, one an operand.

    Row `operand * symbols + symbol` of `kernel` [operand * symbol, feature] belongs to `symbol` at `operand`.
    """

    symbols: int
    features: int
    drawn: Scheme
    bias: bool

    @nn.compact
    def __call__(self, operands: jax.Array, noisy: Callable[[jax.Array], jax.Array]) -> jax.Array:
        """[example, feature] from operands [example, operand]; `noisy` adds what is added to the one-hots."""
        count = operands.shape[1]
        fan_in = count * self.symbols
        kernel = self.param("kernel", self.drawn.matrix, (fan_in, self.features), jnp.float32)
        tables = kernel.reshape(count, self.symbols, self.features)
        outputs = sum_of_rows(list(tables), operands)
        silence = jnp.zeros((len(operands), fan_in), kernel.dtype)
        if (noise := noisy(silence)) is not silence:
            outputs = outputs + noise @ kernel
        if self.bias:
            outputs = outputs + self.param("bias", self.drawn.bias(fan_in), (self.features,), jnp.float32)[None]
        return outputs
