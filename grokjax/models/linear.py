"""A linear map without bias: the student of Levi, Beck, Bar-Sinai 2023 (arXiv 2310.16441)."""

import math

import flax.linen as nn
import jax
import jax.numpy as jnp

from grokjax.core.interfaces import Model, Params, Signature
from grokjax.core.part import Swept, part, setting
from grokjax.models.initializers import ABOUT_INIT_SCALE, SCHEMES, dense, scaled, scheme


@part
class Linear(Model):
    """Outputs x W of real-valued inputs [example, ...] made flat; their student is `normal` times 0.707107."""

    paper = "Levi, Beck, Bar-Sinai 2023, arXiv 2310.16441"

    initializer: str = setting("normal", "scheme of initializers.py", choices=SCHEMES)
    init_scale: Swept = setting(1.0, ABOUT_INIT_SCALE, at_least=0, scheduled=False)

    def init(self, key: jax.Array, signature: Signature) -> Params:
        params = self._layer(signature).init(key, jnp.zeros((1, _length(signature)), signature.input_dtype))["params"]
        return scaled({"output": params}, self.init_scale)

    def logits(self, prepared: Params, inputs: jax.Array, signature: Signature, key: jax.Array | None) -> jax.Array:
        flat = inputs.reshape(len(inputs), -1)
        outputs: jax.Array = self._layer(signature).apply({"params": prepared["output"]}, flat)  # pyright: ignore
        return outputs

    def _layer(self, signature: Signature) -> nn.Dense:
        length = _length(signature)
        drawn = scheme(self.initializer, length, length)
        return dense("output", drawn, length, signature.num_classes, bias=False)


def _length(signature: Signature) -> int:
    if signature.vocabulary is not None:
        raise ValueError("model.kind: linear needs real-valued inputs, got symbols; nearest is mlp")
    return math.prod(signature.input_shape)
