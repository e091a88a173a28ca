"""Sparse parity: the class is the parity of the first k of n random bits.

Paper: Barak, Edelman, Goel, Kakade, Malach, Zhang 2022 (arXiv 2207.08799); Merrill, Tsilivis, Shukla 2023 (arXiv
2303.11873), whose relevant bits are the first k as here; Pearce et al. 2023 sweep the train size. The last two draw a
test set of fixed size; here it is what the train set leaves of a fixed pool, so that all sizes share a program.
"""

from functools import lru_cache

import jax
import jax.numpy as jnp
import numpy as np

from grokjax.core.drawn_task import PoolTask
from grokjax.core.interfaces import Table
from grokjax.core.part import part, setting

_WORD = 64  # random bits of one draw


@part
class SparseParity(PoolTask):
    """Class 1 where an odd number of the relevant bits is 1: with signs, their product is then -1.

    The pool depends on `pool_seed`, `bits` and `examples` only, and a larger pool starts with the smaller one; all
    2^bits vectors, in counting order, where the pool would hold as many. `seeds.split` draws the train set from it.
    With targets `signs` a model has one output, and an example is right when that has the sign of the target.
    """

    paper = "Merrill, Tsilivis, Shukla 2023, arXiv 2303.11873"

    bits: int = setting(30, "n: bits of an example", at_least=1)
    relevant: int = setting(3, "k: the first k bits decide the class; at most `bits`", at_least=1)
    coding: str = setting("signs", "a bit b as the number (-1)^b, or as b itself", choices=("signs", "bits"))
    examples: int = setting(6000, "size of the pool of distinct examples, train and test together", at_least=2)
    pool_seed: int = setting(0, "seed of the pool", at_least=0)
    targets: str = setting(
        "classes",
        "classes 0 and 1, or signs: one number, +1 for class 1 and -1 for class 0 (losses logistic, mse)",
        choices=("classes", "signs"),
        added="classes",
    )
    constant: bool = setting(False, "one more input, behind the bits, that is always 1", added=False)

    def table(self) -> Table:
        if self.relevant > self.bits:
            raise ValueError(f"task.relevant: must be at most task.bits = {self.bits}, got {self.relevant}")
        return _table(self.bits, self.relevant, self.coding, self.examples, self.pool_seed, self.targets, self.constant)

    def correct(self, outputs: jax.Array, targets: jax.Array) -> jax.Array:
        if jnp.issubdtype(targets.dtype, jnp.integer):
            return super().correct(outputs, targets)
        return (outputs * targets > 0)[:, 0]


@lru_cache(maxsize=32)
def _table(
    bits: int, relevant: int, coding: str, examples: int, pool_seed: int, form: str, has_constant: bool
) -> Table:
    if 2**bits <= examples:
        pool = np.arange(2**bits)[:, None] >> np.arange(bits) & 1
    else:
        pool = _draw(bits, examples, pool_seed)
    inputs = (1 - 2 * pool if coding == "signs" else pool).astype(np.float32)
    if has_constant:
        inputs = np.concatenate([inputs, np.ones((len(inputs), 1), np.float32)], axis=1)
    targets = (pool[:, :relevant].sum(axis=1) % 2).astype(np.int32)
    if form == "signs":
        targets = (2 * targets[:, None] - 1).astype(np.float32)
    inputs.flags.writeable = targets.flags.writeable = False
    return Table(inputs=inputs, targets=targets, num_classes=1 if form == "signs" else 2)


def _draw(bits: int, examples: int, pool_seed: int) -> np.ndarray:
    """The first `examples` distinct vectors of a random sequence: [example, bit] int64.

    Made from the raw words of the generator, whose sequence NumPy keeps for good, unlike that of its distributions.
    """
    generator = np.random.Philox(pool_seed)
    words = -(-bits // _WORD)
    drawn = np.zeros((0, words), np.uint64)
    mask = np.full(words, 2**_WORD - 1, np.uint64)
    mask[-1] >>= np.uint64(words * _WORD - bits)
    while len(drawn) < examples:
        fresh = generator.random_raw(examples * words).reshape(examples, words) & mask
        drawn = np.concatenate([drawn, fresh])
        first_seen = np.unique(drawn, axis=0, return_index=True)[1]
        drawn = drawn[np.sort(first_seen)]
    shifts = np.arange(_WORD, dtype=np.uint64)
    unpacked = drawn[:examples, :, None] >> shifts & np.uint64(1)
    return unpacked.reshape(examples, words * _WORD)[:, :bits].astype(np.int64)
