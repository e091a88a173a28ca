"""A network as a part: its init scale is a swept number, so a sweep over it needs one compiled program."""

import jax
import jax.numpy as jnp

from grokjax import Model, Swept, part, setting
from grokjax.core.interfaces import Params, Signature
from grokjax.core.streams import substream


@part
class OneLayer(Model):
    """relu(U x) W with one-hot operands x."""

    width: int = setting(64, "hidden units", at_least=1)
    init_scale: Swept = setting(1.0, "multiplies every initial parameter", above=0, scheduled=False)

    def init(self, key: jax.Array, signature: Signature) -> Params:
        ins = len(signature.operands) * signature.vocabulary
        drawn = {
            "hidden": jax.random.normal(substream(key, 0), (ins, self.width)) / ins**0.5,
            "output": jax.random.normal(substream(key, 1), (self.width, signature.num_classes)) / self.width**0.5,
        }
        return {name: self.init_scale * leaf for name, leaf in drawn.items()}

    def logits(self, prepared: Params, inputs: jax.Array, signature: Signature, key: jax.Array | None) -> jax.Array:
        one_hot = jax.nn.one_hot(inputs[:, signature.operands], signature.vocabulary).reshape(len(inputs), -1)
        return jnp.maximum(one_hot @ prepared["hidden"], 0) @ prepared["output"]
