"""Which weights of a trained network does a part of its examples need? Binary masks, learned by gradient descent.

Source: Csordas, van Steenkiste, Schmidhuber 2021 (arXiv 2010.02066): one logit for each weight of the frozen network, a
hard Gumbel-sigmoid with its gradient passed straight through, and a penalty on the sum of logits.
"""

from collections.abc import Callable
from functools import partial
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import optax

from grokjax.core.interfaces import Params, first_largest
from grokjax.core.streams import substream, substreams

Masks = list[jax.Array]
"""Bool like each matrix of the parameters, in the order of `matrices`, perhaps behind an axis [mask]."""


FIRST_LOGIT = 1.0
"""Of every weight; a mask keeps those whose logit ends above 0. The sigmoid has temperature 1."""


class Asked(NamedTuple):
    """Masks to learn, each from examples of its own.

    Attributes:
      rows: [mask, place] int32, examples of the table that are still to be answered, as many as `counts` says.
      counts: [mask] int32.
      penalty: [mask], times the sum of logits, beside the mean loss.
      key: [mask].
    """

    rows: Any
    counts: Any
    penalty: Any
    key: Any


def matrices(params: Params) -> dict[str, jax.Array]:
    """Parameters of two axes or more by their path in words, in the order of the tree: what masks are over."""
    leaves, _ = jax.tree_util.tree_flatten_with_path(params)
    named = {"/".join(str(key.key) for key in path): leaf for path, leaf in leaves}
    return {name: leaf for name, leaf in named.items() if leaf.ndim > 1}


def masked(params: Params, masks: Masks) -> Params:
    """The parameters with zeros where a mask has them."""
    of_leaf = iter(masks)
    return jax.tree.map(lambda leaf: leaf * next(of_leaf) if leaf.ndim > 1 else leaf, params)


@jax.jit
def reached(apply: Callable[..., jax.Array], params: Params, inputs: jax.Array, key: jax.Array) -> Masks:
    """Weights that change an output of some example, all others as they are: those whose gradient is not exactly 0.

    The others, such as those of a symbol that never stands there or of a unit that is silent for every example, are
    kept by no mask and dropped by none. It is the gradient of a random sum of outputs, not of a loss, which may be 0.
    """

    def summed(params: Params) -> jax.Array:
        outputs = apply(params, inputs)
        return jnp.sum(outputs * jax.random.normal(key, outputs.shape, outputs.dtype))

    return [gradient != 0 for gradient in matrices(jax.grad(summed)(params)).values()]


@partial(jax.jit, static_argnames=("updates", "minibatch"))
def learned(
    apply: Callable[..., jax.Array],
    loss: Callable[..., jax.Array],
    params: Params,
    inputs: jax.Array,
    labels: jax.Array,
    asked: Asked,
    learning_rate: float,
    updates: int,
    minibatch: int,
) -> Masks:
    """Masks [mask, ...], one after another: none depends on how many there are.

    Args:
      apply, loss, params, inputs: of a `Network`.
      labels: [example, ...] of the whole table.
      learning_rate: of Adam.
      minibatch: examples of an update, drawn anew with replacement.
    """
    optimizer, weights = optax.adam(learning_rate), list(matrices(params).values())

    def of_one(asked: Asked) -> Masks:
        def objective(logits: Masks, key: jax.Array) -> jax.Array:
            row = asked.rows[jax.random.randint(substream(key, 0), (minibatch,), 0, asked.counts)]
            noise = [
                jax.random.logistic(one, leaf.shape, leaf.dtype)
                for one, leaf in zip(substreams(substream(key, 1), jnp.arange(len(logits))), logits, strict=True)
            ]
            kept = [straight_through(leaf + added) for leaf, added in zip(logits, noise, strict=True)]
            losses = loss(apply(masked(params, kept), inputs[row]), labels[row])
            return jnp.mean(losses) + asked.penalty * sum(jnp.sum(leaf) for leaf in logits)

        def update(step: jax.Array, state: tuple[Masks, Any]) -> tuple[Masks, Any]:
            logits, opt_state = state
            changes, opt_state = optimizer.update(jax.grad(objective)(logits, substream(asked.key, step)), opt_state)
            return jax.tree.map(jnp.add, logits, changes), opt_state

        logits = [jnp.full_like(leaf, FIRST_LOGIT) for leaf in weights]
        logits, _ = jax.lax.fori_loop(0, updates, update, (logits, optimizer.init(logits)))
        return [leaf > 0 for leaf in logits]

    return jax.lax.map(of_one, asked)


def straight_through(noisy: jax.Array) -> jax.Array:
    """1 where a logit with its noise is above 0, else 0, with the gradient of the sigmoid."""
    soft = jax.nn.sigmoid(noisy)
    hard = (noisy > 0).astype(soft.dtype)
    return hard + (soft - jax.lax.stop_gradient(soft))


@jax.jit
def right(apply: Callable[..., jax.Array], params: Params, masks: Masks, inputs: jax.Array, labels: jax.Array) -> Any:
    """[mask, example] bool, which examples are answered with their label under each mask."""
    return jax.lax.map(lambda mask: first_largest(apply(masked(params, mask), inputs)) == labels, masks)
