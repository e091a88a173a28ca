"""How many examples one block of a sum holds. Fixed, never a timing: the block size is part of a run's bits."""

from typing import NamedTuple

from grokjax.core.fixed_product import LONGEST
from grokjax.core.interfaces import Signature
from grokjax.reader.run import Run

ACCELERATOR_ROWS = 1024
_CPU_ROWS = LONGEST
SHORTEST_BLOCK = 8


class BlockSizes(NamedTuple):
    """Examples of one block.

    Attributes:
      step: of a gradient sum; a minibatch is cut into equal blocks, since the empty part of a block is computed too.
      look: of a look at the whole table.
    """

    step: int
    look: int


def block_sizes(run: Run, signature: Signature, is_cpu: bool) -> BlockSizes:
    """Block sizes of a run; a table that is shorter makes one block of its own length, in steps of eight.

    On a CPU a block is so short that XLA computes each of its products on one thread: the gradient of a matrix is a
    product over rows, and from about 160 rows on it is split by the size of the thread pool: then its bits depend on
    the machine. With 128 they did not, for matrices of up to 4096 x 4096, as long as `train/gradient.py` keeps the
    shorter side of the matrix first (jax 0.10 and 0.12, pools of 1, 2 and 16; `tests/laws/test_pools.py` checks two),
    but for the few sizes that docs/decisions/0019-products-of-fixed-bits.md names. A minibatch is one block up to what
    the model says of itself: an update then needs no loop.
    """
    longest = -(-signature.num_examples // SHORTEST_BLOCK) * SHORTEST_BLOCK
    wanted = _CPU_ROWS // run.model.rows_per_example(signature) if is_cpu else ACCELERATOR_ROWS
    look = min(max(SHORTEST_BLOCK, wanted), longest)
    if run.minibatch is None:
        return BlockSizes(step=look, look=look)
    minibatch = min(run.minibatch.at_most, longest)
    is_one_block = is_cpu and minibatch * run.model.rows_per_example(signature) <= run.model.longest_sum(signature)
    blocks = 1 if is_one_block else -(-minibatch // look)
    return BlockSizes(step=max(SHORTEST_BLOCK, -(-minibatch // blocks)), look=look)
