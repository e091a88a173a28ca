"""How much larger is the train loss after one step up its gradient?"""

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp

from grokjax import Network, Probe, Swept, part, setting


@jax.jit
def rise(apply: Callable, loss: Callable, params: Any, inputs: Any, labels: Any, size: float) -> jax.Array:
    """Mean loss after a step of this length, minus that before."""

    def mean_loss(params: Any) -> jax.Array:
        return jnp.mean(loss(apply(params, inputs), labels))

    before, gradient = jax.value_and_grad(mean_loss)(params)
    norm = jnp.sqrt(sum(jnp.sum(leaf**2) for leaf in jax.tree.leaves(gradient)))
    moved = jax.tree.map(lambda leaf, slope: leaf + size * slope / norm, params, gradient)
    return mean_loss(moved) - before


@part
class Sharpness(Probe):
    """`sharpness/rise` of the mean train loss."""

    size: Swept = setting(0.1, "length of the step", above=0, scheduled=False)

    def probe(self, network: Network) -> dict:
        train = network.split.order[: network.n_train]
        inputs, labels = network.inputs[train], network.split.labels[train]
        return {"sharpness/rise": rise(network.apply, network.loss, network.params, inputs, labels, self.size)}
