"""How many directions do the weights use? Spectral entropy, effective rank and stable rank of each matrix.

Papers: Roy, Vetterli 2007 (effective rank); DeMoss, Sapora, Foerster, Hawes, Posner 2024 (arXiv 2412.09810) regularize
the entropy, which is that of the singular values divided by their sum; Rudelson, Vershynin 2007 (stable rank).
"""

import jax
import jax.numpy as jnp

from grokjax.core.interfaces import Measure, View
from grokjax.core.parameter_paths import path_name
from grokjax.core.part import part
from grokjax.measures.singular_values import singular_values


@part
class Spectrum(Measure):
    """`spectral_entropy/PATH` (nats), `effective_rank/PATH` its exponential, `stable_rank/PATH` |W|_F^2 / |W|_2^2.

    Of every parameter with two axes or more; all but the last are made one. An orthogonal n x n matrix has log n, n and
    n; one of rank one 0, 1 and 1; one of zeros 0, 1 and 0. `spectral_entropy/mean` is over the matrices, unweighted.
    Singular values are right to about 1e-6 of the largest.
    """

    paper = "DeMoss, Sapora, Foerster, Hawes, Posner 2024, arXiv 2412.09810; Roy, Vetterli 2007"

    def measure(self, view: View) -> dict[str, jax.Array]:
        leaves = jax.tree_util.tree_leaves_with_path(view.params)
        matrices = {path_name(path): leaf.reshape(-1, leaf.shape[-1]) for path, leaf in leaves if leaf.ndim > 1}
        if not matrices:
            raise ValueError("measure.what: spectrum needs a parameter with two axes, and the model has none")
        measured, entropies = {}, []
        for path, values in _values_of(matrices).items():
            entropies.append(entropy(values))
            measured[f"spectral_entropy/{path}"] = entropies[-1]
            measured[f"effective_rank/{path}"] = jnp.exp(entropies[-1])
            measured[f"stable_rank/{path}"] = stable_rank(values)
        measured["spectral_entropy/mean"] = jnp.mean(jnp.stack(entropies))
        return {name: value.astype(jnp.float32) for name, value in measured.items()}


def _values_of(matrices: dict[str, jax.Array]) -> dict[str, jax.Array]:
    """Singular values of each matrix; those of one shape are walked by one loop, which is compiled once."""
    paths_of: dict[tuple[int, ...], list[str]] = {}
    for path, matrix in matrices.items():
        paths_of.setdefault(tuple(sorted(matrix.shape)), []).append(path)
    values = {}
    for paths in paths_of.values():
        wide = [
            matrices[path] if matrices[path].shape[0] <= matrices[path].shape[1] else matrices[path].T for path in paths
        ]
        values |= dict(zip(paths, jax.lax.map(singular_values, jnp.stack(wide)), strict=True))
    return {path: values[path] for path in matrices}


def entropy(parts: jax.Array) -> jax.Array:
    """Entropy in nats of parts [part] of a whole, none negative; 0 where all are zero."""
    total = jnp.sum(parts)
    share = parts / jnp.where(total > 0, total, 1.0)
    return -jnp.sum(jnp.where(share > 0, share * jnp.log(jnp.where(share > 0, share, 1.0)), 0.0))


def stable_rank(values: jax.Array) -> jax.Array:
    """Sum of the squares of singular values [value] over the largest of them; 0 where all are zero."""
    largest = jnp.max(values)
    return jnp.sum(jnp.square(values / jnp.where(largest > 0, largest, 1.0)))
