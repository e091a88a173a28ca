"""How far have the weights gone? The distance from their initial values, of all parameters and of each one.

Papers: Barak, Edelman, Goel, Kakade, Malach, Zhang 2022 (arXiv 2207.08799) follow the largest change of a weight;
Kumar, Bordelon, Gershman, Pehlevan 2023 (arXiv 2310.06110) tell lazy from rich training by how little weights move.
"""

import jax
import jax.numpy as jnp

from grokjax.core.interfaces import Measure, View
from grokjax.core.parameter_paths import path_name
from grokjax.core.part import part


@part
class DistanceFromInit(Measure):
    """`distance_from_init/total` and `distance_from_init/PATH`, L2; `/relative` is the total over the initial norm.

    `/largest` is the largest change of a single weight, `/cosine` that of the angle between the parameters, all in one
    vector, now and then.
    """

    paper = "Barak, Edelman, Goel, Kakade, Malach, Zhang 2022, arXiv 2207.08799"

    def measure(self, view: View) -> dict[str, jax.Array]:
        start, now = view.initial_params(), view.params
        change = jax.tree.map(jnp.subtract, now, start)
        leaves = jax.tree_util.tree_leaves_with_path(change)
        measured = {f"distance_from_init/{path_name(path)}": jnp.sqrt(jnp.sum(leaf**2)) for path, leaf in leaves}
        norm_now, norm_start, total = (jnp.sqrt(inner(tree, tree)) for tree in (now, start, change))
        measured["distance_from_init/total"] = total
        measured["distance_from_init/relative"] = total / norm_start
        measured["distance_from_init/largest"] = jnp.max(jnp.stack([jnp.max(jnp.abs(leaf)) for _, leaf in leaves]))
        lengths = norm_now * norm_start
        measured["distance_from_init/cosine"] = inner(now, start) / jnp.where(lengths > 0, lengths, 1.0)
        return {name: value.astype(jnp.float32) for name, value in measured.items()}


def inner(left: jax.Array | dict, right: jax.Array | dict) -> jax.Array:
    """Inner product of two trees of arrays."""
    products = jax.tree.map(lambda one, other: jnp.sum(one * other), left, right)
    return sum(jax.tree.leaves(products), start=jnp.zeros(()))
