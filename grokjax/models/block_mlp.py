"""MLP of blocks that do not talk to each other until the readout, with as many parameters as a monolithic one.

Whether networks of modules generalize sooner than monolithic ones is asked in Boopathy, Jiang, Yue, Hwang, Iyer, Fiete
2024 (arXiv 2409.05780) among others. One block is the monolithic `mlp` itself.
"""

import dataclasses
import math

import flax.linen as nn
import jax
import jax.numpy as jnp
import numpy as np
from scipy import linalg

from grokjax.core.interfaces import Model, Params, Signature, WeightGraph
from grokjax.core.part import Swept, part, setting
from grokjax.models.class_product import ClassLayer
from grokjax.models.hidden_units import ACTIVATIONS
from grokjax.models.initializers import ABOUT_INIT_SCALE, ABOUT_INIT_SCALE_ON, SCHEMES, dense, scaled, scheme
from grokjax.models.mlp import OneHotDense
from grokjax.models.sown import captured, sown
from grokjax.models.symbol_rows import num_symbols


@part
class BlockMlp(Model):
    """Blocks side by side, each a fully connected network on the whole input, with one readout [example, class].

    Inputs are one-hots of the operands of token inputs [example, token], concatenated, or real values [example, ...]
    made flat. Between hidden layers a unit is joined to units of its own block alone: the matrix of an `mlp` with zeros
    elsewhere. With one hidden layer there would be nothing to tell it from an `mlp`, so depth is at least 2.

    Unless `block_width` is set, blocks are as wide as makes the number of parameters that of an `mlp` with the same
    `depth`, `bias` and this `width`, which one block is: with i inputs and c classes the whole number nearest to the
    root w of blocks ((depth - 1) w^2 + (i + c) w) = (depth - 1) width^2 + (i + c) width, i + c + depth with biases.
    """

    paper = "Boopathy et al. 2024, arXiv 2409.05780, for the question"

    blocks: int = setting(4, "that do not talk to each other", at_least=1)
    depth: int = setting(2, "hidden layers", at_least=2)
    width: int = setting(200, "units of a hidden layer of the monolithic network of as many parameters", at_least=1)
    block_width: int | None = setting(
        None, "units of a hidden layer of one block; none: by the number of parameters", at_least=1
    )
    activation: str = setting("relu", "of hidden units; gelu is the tanh approximation", choices=tuple(ACTIVATIONS))
    bias: bool = setting(False, "biases of all layers")
    initializer: str = setting("lecun", "scheme of initializers.py, by the inputs of a block", choices=SCHEMES)
    init_scale: Swept = setting(1.0, ABOUT_INIT_SCALE, above=0, scheduled=False)
    init_scale_on: str = setting("*", ABOUT_INIT_SCALE_ON)

    def rows_per_example(self, signature: Signature) -> int:
        return 1

    def idle_settings(self) -> tuple[str, ...]:
        return () if self.block_width is None else ("width",)

    def width_of_blocks(self, inputs: int, classes: int) -> int:
        """Units of a hidden layer of one block."""
        if self.block_width is not None:
            return self.block_width
        square, linear = self.depth - 1, inputs + classes + (self.depth if self.bias else 0)
        wanted = (square * self.width**2 + linear * self.width) / self.blocks
        return max(1, round((math.sqrt(linear**2 + 4 * square * wanted) - linear) / (2 * square)))

    def module(self, signature: Signature) -> "Network":
        """The Flax module; called with inputs [example, ...]."""
        symbols = num_symbols(self.kind, signature)
        length = math.prod(signature.input_shape) if symbols is None else symbols * len(signature.operands)
        return Network(
            shape=dataclasses.replace(self, init_scale=1.0),  # Flax modules are static: the swept field may be traced
            symbols=symbols,
            operands=signature.operands,
            block_width=self.width_of_blocks(length, signature.num_classes),
            classes=signature.num_classes,
        )

    def init(self, key: jax.Array, signature: Signature) -> Params:
        inputs = jnp.zeros((1, *signature.input_shape), signature.input_dtype)
        params = self.module(signature).init(key, inputs)["params"]
        return scaled(params, self.init_scale, self.init_scale_on)

    def logits(self, prepared: Params, inputs: jax.Array, signature: Signature, key: jax.Array | None) -> jax.Array:
        outputs: jax.Array = self.module(signature).apply({"params": prepared}, inputs)  # pyright: ignore
        return outputs

    def activations(self, params: Params, inputs: jax.Array, signature: Signature) -> dict[str, jax.Array]:
        return sown(self.module(signature), params, inputs)

    def captured(self, params: Params, inputs: jax.Array, signature: Signature) -> dict[str, jax.Array]:
        return captured(self.module(signature), params, inputs)

    def weight_graphs(self, params: Params, signature: Signature) -> tuple[WeightGraph, ...]:
        layers = [
            ["hidden_0"],
            *([_name(index, block) for block in range(self.blocks)] for index in range(1, self.depth)),
        ]
        inner = [np.asarray(linalg.block_diag(*(params[name]["kernel"] for name in names))) for names in layers[1:]]
        return (
            WeightGraph(
                weights=(params["hidden_0"]["kernel"], *inner, params["output"]["kernel"]),
                units=tuple(
                    tuple(tuple(f"{name}/{leaf}" for leaf in params[name]) for name in names) for names in layers
                ),
                of_symbols=signature.vocabulary is not None,
            ),
        )


def _name(layer: int, block: int) -> str:
    return f"hidden_{layer}_block_{block}"


class Network(nn.Module):
    """Blocks and their readout; `shape` is the part without its swept field."""

    shape: BlockMlp
    symbols: int | None
    operands: tuple[int, ...]
    block_width: int
    classes: int

    @nn.compact
    def __call__(self, inputs: jax.Array, rate: None = None, key: None = None) -> jax.Array:
        """[example, class] from inputs [example, ...]; there is no dropout to have a rate and keys."""
        shape, width = self.shape, self.block_width
        units, activation = shape.blocks * width, ACTIVATIONS[shape.activation]
        drawn = scheme(shape.initializer, width, width)
        if self.symbols is None:
            flat = inputs.reshape(len(inputs), -1)
            hidden = dense("hidden_0", drawn, flat.shape[1], units, shape.bias)(flat)
        else:
            first = OneHotDense(self.symbols, units, drawn, shape.bias, name="hidden_0")
            hidden = first(inputs[:, self.operands], lambda silence: silence)
        hidden = activation(hidden)
        self.sow("intermediates", "units_0", hidden)
        for index in range(1, shape.depth):
            blocks = [
                dense(_name(index, block), drawn, width, width, shape.bias)(read)
                for block, read in enumerate(jnp.split(hidden, shape.blocks, axis=1))
            ]
            hidden = activation(jnp.concatenate(blocks, axis=1))
            self.sow("intermediates", f"units_{index}", hidden)
        return ClassLayer(drawn, self.classes, shape.bias, name="output")(hidden)
