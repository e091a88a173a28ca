"""Which of several equal ways a program computes in. A fixed rule, stored with the program: bits depend on it."""

from typing import NamedTuple

from grokjax.core.interfaces import Signature
from grokjax.core.symbol_lookup import GATHER, ONE_HOT
from grokjax.plan.blocks import BlockSizes
from grokjax.reader.run import Run

TRAIN_ORDER, TABLE_ORDER = "train_order", "table_order"
MOST_SYMBOLS = 512
"""Rows of a table up to which a product with one-hots stands for a gather."""


class Forms(NamedTuple):
    """Ways that are equal to rounding.

    Attributes:
      lookup: how rows are found by symbol, see `core/symbol_lookup.py`.
      walk: whether an update gathers its examples from the table in the run's train order, or walks the table and
        leaves out what is not in the train set.
    """

    lookup: str = GATHER
    walk: str = TRAIN_ORDER


CPU_FORMS = Forms()


def choose_forms(run: Run, signature: Signature, is_cpu: bool, rows: BlockSizes) -> Forms:
    """Forms of a run's program: on an accelerator products and masks, where they cost no more than what they replace.

    Walking the table costs what walking the train set does if the table fits one block, which is computed whole anyway.
    A gather and the scatter of its gradient run at the speed of memory at best, a product with `MOST_SYMBOLS` one-hots
    at that of arithmetic, and it is small beside the layers behind it.
    """
    if is_cpu:
        return CPU_FORMS
    vocabulary = signature.vocabulary
    is_short = vocabulary is not None and vocabulary <= MOST_SYMBOLS
    is_whole = run.minibatch is None and run.curriculum is None and rows.step >= signature.num_examples
    return Forms(ONE_HOT if is_short else GATHER, TABLE_ORDER if is_whole else TRAIN_ORDER)
