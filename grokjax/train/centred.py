"""The network that a run with a centred model trains: its outputs minus those that it began with."""

import dataclasses
from typing import Any, cast

import jax

from grokjax.core.interfaces import Model, Params, Signature
from grokjax.reader.run import Run


@dataclasses.dataclass(frozen=True)
class Centred(Model):
    """f(params) - f(start), with the same dropout masks; only the first has a gradient.

    Attributes:
      model: f.
      start: parameters before the first update, outside of those that are trained: nothing decays or counts them.
    """

    model: Model
    start: Params

    def module(self, signature: Signature) -> Any:
        """The Flax module of f."""
        return cast(Any, self.model).module(signature)

    def init(self, key: jax.Array, signature: Signature) -> Params:
        return self.model.init(key, signature)

    def prepare(self, params: Params, signature: Signature) -> Any:
        return [self.model.prepare(each, signature) for each in (params, self.start)]

    def rows_per_example(self, signature: Signature) -> int:
        return self.model.rows_per_example(signature)

    def longest_sum(self, signature: Signature) -> int:
        return self.model.longest_sum(signature)

    def logits(self, prepared: Any, inputs: jax.Array, signature: Signature, key: jax.Array | None) -> jax.Array:
        now, then = (self.model.logits(each, inputs, signature, key) for each in prepared)
        return now - jax.lax.stop_gradient(then)

    def activations(self, params: Params, inputs: jax.Array, signature: Signature) -> dict[str, jax.Array]:
        return self.model.activations(params, inputs, signature)

    def captured(self, params: Params, inputs: jax.Array, signature: Signature) -> dict[str, jax.Array]:
        return self.model.captured(params, inputs, signature)


def centred(run: Run, start: Params) -> Run:
    """The run with the network that it trains, given its parameters before the first update."""
    return dataclasses.replace(run, model=Centred(run.model, start)) if run.model.subtracts_start() else run
