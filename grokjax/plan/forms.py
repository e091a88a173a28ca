"""Which of several equal ways a program computes in. A fixed rule, stored with the program: bits depend on it."""

from typing import NamedTuple

from grokjax.core.interfaces import Signature
from grokjax.core.symbol_lookup import GATHER, ONE_HOT
from grokjax.plan.blocks import BlockSizes
from grokjax.reader.run import Run

TRAIN_ORDER, TABLE_ORDER = "train_order", "table_order"
IN_BLOCKS, AT_ONCE = "in_blocks", "at_once"
MOST_SYMBOLS = 512
"""Rows of a table up to which a product with one-hots stands for a gather."""


class Forms(NamedTuple):
    """Ways that are equal to rounding.

    Attributes:
      lookup: how rows are found by symbol, see `core/symbol_lookup.py`.
      walk: whether an update gathers its examples from the table in the run's train order, or walks the table and
        leaves out what is not in the train set.
      sum: whether the gradient of an update is added up block by block, or is that of its only block.
    """

    lookup: str = GATHER
    walk: str = TRAIN_ORDER
    sum: str = IN_BLOCKS


FIRST_FORMS = Forms()
"""Of programs that have trained before there were others."""


def choose_forms(run: Run, signature: Signature, is_cpu: bool, rows: BlockSizes) -> Forms:
    """Forms of a run's program, where they cost no more than what they replace.

    An accelerator takes products and masks. Walking the table costs what walking the train set does if the table fits
    one block, which is computed whole anyway. A gather and the scatter of its gradient run at the speed of memory at
    best, a product with `MOST_SYMBOLS` one-hots at that of arithmetic, and it is small beside the layers behind it.
    """
    is_short = signature.vocabulary is not None and signature.vocabulary <= MOST_SYMBOLS
    is_full_batch = run.minibatch is None and run.curriculum is None
    walks_table = not is_cpu and is_full_batch and rows.step >= signature.num_examples
    is_one_block = run.minibatch is not None and min(run.minibatch.at_most, signature.num_examples) <= rows.step
    return Forms(
        lookup=ONE_HOT if is_short and not is_cpu else GATHER,
        walk=TABLE_ORDER if walks_table else TRAIN_ORDER,
        sum=AT_ONCE if walks_table or is_one_block else IN_BLOCKS,
    )
