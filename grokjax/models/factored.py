"""MLP whose input and output matrices are products through one embedding: Pearce et al. 2023, the explorable of PAIR.

Outputs are act(e_a W_in + e_b W_in) W_out E^T, e_a and e_b rows of the embedding E, without biases. Their question is
which of these products it takes to grok: embeddings may be untied, and either product may be collapsed to one matrix.
Their loss is our cross-entropy divided by p: they average over the p classes.
"""

import dataclasses

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np

from grokjax.core.interfaces import Model, Params, Signature, WeightGraph
from grokjax.core.part import Swept, part, setting
from grokjax.core.symbol_lookup import sum_of_rows
from grokjax.models.class_product import ClassLayer, class_product
from grokjax.models.hidden_units import ACTIVATIONS
from grokjax.models.initializers import ABOUT_INIT_SCALE, ABOUT_INIT_SCALE_ON, SCHEMES, dense, scaled, scheme
from grokjax.models.periodic_weights import circle_weights
from grokjax.models.presets import FACTORED
from grokjax.models.sown import captured, sown
from grokjax.models.symbol_rows import by_rows, num_symbols


@part
class Factored(Model):
    """One hidden layer between embeddings: inputs [example, token] at the operands, outputs [example, class].

    With `collapsed_in` a row of the embedding is what a symbol gives to the hidden units (length width, no matrix
    behind it). With `collapsed_out` hidden units give outputs by one matrix, which is the embedding if that is tied to
    the output and as wide. Class c is symbol c where embedding and output are tied.
    """

    paper = "Pearce et al. 2023, PAIR explorable"
    presets = FACTORED

    embedding: int = setting(500, "length of an embedding vector", at_least=1)
    width: int = setting(24, "hidden units", at_least=1)
    activation: str = setting("relu", "of hidden units; gelu is the tanh approximation", choices=tuple(ACTIVATIONS))
    tied: str = setting(
        "all", "embeddings that are one: of all operands and the output, of the operands, or none",
        choices=("all", "operands", "none"),
    )  # fmt: skip
    shared_hidden: bool = setting(True, "one matrix from embedding to hidden units for all operands, or one each")
    collapsed_in: bool = setting(False, "one matrix instead of embedding times hidden matrix")
    collapsed_out: bool = setting(False, "one matrix instead of output matrix times embedding")
    initializer: str = setting(
        "haiku", "scheme of initializers.py, or periodic: solved already", choices=(*SCHEMES, "periodic")
    )
    init_scale: Swept = setting(1.0, ABOUT_INIT_SCALE, above=0, scheduled=False)
    init_scale_on: str = setting("*", ABOUT_INIT_SCALE_ON)

    def rows_per_example(self, signature: Signature) -> int:
        return 1

    def idle_settings(self) -> tuple[str, ...]:
        return ("shared_hidden", "embedding") if self.collapsed_in else ()

    def module(self, signature: Signature) -> "Network":
        """The Flax module, example by example; called with inputs [example, token]."""
        # Flax modules are static, and a swept field may be traced. Closed-form weights are not drawn by it.
        drawn = "haiku" if self.initializer == "periodic" else self.initializer
        shape = dataclasses.replace(self, init_scale=1.0, initializer=drawn)
        return Network(shape, signature.operands, _symbols(self, signature), signature.num_classes)

    def init(self, key: jax.Array, signature: Signature) -> Params:
        if self.initializer == "periodic":
            params = _solved(self, signature)
        else:
            inputs = jnp.zeros((1, *signature.input_shape), jnp.int32)
            params = self.module(signature).init(key, inputs)["params"]
        return scaled(params, self.init_scale, self.init_scale_on)

    def prepare(self, params: Params, signature: Signature) -> Params:
        """What each symbol gives to the hidden units, [symbol, width] an operand, and outputs [width, class]."""
        tables = []
        for index in range(len(signature.operands)):
            table = params["embed" if self.tied != "none" else f"embed_{index}"]["embedding"]
            if not self.collapsed_in:
                table = by_rows(table, params["hidden" if self.shared_hidden else f"hidden_{index}"]["kernel"])
            tables.append(table)
        if "unembed" in params:
            output = params["unembed"]["kernel"]
        else:
            output = params["embed"]["embedding"][: signature.num_classes].T
        if not self.collapsed_out:
            output = by_rows(output.T, params["output"]["kernel"].T).T
        return {"tables": tables, "output": output}

    def logits(self, prepared: Params, inputs: jax.Array, signature: Signature, key: jax.Array | None) -> jax.Array:
        hidden = sum_of_rows(prepared["tables"], inputs[:, signature.operands])
        return class_product(ACTIVATIONS[self.activation](hidden), prepared["output"])

    def activations(self, params: Params, inputs: jax.Array, signature: Signature) -> dict[str, jax.Array]:
        return sown(self.module(signature), params, inputs)

    def captured(self, params: Params, inputs: jax.Array, signature: Signature) -> dict[str, jax.Array]:
        return captured(self.module(signature), params, inputs)

    def weight_graphs(self, params: Params, signature: Signature) -> tuple[WeightGraph, ...]:
        """One; none where the embedding alone reaches the units and also does something else."""
        if self.collapsed_in and self.tied == "all":
            return ()
        matrices, reached = self.prepare(params, signature), "embed" if self.collapsed_in else "hidden"
        units = tuple(f"{name}/{leaf}" for name in params if name.startswith(reached) for leaf in params[name])
        weights = (np.concatenate(matrices["tables"]), np.asarray(matrices["output"]))
        return (WeightGraph(weights, ((units,),), of_symbols=True),)


class Network(nn.Module):
    """The same network as a Flax module; `shape` is the part without its swept field."""

    shape: Factored
    operands: tuple[int, ...]
    symbols: int
    classes: int

    @nn.compact
    def __call__(self, inputs: jax.Array, rate: None = None, key: None = None) -> jax.Array:
        """[example, class] from inputs [example, token]; there is no dropout to have a rate and keys."""
        shape = self.shape
        columns = shape.width if shape.collapsed_in else shape.embedding
        drawn = scheme(shape.initializer, shape.width, columns)
        count = range(len(self.operands))
        embeds = {
            name: nn.Embed(self.symbols, columns, embedding_init=drawn.embedding, name=name)
            for name in dict.fromkeys("embed" if shape.tied != "none" else f"embed_{index}" for index in count)
        }
        rows = [
            embeds["embed" if shape.tied != "none" else f"embed_{index}"](inputs[:, position])
            for index, position in enumerate(self.operands)
        ]
        if not shape.collapsed_in:
            names = ["hidden" if shape.shared_hidden else f"hidden_{index}" for index in count]
            layers = {name: dense(name, drawn, columns, shape.width, False) for name in dict.fromkeys(names)}
            rows = [layers[name](row) for name, row in zip(names, rows, strict=True)]
        answer = ACTIVATIONS[shape.activation](sum(rows[1:], start=rows[0]))
        self.sow("intermediates", "units", answer)
        if not shape.collapsed_out:
            answer = dense("output", drawn, shape.width, columns, False)(answer)
        if shape.tied == "all" and answer.shape[1] == columns:
            return class_product(answer, embeds["embed"].embedding[: self.classes].T)
        last = drawn if shape.collapsed_out else drawn._replace(output=drawn.embedding)
        return ClassLayer(last, self.classes, bias=False, name="unembed")(answer)


def _symbols(model: Factored, signature: Signature) -> int:
    """Number of symbols; refuses, in one line, a task that this network cannot have."""
    symbols = num_symbols(model.kind, signature)
    if symbols is None:
        raise ValueError(f"model.kind: factored needs token inputs, got {signature.input_dtype}; nearest is mlp")
    if model.tied == "all" and signature.num_classes > symbols:
        raise ValueError(
            f"model.tied: all needs a symbol for each class, got {symbols} symbols and {signature.num_classes} "
            "classes; nearest is operands"
        )
    return symbols


def _solved(model: Factored, signature: Signature) -> Params:
    """Closed-form weights; refused where the network is not the one that they solve."""
    is_tied = (model.tied, model.shared_hidden, model.collapsed_in, model.collapsed_out) == ("all", True, False, False)
    symbols = _symbols(model, signature)
    if model.embedding != 2 or not is_tied or len(signature.operands) != 2 or symbols != signature.num_classes:
        raise ValueError(
            "model.initializer: periodic needs embedding 2, tied all, shared_hidden, nothing collapsed, and two "
            "operands with as many symbols as there are classes; nearest is haiku"
        )
    return circle_weights(symbols, model.width)
