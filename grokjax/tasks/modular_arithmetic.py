"""Binary operations modulo p: every pair (x, y) is an example, f(x, y) is its class.

Paper: Power, Burda, Edwards, Babuschkin, Misra 2022 (arXiv 2201.02177), operations 1 to 9 of their list, x*y, and those
that only their code has; any polynomial, and powers of one, as in Gromov 2023 (arXiv 2301.02679); inputs
`x op y =` as in DeMoss et al. 2024 (arXiv 2412.09810), `x y =` as in Nanda et al. 2023 (arXiv 2301.05217), unordered
pairs as in Pearce et al. 2023. What some published code calls "division" is a product; here it is none.
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from grokjax.core.drawn_task import TableTask
from grokjax.core.interfaces import Table
from grokjax.core.part import part, setting
from grokjax.core.words import nearest
from grokjax.tasks.polynomials import evaluate
from grokjax.tasks.sequences import SEQUENCES, as_table

Binary = Callable[[np.ndarray, np.ndarray, np.ndarray], np.ndarray]
_OPERATIONS: dict[str, Binary] = {  # of x, y and the inverse of y (0 where there is none); reduced modulo p afterwards
    "x*y": lambda x, y, inverse: x * y,
    "x/y": lambda x, y, inverse: x * inverse,
    "x/y if y odd else x-y": lambda x, y, inverse: np.where(y % 2 == 1, x * inverse, x - y),
    "x+y if x even else x*y": lambda x, y, inverse: np.where(x % 2 == 0, x + y, x * y),
    "x+y if x even else x-y": lambda x, y, inverse: np.where(x % 2 == 0, x + y, x - y),
}
_POLYNOMIALS = ("x+y", "x-y", "x^2+y^2", "x^2+xy+y^2", "x^2+xy+y^2+x", "x^3+xy", "x^3+xy^2+y", "x^2+y", "x^3+y")
"""Those of Power et al.; any other will do."""
_DIVIDING = ("x/y", "x/y if y odd else x-y")  # the second is defined at y = 0, which is even

_MOST_PAIRS = 10**8  # their table takes gigabytes already


@part
class ModularArithmetic(TableTask):
    """f(x, y) modulo p over all pairs; numbers are the symbols 0 to p-1, constant tokens follow (op before =).

    Division leaves y = 0 out and needs a prime modulus. The operation that divides by odd y needs one too, but keeps
    y = 0, which is even.
    """

    paper = "Power, Burda, Edwards, Babuschkin, Misra 2022, arXiv 2201.02177"

    operation: str = setting(
        "x+y",
        f"the function of x and y: {', '.join(_OPERATIONS)}, or a polynomial such as {', '.join(_POLYNOMIALS)}, "
        "2x^2-3xy or (x+y)^3",
    )
    modulus: int = setting(97, "p: numbers are 0 to p-1", at_least=2)
    pairs: str = setting(
        "ordered", "unordered keeps x <= y only, for operations that are the same with x and y swapped",
        choices=("ordered", "unordered"),
    )  # fmt: skip
    sequence: str = setting("x y =", "tokens of an example", choices=tuple(SEQUENCES))

    def table(self) -> Table:
        return _table(self.operation, self.modulus, self.pairs, self.sequence)


@lru_cache(maxsize=32)
def _table(operation: str, modulus: int, pairs: str, sequence: str) -> Table:
    """The table of one operation; shared between callers, hence read-only."""
    if modulus**2 > _MOST_PAIRS:
        raise ValueError(f"task.modulus: has {modulus**2:,} pairs, at most {_MOST_PAIRS:,} make a table; got {modulus}")
    answers = _answers(operation, modulus)
    defined = answers >= 0
    commutes = bool(np.array_equal(answers, answers.T))
    if pairs == "unordered":
        if not commutes:
            raise ValueError(_unordered_refused(operation, modulus))
        defined = np.triu(defined)
    x, y = np.nonzero(defined)
    mirror = np.arange(len(x))
    if commutes:
        row_of = np.full(answers.shape, -1)
        row_of[x, y] = mirror
        mirror = np.where(row_of[y, x] >= 0, row_of[y, x], mirror)
    return as_table(x, y, answers[x, y], mirror, modulus, sequence)


def _answers(operation: str, modulus: int) -> np.ndarray:
    """f(x, y) for all x and y: [number, number] int64, -1 where it is not defined."""
    inverse = np.zeros(modulus, np.int64)
    if operation in _DIVIDING:
        _check_prime(operation, modulus)
        inverse[1:] = [pow(y, -1, modulus) for y in range(1, modulus)]
    x, y = np.meshgrid(np.arange(modulus), np.arange(modulus), indexing="ij")
    if operation in _OPERATIONS:
        answers = _OPERATIONS[operation](x, y, inverse[y]) % modulus
    else:
        try:
            answers = evaluate(operation, x, y, modulus)
        except ValueError as error:
            raise ValueError(_not_an_operation(operation, str(error))) from None
    if operation == "x/y":
        answers[:, 0] = -1
    return answers


def _not_an_operation(operation: str, why: str) -> str:
    if "did you mean" in why:
        return f"task.operation: {operation!r} {why}"
    named = (*_OPERATIONS, *_POLYNOMIALS)
    close = nearest("x*y" if operation in ("xy", "yx") else operation, named)
    hint = (
        f"did you mean {close!r}?" if close else f"valid: {', '.join(_OPERATIONS)}, or a polynomial such as x^2+xy+y^2"
    )
    return f"task.operation: {operation!r} {why}; {hint}"


def _check_prime(operation: str, modulus: int) -> None:
    if _is_prime(modulus):
        return
    below = next((number for number in range(modulus - 1, 1, -1) if _is_prime(number)), None)
    above = next(number for number in range(modulus + 1, 2 * modulus) if _is_prime(number))
    nearest = f"{below} and {above}" if below else f"{above}"
    raise ValueError(f"task.modulus: {operation!r} needs a prime modulus, got {modulus}; nearest primes: {nearest}")


def _is_prime(number: int) -> bool:
    return number >= 2 and all(number % divisor for divisor in range(2, int(number**0.5) + 1))


def _unordered_refused(operation: str, modulus: int) -> str:
    undivided = [name for name in (*_POLYNOMIALS, *_OPERATIONS) if name not in _DIVIDING]
    tables = {name: _answers(name, modulus) for name in undivided}
    commuting = ", ".join(name for name, answers in tables.items() if np.array_equal(answers, answers.T))
    return (
        "task.pairs: 'unordered' needs an operation that is the same with x and y swapped; "
        f"{operation!r} is not modulo {modulus}, these are: {commuting}"
    )
