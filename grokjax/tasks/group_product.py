"""Products in a finite group: every pair of elements (x, y) is an example, the product is its class.

Papers: Power, Burda, Edwards, Babuschkin, Misra 2022 (arXiv 2201.02177) for S5 and its two conjugations; Chughtai,
Chan, Nanda 2023 (arXiv 2302.03025) for S5, S6, A5, dihedral and cyclic groups. Permutations are composed as functions,
(x y)(i) = x(y(i)); Power's code indexes the other way round, which is the same table with x and y swapped.
"""

import itertools
import re
from collections.abc import Callable
from functools import lru_cache

import numpy as np

from grokjax.core.drawn_task import TableTask
from grokjax.core.interfaces import Table
from grokjax.core.part import part, setting
from grokjax.tasks.sequences import SEQUENCES, as_table

_NAME = re.compile(r"(?P<family>[SADC])(?P<number>[1-9][0-9]{0,4})")
_FAMILIES = "S3 to S7 (symmetric), A3 to A7 (alternating), D3, D4, ... (dihedral, 2n elements), C2, C3, ... (cyclic)"
_MOST_LETTERS = 7  # of a permutation: S7 has 25 million pairs
_MOST_ELEMENTS = 10_000
Product = Callable[[np.ndarray, np.ndarray, np.ndarray, np.ndarray], np.ndarray]
_OPERATIONS: dict[str, Product] = {  # of the group's product, all x, all y and all inverses
    "x*y": lambda product, x, y, inverse: product[x, y],
    "x*y*x^-1": lambda product, x, y, inverse: product[product[x, y], inverse[x]],
    "x*y*x": lambda product, x, y, inverse: product[product[x, y], x],
}


@part
class GroupProduct(TableTask):
    """f(x, y) over all ordered pairs of elements; elements are the symbols 0 to |G| - 1, and the classes.

    Element 0 is the identity. Permutations are numbered in the order of a dictionary; of a dihedral group the rotations
    r^k come first, as k, and the reflections r^k s as n + k; of a cyclic one k is k.
    """

    paper = "Chughtai, Chan, Nanda 2023, arXiv 2302.03025; Power et al. 2022, arXiv 2201.02177"

    group: str = setting("S5", f"one of {_FAMILIES}")
    operation: str = setting("x*y", "the function of x and y", choices=tuple(_OPERATIONS))
    sequence: str = setting("x y =", "tokens of an example", choices=tuple(SEQUENCES))

    def table(self) -> Table:
        return _table(self.group, self.operation, self.sequence)


@lru_cache(maxsize=16)
def group_table(name: str) -> np.ndarray:
    """The product of a group: [element, element] int64, position 0 being the identity.

    Raises:
      ValueError: no such group, or one that is too large.
    """
    match = _NAME.fullmatch(name)
    if match is None:
        raise ValueError(f"task.group: must be one of {_FAMILIES}, got {name!r}")
    family, number = match["family"], int(match["number"])
    if family in "SA":
        if not 3 <= number <= _MOST_LETTERS:
            raise ValueError(f"task.group: {family}3 to {family}{_MOST_LETTERS} make a table of pairs, got {name!r}")
        return _permutations(number, even_only=family == "A")
    size = number * (2 if family == "D" else 1)
    if number < (3 if family == "D" else 2) or size > _MOST_ELEMENTS:
        most = f"{family}{_MOST_ELEMENTS // (2 if family == 'D' else 1)}"
        raise ValueError(f"task.group: {'D3' if family == 'D' else 'C2'} to {most} make a table, got {name!r}")
    return _dihedral(number) if family == "D" else np.add.outer(np.arange(number), np.arange(number)) % number


def _permutations(letters: int, even_only: bool) -> np.ndarray:
    every = np.array(list(itertools.permutations(range(letters))))
    if even_only:
        first, second = np.triu_indices(letters, 1)
        every = every[(every[:, first] > every[:, second]).sum(axis=1) % 2 == 0]
    code = letters ** np.arange(letters)[::-1]  # reads a permutation as a number, in the order of a dictionary
    index_of = np.full(letters**letters, -1)
    index_of[every @ code] = np.arange(len(every))
    product = np.zeros((len(every), len(every)), np.int64)
    for x, permutation in enumerate(every):  # row by row: all pairs of S7 at once would be gigabytes
        product[x] = index_of[permutation[every] @ code]
    return product


def _dihedral(number: int) -> np.ndarray:
    element = np.arange(2 * number)
    turn, flip = element % number, element // number
    sign = np.where(flip == 1, -1, 1)  # s r^k = r^-k s
    turned = (turn[:, None] + sign[:, None] * turn[None]) % number
    return turned + number * (flip[:, None] ^ flip[None])


@lru_cache(maxsize=16)
def _table(group: str, operation: str, sequence: str) -> Table:
    product = group_table(group)
    size = len(product)
    element = np.arange(size)
    inverse = np.argmin(product, axis=1)  # where the product is the identity, 0
    x, y = (side.ravel() for side in np.meshgrid(element, element, indexing="ij"))
    answers = _OPERATIONS[operation](product, x, y, inverse)
    swapped = y * size + x
    mirror = np.where(answers[swapped] == answers, swapped, np.arange(size**2))
    return as_table(x, y, answers, mirror, size, sequence)
