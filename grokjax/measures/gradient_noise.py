"""How much do examples disagree about where to go? The spread of their gradients.

Paper: McCandlish, Kaplan, Amodei 2018 (arXiv 1812.06162): variance over squared length is their simple noise scale.
"""

import jax
import jax.numpy as jnp

from grokjax.core.interfaces import Measure, Params, View
from grokjax.core.part import part, setting


@part
class GradientNoise(Measure):
    """Spread of the gradients of single examples, over the first of the train set in train order.

    `gradient_noise/variance` is the trace of their covariance, `gradient_noise/norm` the norm of their mean,
    `gradient_noise/scale` variance / norm^2: about the minibatch at which noise and gradient are equally long.
    Cost: a gradient of each example, one after another.
    """

    paper = "McCandlish, Kaplan, Amodei 2018, arXiv 1812.06162"

    examples: int = setting(64, "train examples whose gradients are compared, at most all", at_least=2)

    def measure(self, view: View) -> dict[str, jax.Array]:
        most = min(self.examples, view.signature.num_examples)
        count = jnp.minimum(most, view.n_train)

        def loss(params: Params, example: jax.Array) -> jax.Array:
            outputs = view.apply(params, view.inputs[example][None])
            return view.loss(outputs, view.split.labels[example][None])[0]

        def add(position: jax.Array, sums: tuple[Params, jax.Array]) -> tuple[Params, jax.Array]:
            total, squares = sums
            gradient = jax.grad(loss)(view.params, view.split.order[position])
            return jax.tree.map(jnp.add, total, gradient), squares + squared_length(gradient)

        start = jax.tree.map(jnp.zeros_like, view.params), jnp.zeros((), jax.tree.leaves(view.params)[0].dtype)
        total, squares = jax.lax.fori_loop(0, count, add, start)
        of_mean = squared_length(total) / jnp.square(count)
        variance = jnp.maximum(squares - count * of_mean, 0.0) / jnp.maximum(count - 1, 1)
        measured = {"variance": variance, "norm": jnp.sqrt(of_mean), "scale": variance / of_mean}
        return {f"gradient_noise/{name}": value.astype(jnp.float32) for name, value in measured.items()}


def squared_length(tree: Params) -> jax.Array:
    """Sum of the squares of all numbers of a tree."""
    return sum((jnp.sum(jnp.square(leaf)) for leaf in jax.tree.leaves(tree)), start=jnp.zeros(()))
