"""Small convolutional network for images: LeCun, Bottou, Bengio, Haffner 1998, in its plainest modern form.

Layers of stride 2 instead of pooling, and one dense layer behind them; no normalisation, which Humayun, Balestriero,
Baraniuk 2024 (arXiv 2402.15555) find to remove grokking.
"""

import dataclasses
import math
from typing import cast

import flax.linen as nn
import jax
import jax.numpy as jnp

from grokjax.core.interfaces import Model, Params, Signature
from grokjax.core.part import Swept, part, setting
from grokjax.models.class_product import ClassLayer
from grokjax.models.hidden_units import ACTIVATIONS
from grokjax.models.initializers import ABOUT_INIT_SCALE, ABOUT_INIT_SCALE_ON, scaled, scheme
from grokjax.models.sown import captured, sown


@part
class CNN(Model):
    """Convolutions of stride 2, each with twice the channels of the one before, and a dense layer to the classes.

    Inputs are real-valued: [example, row, column], [example, row, column, channel], or flat [example, pixel] of square
    images with one channel. Edges are padded with zeros, so that a layer halves rows and columns, rounded up.
    """

    paper = "LeCun, Bottou, Bengio, Haffner 1998, Proc. IEEE 86"

    layers: int = setting(2, "convolutions", at_least=1)
    channels: int = setting(16, "of the first layer; doubled by each further one", at_least=1)
    kernel: int = setting(3, "rows and columns that a unit sees", at_least=1)
    activation: str = setting("relu", "of each convolution; gelu is the tanh approximation", choices=tuple(ACTIVATIONS))
    bias: bool = setting(True, "biases of all layers")
    initializer: str = setting("torch", "scheme of initializers.py", choices=("lecun", "flax", "he", "normal", "torch"))
    init_scale: Swept = setting(1.0, ABOUT_INIT_SCALE, above=0, scheduled=False)
    init_scale_on: str = setting("*", ABOUT_INIT_SCALE_ON)

    def rows_per_example(self, signature: Signature) -> int:
        """Places of the first layer: each adds to the gradient of its kernel."""
        rows, columns, _ = image_shape(signature)
        return -(-rows // 2) * -(-columns // 2)

    def module(self, signature: Signature) -> "Network":
        """The Flax module; called with inputs [example, ...]."""
        # Flax modules are static: the swept field may be traced.
        return Network(dataclasses.replace(self, init_scale=1.0), image_shape(signature), signature.num_classes)

    def init(self, key: jax.Array, signature: Signature) -> Params:
        inputs = jnp.zeros((1, *signature.input_shape), signature.input_dtype)
        params = self.module(signature).init(key, inputs)["params"]
        return scaled(params, self.init_scale, self.init_scale_on)

    def logits(self, prepared: Params, inputs: jax.Array, signature: Signature, key: jax.Array | None) -> jax.Array:
        return cast(jax.Array, self.module(signature).apply({"params": prepared}, inputs))

    def activations(self, params: Params, inputs: jax.Array, signature: Signature) -> dict[str, jax.Array]:
        return sown(self.module(signature), params, inputs)

    def captured(self, params: Params, inputs: jax.Array, signature: Signature) -> dict[str, jax.Array]:
        return captured(self.module(signature), params, inputs)


def image_shape(signature: Signature) -> tuple[int, int, int]:
    """(rows, columns, channels); refuses, in one line, inputs that are no images."""
    shape = signature.input_shape
    match shape if signature.vocabulary is None else ():
        case (pixels,) if math.isqrt(pixels) ** 2 == pixels:
            return math.isqrt(pixels), math.isqrt(pixels), 1
        case (rows, columns):
            return rows, columns, 1
        case (rows, columns, channels):
            return rows, columns, channels
    actual = f"{signature.input_dtype} inputs of shape {shape}"
    raise ValueError(f"model.kind: cnn needs real-valued images or flat squares, got {actual}; nearest is mlp")


class Network(nn.Module):
    """Convolutions and output layer; `shape` is the part without its swept field."""

    shape: CNN
    image: tuple[int, int, int]
    classes: int

    @nn.compact
    def __call__(self, inputs: jax.Array, rate: None = None, key: None = None) -> jax.Array:
        """[example, class] from inputs [example, ...]; there is no dropout to have a rate and keys."""
        shape = self.shape
        drawn = scheme(shape.initializer, shape.channels, shape.channels)
        maps = inputs.reshape(len(inputs), *self.image)
        for index in range(shape.layers):
            seen = shape.kernel**2 * maps.shape[-1]
            maps = nn.Conv(
                shape.channels * 2**index,
                (shape.kernel, shape.kernel),
                strides=2,
                use_bias=shape.bias,
                kernel_init=drawn.matrix,
                bias_init=drawn.bias(seen),
                name=f"conv_{index}",
            )(maps)
            maps = ACTIVATIONS[shape.activation](maps)
            self.sow("intermediates", f"units_{index}", maps)
        flat = maps.reshape(len(maps), -1)
        return ClassLayer(drawn, self.classes, shape.bias, name="output")(flat)
