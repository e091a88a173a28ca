"""Lists of symbols that are to be sorted, reversed or copied: what only the code of Power et al. has.

Paper: Power, Burda, Edwards, Babuschkin, Misra 2022 (arXiv 2201.02177). Their code writes a list and its answer between
two end tokens, and trains on all that stands behind the `=`. It tells the first end from the last; here they are one.
"""

import itertools
import math
from functools import lru_cache

import numpy as np

from grokjax.core.drawn_task import TableTask
from grokjax.core.interfaces import Table
from grokjax.core.part import part, setting

_OPERATIONS = {
    "sort": lambda lists: np.sort(lists, axis=1),
    "reverse": lambda lists: lists[:, ::-1],
    "copy": lambda lists: lists,
}
_MOST_LISTS = 10**6
_TOO_LONG = 20  # such lists are too many of any symbols: how many longer ones are is not worked out


@part
class ListOperation(TableTask):
    """A list of different symbols, x, and what an operation makes of it, z: n! / (n - length)! lists, all there are.

    Tokens are `end op x = z`, without the end behind z; the answers are z and that end, length + 1 of them, each given
    to those after it. Symbols are 0 to n - 1, then follow op, `=` and the end; every token is a class.
    """

    paper = "Power, Burda, Edwards, Babuschkin, Misra 2022, arXiv 2201.02177, code"

    operation: str = setting("sort", "what is done to a list", choices=tuple(_OPERATIONS))
    symbols: int = setting(10, "n: symbols are 0 to n - 1", at_least=2)
    length: int = setting(3, "symbols of a list", at_least=2)

    def table(self) -> Table:
        return _table(self.operation, self.symbols, self.length)


@lru_cache(maxsize=16)
def _table(operation: str, symbols: int, length: int) -> Table:
    """The table of one operation; shared between callers, hence read-only."""
    if length > symbols:
        raise ValueError(f"task.length: a list has no symbol twice, so at most {symbols}; got {length}")
    count = math.perm(symbols, min(length, _TOO_LONG))
    if count > _MOST_LISTS:
        raise ValueError(
            f"task.length: {length} of {symbols} symbols make more lists than the {_MOST_LISTS:,} that fit"
        )
    places = itertools.chain.from_iterable(itertools.permutations(range(symbols), length))
    lists = np.fromiter(places, np.int32, count * length).reshape(count, length)
    answers = _OPERATIONS[operation](lists)
    op, equals, end = (np.full((count, 1), symbols + offset, np.int32) for offset in range(3))
    inputs = np.concatenate([end, op, lists, equals, answers], axis=1)
    targets = np.concatenate([answers, end], axis=1)
    inputs.flags.writeable = targets.flags.writeable = False
    return Table(
        inputs=inputs,
        targets=targets,
        num_classes=symbols + 3,
        vocabulary=symbols + 3,
        operands=tuple(range(2, 2 + length)),
    )
