"""Transformer: Nanda, Chan, Lieberum, Smith, Steinhardt 2023 (arXiv 2301.05217), with the variants of other papers.

The defaults are Nanda's network. What differs: only the last position is computed beyond the keys and values of the
last layer (nothing else reaches the answer), and there is dropout. Other published networks are presets
(`presets.py`): settings of this one.
"""

import dataclasses
from typing import cast

import flax.linen as nn
import jax
import jax.numpy as jnp

from grokjax.core.interfaces import Model, Params, Signature, WeightGraph
from grokjax.core.part import Swept, part, setting
from grokjax.models import transformer_tables
from grokjax.models.class_product import ClassLayer, class_product
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
from grokjax.models.presets import TRANSFORMERS
from grokjax.models.sown import captured, sown
from grokjax.models.sublayers import EPSILON, FeedForward, normalisation, positions


@part
class Transformer(Model):
    """Decoder on token inputs [example, token]; answers at the last position, outputs [example, class].

    A task with several answers has them at the last positions, outputs [example, answer, class]. No position may see
    what it is to answer, so the network must be causal then.

    With x the residual stream and f attention or MLP, one sublayer is

    - norm none: x + f(x)
    - norm pre:  x + f(N(x)), and one more N before the output matrix
    - norm post: N(x + f(x)), and no other N unless `final_norm` asks for one before the output matrix

    The stream itself is never overwritten by N(x) before f is added, as happens in some code bases. Norm `layer` has
    gain and shift, `rms` a gain only; they divide by sqrt(variance + epsilon) and sqrt(mean square + epsilon).
    Attention scores are divided by sqrt(width / heads). Learned positions are a table added to the embeddings;
    sinusoidal ones add sin(t / 10000^(2i / width)) to column 2i and cos of the same to column 2i + 1.
    Dropout acts on what each sublayer adds to the stream (Power's code: on the MLP's only), input noise on the stream
    before the first layer, positions included.
    With one layer `causal` changes nothing: the last position sees all others either way.

    Form `plain` is the Flax module of this file. `tables`, equal to rounding, computes what does not differ between all
    examples once per symbol (`transformer_tables.py`); several answers and inputs with noise are always computed in the
    plain form. `merged` also multiplies neighbouring matrices once a step; it needs one layer, one answer, no
    normalisation, no dropout and no input noise.
    """

    paper = "Nanda et al. 2023, 2301.05217"
    presets = TRANSFORMERS
    revision = 2  # 2: dropout draws a mask per example

    layers: int = setting(1, "attention and MLP pairs", at_least=1)
    heads: int = setting(4, "attention heads; divides width", at_least=1)
    width: int = setting(128, "length of the residual stream", at_least=1)
    mlp_width: int | None = setting(None, "hidden units of each MLP; none means 4 x width", at_least=1)
    activation: str = setting("relu", "of the MLP; gelu is the tanh approximation", choices=tuple(ACTIVATIONS))
    norm: str = setting("none", "where the stream is normalised", choices=("none", "pre", "post"))
    norm_kind: str = setting("layer", "which normalisation", choices=("layer", "rms"))
    norm_epsilon: Swept = setting(
        EPSILON, "epsilon of the normalisation; PyTorch's is 1e-5", above=0, added=EPSILON, scheduled=False
    )
    final_norm: bool = setting(
        False, "norm post: one more normalisation before the output matrix (pre has it anyway)", added=False
    )
    attention_bias: bool = setting(False, "biases of query, key, value and attention output")
    mlp_bias: bool = setting(True, "biases of the MLP")
    output_bias: bool = setting(False, "bias of the output matrix")
    causal: bool = setting(True, "whether a position sees only itself and earlier ones")
    positions: str = setting("learned", "how positions are told apart", choices=("learned", "sinusoidal", "none"))
    positions_length: int | None = setting(
        None, "rows of the learned table; none means one per token; further rows only decay", at_least=1
    )
    tied: bool = setting(False, "whether the output matrix is the transposed embedding; class c is then symbol c")
    outputs: str = setting(
        "vocabulary", "output columns: one per symbol (Nanda: 114) or per class", choices=("vocabulary", "classes")
    )
    initializer: str = setting(
        "nanda", "scheme of initializers.py", choices=("nanda", "lens", "torch_multihead", *SCHEMES)
    )
    init_scale: Swept = setting(1.0, ABOUT_INIT_SCALE, above=0, scheduled=False)
    init_scale_on: str = setting("*", ABOUT_INIT_SCALE_ON, added="*")
    dropout: Swept | None = setting(
        None, "share of each sublayer's output that is dropped; none draws no masks", at_least=0, below=1
    )
    input_noise: Swept | None = setting(None, ABOUT_INPUT_NOISE, at_least=0, added=None)
    output_scale: Swept | None = setting(None, ABOUT_OUTPUT_SCALE, above=0, added=None)
    centred: bool = setting(False, ABOUT_CENTRED, added=False)

    form: str = setting(
        "tables", "how it is computed; equal to rounding", choices=("tables", "merged", "plain"), added="plain"
    )

    def form_used(self, signature: Signature) -> str:
        """What `form` comes to."""
        return "plain" if signature.num_answers > 1 or self.input_noise is not None else self.form

    def rows_per_example(self, signature: Signature) -> int:
        return signature.input_shape[0] if self.form_used(signature) == "plain" else 1

    def idle_settings(self) -> tuple[str, ...]:
        return ("causal",) if self.layers == 1 else ()

    def module(self, signature: Signature) -> "Decoder":
        """The Flax module, always in the plain form; called with inputs [example, token], a dropout rate and keys.

        Outputs are those before `output_scale` and without `centred`.
        """
        vocabulary = check(self, signature)
        # Flax modules are static: swept fields, which may be traced, are arguments of its call instead. Only
        # `norm_epsilon` may stay, since nothing asks for more of it than a sum.
        return Decoder(
            shape=dataclasses.replace(self, init_scale=1.0, dropout=None, input_noise=None, output_scale=None),
            vocabulary=vocabulary,
            columns=vocabulary if self.outputs == "vocabulary" else signature.num_classes,
            answers=signature.num_answers,
        )

    def init(self, key: jax.Array, signature: Signature) -> Params:
        inputs = jnp.zeros((1, *signature.input_shape), jnp.int32)
        params = self.module(signature).init(key, inputs, None, None)["params"]
        return scaled(params, self.init_scale, self.init_scale_on)

    def prepare(self, params: Params, signature: Signature) -> Params:
        is_plain = self.form_used(signature) == "plain"
        return params if is_plain else transformer_tables.prepare(self, params, signature)

    def logits(self, prepared: Params, inputs: jax.Array, signature: Signature, key: jax.Array | None) -> jax.Array:
        if self.form_used(signature) != "plain":
            outputs = transformer_tables.answer(self, prepared, inputs, signature, key)
        else:
            network = self.module(signature)
            outputs = network.apply({"params": prepared}, inputs, self.dropout, key, self.input_noise)
        return scaled_outputs(cast(jax.Array, outputs), self.output_scale)

    def activations(self, params: Params, inputs: jax.Array, signature: Signature) -> dict[str, jax.Array]:
        return sown(self.module(signature), params, inputs, None, None)

    def subtracts_start(self) -> bool:
        return self.centred

    def captured(self, params: Params, inputs: jax.Array, signature: Signature) -> dict[str, jax.Array]:
        return captured(self.module(signature), params, inputs, None, None)

    def weight_graphs(self, params: Params, signature: Signature) -> tuple[WeightGraph, ...]:
        """One for each layer's MLP, between the entries of the stream that it reads and those that it adds to."""
        graphs = []
        for name in (f"layer_{index}" for index in range(self.layers)):
            layers = params[name]["mlp"]
            units = tuple(f"{name}/mlp/hidden/{leaf}" for leaf in layers["hidden"])
            weights = (layers["hidden"]["kernel"], layers["output"]["kernel"])
            graphs.append(WeightGraph(weights, ((units,),), of_symbols=False))
        return tuple(graphs)


def check(model: Transformer, signature: Signature) -> int:
    """Number of symbols; refuses, in one line, a task or a combination of fields that this network cannot have."""
    shape = signature.input_shape
    if signature.vocabulary is None or len(shape) != 1:
        raise ValueError(
            f"model.kind: transformer needs token inputs, but {signature.task} gives {signature.input_dtype} "
            f"inputs of shape {shape}; nearest is mlp"
        )
    if model.width % model.heads:
        divisors = [n for n in range(1, model.width + 1) if model.width % n == 0]
        nearest = min(divisors, key=lambda divisor: abs(divisor - model.heads))
        raise ValueError(f"model.heads: must divide width {model.width}, got {model.heads}; nearest is {nearest}")
    if model.positions_length is not None and model.positions_length < shape[0]:
        raise ValueError(
            f"model.positions_length: must be at least the {shape[0]} input tokens, got {model.positions_length}; "
            f"nearest is {shape[0]}"
        )
    if model.tied and model.outputs == "classes" and signature.num_classes > signature.vocabulary:
        raise ValueError(
            f"model.tied: needs a symbol for each class, got {signature.vocabulary} symbols and "
            f"{signature.num_classes} classes; nearest is false"
        )
    if model.form_used(signature) != "plain" and len(signature.fixed) != shape[0] - len(signature.operands):
        raise ValueError(
            f"model.form: {model.form} needs the symbols that all examples share; the signature of {signature.task} "
            f"names {len(signature.fixed)} of {shape[0] - len(signature.operands)}; nearest is plain"
        )
    answers = signature.num_answers
    if answers > shape[0]:
        raise ValueError(
            f"model.kind: transformer answers at the last tokens of an input, which has {shape[0]}; {signature.task} "
            f"has {answers} answers"
        )
    if answers > 1 and not model.causal:
        raise ValueError(f"model.causal: the {answers} answers of the task would be seen in advance; nearest is true")
    is_exact = model.dropout is None and model.input_noise is None
    is_one_layer = model.layers == 1 and model.norm == "none" and is_exact
    if model.form == "merged" and (answers > 1 or not is_one_layer):
        rule = "merged needs layers 1, one answer, norm none, no dropout and no input noise"
        raise ValueError(f"model.form: {rule}; nearest is tables")
    if model.final_norm and model.norm != "post":
        raise ValueError("model.final_norm: needs norm post; nearest is false")
    return signature.vocabulary


class Decoder(nn.Module):
    """Embedding, layers and output matrix; `shape` is the part with its swept fields left at their defaults."""

    shape: Transformer
    vocabulary: int
    columns: int
    answers: int

    @nn.compact
    def __call__(
        self,
        inputs: jax.Array,
        rate: jax.Array | float | None,
        key: jax.Array | None,
        deviation: jax.Array | float | None = None,
    ) -> jax.Array:
        """[example, class] from inputs [example, token]; [example, answer, class] where there are several answers."""
        shape = self.shape
        drawn = scheme(shape.initializer, shape.width, shape.width, self.vocabulary)
        embed = nn.Embed(self.vocabulary, shape.width, embedding_init=drawn.embedding, name="embed")
        stream = embed(inputs)  # [example, token, width]
        if shape.positions != "none":
            stream = stream + positions(shape, inputs.shape[1], drawn)[None].astype(stream.dtype)
        stream = input_noise(stream, deviation, key)
        for index in range(shape.layers):
            needed = self.answers if index == shape.layers - 1 else inputs.shape[1]
            stream = Layer(shape, drawn, name=f"layer_{index}")(stream, needed, rate, key, 2 * index)
        answer = stream[:, -1] if self.answers == 1 else stream
        if shape.norm == "pre" or shape.final_norm:
            answer = normalisation(shape, "final_norm")(answer)
        if not shape.tied:
            return ClassLayer(drawn, self.columns, shape.output_bias, name="output")(answer)
        bias = None
        if shape.output_bias:
            bias = self.param("output_bias", drawn.bias(shape.width), (self.columns,), jnp.float32)
        return class_product(answer, embed.embedding[: self.columns].T, bias)


class Layer(nn.Module):
    """Attention and MLP around one residual stream."""

    shape: Transformer
    drawn: Scheme

    @nn.compact
    def __call__(
        self, stream: jax.Array, needed: int, rate: jax.Array | float | None, key: jax.Array | None, place: int
    ) -> jax.Array:
        """[example, needed, width] from the stream [example, token, width]: its last `needed` positions."""
        attention = Attention(self.shape, self.drawn, name="attention")
        added = attention(self.before("attention_norm", stream), needed)
        stream = self.after("attention_norm", stream[:, -needed:] + dropout(added, rate, key, place))
        added = FeedForward(self.shape, self.drawn, name="mlp")(self.before("mlp_norm", stream))
        stream = self.after("mlp_norm", stream + dropout(added, rate, key, place + 1))
        self.sow("intermediates", "stream", stream)
        return stream

    def before(self, name: str, stream: jax.Array) -> jax.Array:
        """What a sublayer reads."""
        return normalisation(self.shape, name)(stream) if self.shape.norm == "pre" else stream

    def after(self, name: str, stream: jax.Array) -> jax.Array:
        """What a sublayer leaves in the stream."""
        return normalisation(self.shape, name)(stream) if self.shape.norm == "post" else stream


class Attention(nn.Module):
    """Multi-head attention; head h owns columns [h * width / heads, (h + 1) * width / heads) of each matrix."""

    shape: Transformer
    drawn: Scheme

    @nn.compact
    def __call__(self, stream: jax.Array, needed: int) -> jax.Array:
        """[example, needed, width] from [example, token, width]: answers to the last `needed` positions."""
        shape, tokens = self.shape, stream.shape[1]

        def project(name: str, source: jax.Array) -> jax.Array:
            """[example, token, head, unit]."""
            layer = dense(name, self.drawn.of_attention(name), shape.width, shape.width, shape.attention_bias)
            return layer(source).reshape(*source.shape[:2], shape.heads, -1)

        queries, keys, values = project("query", stream[:, -needed:]), project("key", stream), project("value", stream)
        scores = jnp.einsum("eqhu,ekhu->ehqk", queries, keys) / (shape.width / shape.heads) ** 0.5
        if shape.causal:
            visible = jnp.tri(tokens, dtype=bool)[-needed:]  # [query, key]
            scores = jnp.where(visible[None, None], scores, -jnp.inf)
        weights = jax.nn.softmax(scores)
        self.sow("intermediates", "weights", weights)
        mixed = jnp.einsum("ehqk,ekhu->eqhu", weights, values)
        layer = dense("output", self.drawn.of_attention("output"), shape.width, shape.width, shape.attention_bias)
        return layer(mixed.reshape(*mixed.shape[:2], shape.width))
