"""How sharp is the train loss? The eigenvalue of its Hessian that is largest in magnitude.

Papers: Power, Burda, Edwards, Babuschkin, Misra 2022 (arXiv 2201.02177) relate sharpness to accuracy; power iteration
on products with the Hessian (Pearlmutter 1994), as in Yao, Gholami, Keutzer, Mahoney 2020 (arXiv 1912.07145).
"""

from functools import partial

import jax
import jax.numpy as jnp

from grokjax.core.interfaces import Measure, Params, View
from grokjax.core.part import part, setting
from grokjax.measures.distance_from_init import inner


@part
class Hessian(Measure):
    """`hessian/top` and `hessian/residual`, |H v - top v| for the unit vector v that was reached.

    Some eigenvalue lies within the residual of `top`: small beside it means that the iteration has arrived. It starts
    from the same vector at every step and in every run. Penalties and dropout are left out.
    Cost: a gradient of a gradient over the examples for each iteration and one more; over the whole table for `none`.
    """

    paper = "Yao, Gholami, Keutzer, Mahoney 2020, arXiv 1912.07145"

    iterations: int = setting(20, "products with the Hessian before the one that is reported", at_least=1)

    examples: int | None = setting(512, "first train examples whose loss it is, at most all; none for all", at_least=1)

    def measure(self, view: View) -> dict[str, jax.Array]:
        slope = jax.grad(view.train_loss if self.examples is None else partial(loss_of_first, view, self.examples))

        def times_hessian(vector: Params) -> Params:
            return jax.jvp(slope, (view.params,), (vector,))[1]

        def iterate(_: jax.Array, vector: Params) -> Params:
            return unit(times_hessian(vector))

        vector = jax.lax.fori_loop(0, self.iterations, iterate, unit(start_like(view.params)))
        image = times_hessian(vector)
        top = inner(vector, image)
        rest = jax.tree.map(lambda left, right: left - top * right, image, vector)
        measured = {"hessian/top": top, "hessian/residual": jnp.sqrt(inner(rest, rest))}
        return {name: value.astype(jnp.float32) for name, value in measured.items()}


def loss_of_first(view: View, most: int, params: Params) -> jax.Array:
    """Mean loss over the first train examples in train order, at most so many."""
    count = jnp.minimum(min(most, view.signature.num_examples), view.n_train)
    position = jnp.arange(min(most, view.signature.num_examples), dtype=jnp.int32)
    example = view.split.order[jnp.minimum(position, count - 1)]
    losses = view.loss(view.apply(params, view.inputs[example]), view.split.labels[example])
    return jnp.sum(jnp.where(position < count, losses, 0.0)) / count.astype(losses.dtype)


def start_like(params: Params) -> Params:
    """A vector that no symmetry of a network prefers: cosines of 1, 2, 3, ... in radians."""
    leaves, structure = jax.tree.flatten(params)
    starts = [sum(leaf.size for leaf in leaves[:index]) for index in range(len(leaves))]
    numbers = [
        jnp.cos(1.0 + start + jnp.arange(leaf.size, dtype=leaf.dtype)).reshape(leaf.shape).astype(leaf.dtype)
        for start, leaf in zip(starts, leaves, strict=True)
    ]
    return jax.tree.unflatten(structure, numbers)


def unit(vector: Params) -> Params:
    """The vector divided by its length; zero stays zero."""
    length = jnp.sqrt(inner(vector, vector))
    return jax.tree.map(lambda leaf: leaf / jnp.where(length > 0, length, 1.0).astype(leaf.dtype), vector)
