"""How much is a representation still the one that training began with, or memorized with? Centred kernel alignment.

Paper: Kornblith, Norouzi, Lee, Hinton 2019 (arXiv 1905.00414).
"""

import dataclasses

import jax
import jax.numpy as jnp

from grokjax.core.fixed_product import gram
from grokjax.core.interfaces import Measure, View
from grokjax.core.part import part, setting
from grokjax.measures.features import features


@part
class Cka(Measure):
    """`cka/NAME`: linear CKA of activations with those of the initial parameters, from 0 to 1, by their names.

    With `since: memorized` it is `cka_memorized/NAME`, and compares with the parameters of the first look at which 99 %
    of the clean train examples are right; no value before. 1 for a rotation or a multiple of the same features. Cost:
    two passes over the sample, and one `init` or, in memory, the parameters a second time.
    """

    paper = "Kornblith, Norouzi, Lee, Hinton 2019, arXiv 1905.00414"

    of: str = setting("units", "which activations: a word of their names, such as units or stream")
    examples: int = setting(256, "rows of the table that are compared, spread evenly, at most all", at_least=2)

    since: str = setting(
        "initial",
        "compared with the network before the first update, or with the one that memorized",
        choices=("initial", "memorized"),
        added="initial",
    )

    def measure(self, view: View) -> dict[str, jax.Array]:
        is_initial = self.since == "initial"
        reference = view.initial_params() if is_initial else view.memorized_params()
        now = features(view, self.of, self.examples)
        then = features(dataclasses.replace(view, params=reference), self.of, self.examples)
        group = "cka" if is_initial else "cka_memorized"
        return {f"{group}/{name}": alignment(gram(now[name]), gram(then[name])).astype(jnp.float32) for name in now}

    def compares_with_memorized(self) -> bool:
        return self.since == "memorized"


def alignment(left: jax.Array, right: jax.Array) -> jax.Array:
    """Cosine between two centred kernels [row, row]; 0 where one is constant."""
    left, right = centred(left), centred(right)
    lengths = jnp.sqrt(jnp.sum(jnp.square(left))) * jnp.sqrt(jnp.sum(jnp.square(right)))
    return jnp.sum(left * right) / jnp.where(lengths > 0, lengths, 1.0)


def centred(kernel: jax.Array) -> jax.Array:
    """The kernel [row, row] of features less their mean, divided by its largest entry."""
    kernel = kernel / jnp.maximum(jnp.max(jnp.abs(kernel)), jnp.finfo(kernel.dtype).tiny)
    return kernel - jnp.mean(kernel, 0, keepdims=True) - jnp.mean(kernel, 1, keepdims=True) + jnp.mean(kernel)
