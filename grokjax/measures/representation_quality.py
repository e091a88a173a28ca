"""Do embeddings of numbers lie on a line? The share of parallelograms that addition asks for.

Paper: Liu, Kitouni, Nolte, Michaud, Tegmark, Williams 2022 (arXiv 2205.10343): representation quality index.
"""

import jax
import jax.numpy as jnp
import numpy as np

from grokjax.core.interfaces import Measure, View
from grokjax.core.parameter_paths import path_name
from grokjax.core.part import Swept, part, setting

_MOST_SYMBOLS = 128  # their parallelograms grow with the third power


@part
class RepresentationQuality(Measure):
    """`representation_quality/index`, from 0 to 1: of all i < j <= m < n with i + n = j + m, those that are closed.

    That is, the mean over columns of (E_i + E_n - E_j - E_m)^2 is below `tolerance`, each column of the embedding
    brought to mean 0 and variance 1 over the symbols before. A representation counts as linear above 0.95.
    """

    paper = "Liu, Kitouni, Nolte, Michaud, Tegmark, Williams 2022, arXiv 2205.10343"

    tolerance: Swept = setting(0.01, "mean square below which a parallelogram is closed", above=0, scheduled=False)

    def measure(self, view: View) -> dict[str, jax.Array]:
        i, j, m, n = parallelograms(checked_symbols(view))
        columns = standardised(_embedding(view))
        gap = columns[i] + columns[n] - columns[j] - columns[m]
        is_closed = jnp.mean(jnp.square(gap), axis=1) < self.tolerance
        return {"representation_quality/index": jnp.mean(is_closed, dtype=jnp.float32)}


def checked_symbols(view: View) -> int:
    """Number of symbols; refuses, in one line, a task that is not an addition of numbers."""
    signature = view.signature
    module, _, name = signature.task.partition(":")
    is_other_task = module.startswith("grokjax.tasks.") and module != "grokjax.tasks.symbol_addition"
    symbols = (signature.vocabulary or 0) - len(signature.fixed)
    if is_other_task or len(signature.operands) != 2 or not 4 <= symbols <= _MOST_SYMBOLS:
        actual = f"{name} with {symbols} symbols and {len(signature.operands)} operands"
        rule = f"symbol_addition of 4 to {_MOST_SYMBOLS} symbols, whose sums are not taken modulo anything"
        raise ValueError(f"measure.what: representation_quality needs {rule}, got {actual}")
    return symbols


def parallelograms(symbols: int) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """All i < j <= m < n below `symbols` with i + n = j + m: four arrays [parallelogram]."""
    i, j, m = np.meshgrid(*3 * [np.arange(symbols)], indexing="ij")
    is_one = (i < j) & (j <= m) & (j + m - i < symbols)
    i, j, m = i[is_one], j[is_one], m[is_one]
    return i, j, m, j + m - i


def standardised(table: jax.Array) -> jax.Array:
    """Columns [symbol, column] with mean 0 and variance 1; a constant column is 0."""
    shifted = table - jnp.mean(table, axis=0, keepdims=True)
    deviation = jnp.sqrt(jnp.mean(jnp.square(shifted), axis=0, keepdims=True))
    return shifted / jnp.where(deviation > 0, deviation, 1.0)


def _embedding(view: View) -> jax.Array:
    """[symbol, column], all embeddings of the network side by side."""
    symbols = checked_symbols(view)
    leaves = [(path_name(path), leaf) for path, leaf in jax.tree_util.tree_leaves_with_path(view.params)]
    tables = [leaf[:symbols] for name, leaf in leaves if name.startswith("embed") and len(leaf) >= symbols]
    if not tables:
        raise ValueError(
            "measure.what: representation_quality needs an embedding (a parameter named embed...), none here"
        )
    return jnp.concatenate(tables, axis=1)
