"""Addition of symbols that is not modular: the toy model of Liu et al. 2022.

Paper: Liu, Kitouni, Nolte, Michaud, Tegmark, Williams 2022 (arXiv 2205.10343): all pairs i <= j of ten symbols, 55 in
all, 45 of them for training. Each sum has a fixed random vector to be met (its answer is the nearest one), or is a
class. Their network is the preset `liu2022` of the MLP.
"""

from functools import lru_cache

import jax
import jax.numpy as jnp
import numpy as np

from grokjax.core.drawn_task import PoolTask
from grokjax.core.interfaces import Table, first_largest
from grokjax.core.part import SweptInt, part, setting
from grokjax.tasks.drawn_numbers import normals


@part
class SymbolAddition(PoolTask):
    """i + j of symbols 0 to n - 1, over the n (n + 1) / 2 pairs with i <= j; there are 2n - 1 different sums.

    With `target` templates, sum s is to be answered with template s, one of 2n - 1 vectors drawn from N(0, 1), and is
    right when that is the nearest of them. With classes, s is its class.
    """

    paper = "Liu, Kitouni, Nolte, Michaud, Tegmark, Williams 2022, arXiv 2205.10343"

    symbols: int = setting(10, "n: symbols are 0 to n - 1", at_least=2, at_most=1000)
    target: str = setting("templates", "a vector for each sum, or its class", choices=("templates", "classes"))
    template_size: int = setting(30, "length of a template", at_least=1, at_most=10_000)
    template_seed: int = setting(0, "seed of the templates", at_least=0)
    train_size: SweptInt = setting(
        45, "train examples; the other pairs are the test set", unit="examples", at_least=1, scheduled=False
    )

    def table(self) -> Table:
        return _table(self.symbols, self.target, self.template_size, self.template_seed)

    def correct(self, outputs: jax.Array, targets: jax.Array) -> jax.Array:
        if self.target == "classes":
            return super().correct(outputs, targets)
        return self._nearest(outputs) == self._nearest(targets)

    def idle_settings(self) -> tuple[str, ...]:
        idle = () if self.target == "templates" else ("template_size", "template_seed")
        return (*super().idle_settings(), *idle)

    def _nearest(self, vectors: jax.Array) -> jax.Array:
        """[example] int32, the template next to each vector: where |v - t|^2 is smallest, 2 v.t - |t|^2 is largest."""
        templates = _templates(self.symbols, self.template_size, self.template_seed)
        lengths = jnp.asarray(np.sum(templates.astype(np.float64) ** 2, axis=1), vectors.dtype)
        product = jnp.matmul(vectors, jnp.asarray(templates.T, vectors.dtype), precision="highest")
        return first_largest(2 * product - lengths[None])


@lru_cache(maxsize=32)
def _templates(symbols: int, size: int, seed: int) -> np.ndarray:
    """[sum, component] float32."""
    return normals(seed, 0, (2 * symbols - 1, size)).astype(np.float32)


@lru_cache(maxsize=32)
def _table(symbols: int, target: str, size: int, seed: int) -> Table:
    first, second = np.triu_indices(symbols)
    inputs = np.stack([first, second], axis=1).astype(np.int32)
    sums = (first + second).astype(np.int32)
    is_class = target == "classes"
    targets = sums if is_class else _templates(symbols, size, seed)[sums]
    inputs.flags.writeable = targets.flags.writeable = False
    classes = 2 * symbols - 1 if is_class else size
    return Table(inputs=inputs, targets=targets, num_classes=classes, vocabulary=symbols, operands=(0, 1))
