"""How many examples one block of a sum holds. A fixed table, never a timing: the block size is part of a run's bits."""

import jax
import jax.numpy as jnp

from grokjax.core.interfaces import Signature
from grokjax.spec.run import Run

ACCELERATOR_ROWS = 1024
_ROWS_OF_LONGEST = ((256, 128), (512, 32), (1024, 16))
_SHORTEST_BLOCK = 8
_TOKEN_ROWS = 128


def block_rows(run: Run, signature: Signature, is_cpu: bool) -> int:
    """Examples of one block.

    On a CPU a block is so short that XLA computes each of its products on one thread: a product with a long inner
    dimension is split by the size of the thread pool, and then its bits depend on the machine (seen here with inner
    dimensions of 384 and more and 16 threads; the table is checked by `tests/laws/test_pools.py`).
    """
    if not is_cpu:
        return ACCELERATOR_ROWS
    params = jax.eval_shape(lambda: run.model.init(jax.random.key(jnp.uint32(0)), signature))
    longest = max((max(leaf.shape, default=1) for leaf in jax.tree.leaves(params)), default=1)
    rows = next((rows for length, rows in _ROWS_OF_LONGEST if longest <= length), _SHORTEST_BLOCK)
    tokens = signature.input_shape[0] if run.model.per_token and signature.vocabulary is not None else 1
    while rows * tokens > _TOKEN_ROWS and rows > _SHORTEST_BLOCK:
        rows //= 2
    return rows
