"""For which cells does a condition such as `modulus = 97 and weight_decay >= 1` hold? For `exclude:` and `--where`.

Numbers match to 1e-3 relative, since people type fewer digits than a logarithmic axis has.
"""

import dataclasses
import re
from collections.abc import Mapping
from typing import Any

import numpy as np

from grokjax.spec.errors import suggestion, wrong
from grokjax.spec.yaml_file import parse_value

RELATIVE = 1e-3
_AND = re.compile(r"""\s+and(?:\s+|$)(?=(?:[^"']|"[^"]*"|'[^']*')*$)""")  # not inside quotes
_TERM = re.compile(r"\s*([A-Za-z_][\w.]*)\s*(!=|<=|>=|==|=|<|>|(?<=\s)in(?=[\s\[]))\s*(.*?)\s*", re.DOTALL)
_OPERATORS = ("=", "!=", "<", "<=", ">", ">=", "in")


@dataclasses.dataclass(frozen=True)
class Term:
    """One comparison: `key`, one of = != < <= > >= in, and a value (a tuple after `in`)."""

    key: str
    operator: str
    value: Any


def read_condition(text: Any, where: str = "condition") -> tuple[Term, ...]:
    """Terms that must all hold.

    Raises:
      SpecError: it is not `KEY OP VALUE`, or several of them joined by `and`.
    """
    if not isinstance(text, str) or not text.strip():
        raise wrong(where, f"expected 'KEY OP VALUE' with one of {' '.join(_OPERATORS)}", text)
    return tuple(_read_term(one, where) for one in _AND.split(text.strip()))


def holds(terms: tuple[Term, ...], columns: Mapping[str, np.ndarray], where: str = "condition") -> np.ndarray:
    """Where all terms hold, [row] bool.

    Args:
      terms: from `read_condition`.
      columns: dotted path -> [row]; a term may name a path by its last words.
      where: for messages.
    """
    found = np.ones(len(next(iter(columns.values()), ())), bool)
    for term in terms:
        found &= _holds(term, columns[find_column(term.key, columns, where)], where)
    return found


def find_column(key: str, columns: Mapping[str, Any], where: str = "condition") -> str:
    """The one column that a key means: its full path, or its last words if they are nobody else's."""
    if key in columns:
        return key
    fitting = [name for name in columns if name.endswith((f".{key}", f"/{key}"))]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise wrong(where, f"{key} is ambiguous: {', '.join(fitting)}")
    raise wrong(where, f"there is no {key} to compare", hint=suggestion(key, columns))


def _read_term(text: str, where: str) -> Term:
    match = _TERM.fullmatch(text)
    if match is None or not match[3]:
        raise wrong(where, f"expected 'KEY OP VALUE' with one of {' '.join(_OPERATORS)}", text)
    key, operator, written = match.groups()
    value = parse_value(written, where)
    operator = "=" if operator == "==" else operator
    if operator == "in":
        if not isinstance(value, list) or not value:
            raise wrong(where, "'in' needs a list: KEY in [a, b]", text)
        return Term(key, operator, tuple(value))
    if isinstance(value, list | dict):
        raise wrong(where, f"{operator!r} compares with one value; use in for several", text)
    if operator not in ("=", "!=", "in") and not _is_number(value):
        raise wrong(where, f"{operator!r} needs a number", text)
    return Term(key, operator, value)


def _holds(term: Term, column: np.ndarray, where: str) -> np.ndarray:
    if term.operator == "in":
        return np.any([_equal(column, value) for value in term.value], axis=0)
    if term.operator in ("=", "!="):
        equal = _equal(column, term.value)
        return equal if term.operator == "=" else ~equal
    numbers = _numbers(column)
    if numbers.size and np.all(np.isnan(numbers)) and column.dtype == object:
        raise wrong(where, f"{term.key} holds no numbers, so {term.operator!r} does not apply", column[0])
    equal = _close(numbers, term.value)
    with np.errstate(invalid="ignore"):
        below = numbers < term.value
        above = numbers > term.value
    return {"<": below & ~equal, "<=": below | equal, ">": above & ~equal, ">=": above | equal}[term.operator]


def _equal(column: np.ndarray, value: Any) -> np.ndarray:
    if _is_number(value):
        return _close(_numbers(column), value)
    if column.dtype != object:
        return np.zeros(len(column), bool) if not isinstance(value, bool) or column.dtype != bool else column == value
    if value is None:
        return np.fromiter((item is None or item == "null" for item in column), bool, len(column))
    if isinstance(value, bool):
        return np.fromiter((item is value for item in column), bool, len(column))
    return np.asarray(column == value, bool)


def _close(numbers: np.ndarray, value: float) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return np.abs(numbers - value) <= RELATIVE * abs(value)


def _numbers(column: np.ndarray) -> np.ndarray:
    """[row] float64, NaN where there is no number. Tables hold the values of `[full, 64]` as text, the number too."""
    if column.dtype != object:
        return column.astype(np.float64) if column.dtype != bool else np.full(len(column), np.nan)
    return np.fromiter(map(_number, column), np.float64, len(column))


def _number(item: Any) -> float:
    if isinstance(item, str):
        try:
            return float(item)
        except ValueError:
            return np.nan
    return float(item) if _is_number(item) else np.nan


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)
