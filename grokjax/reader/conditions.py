"""For which rows does a condition such as `depth * width > 64 and optimizer = adamw` hold? For `exclude:`, `--where`.

    condition  = relation {and relation}
    relation = sum (= | != | < | <= | > | >=) (sum | VALUE)  |  KEY in [VALUE, ...]
    sum        = product {(+ | -) product}
    product    = (KEY | NUMBER) {(* | /) (KEY | NUMBER)}

KEY is the name of a column or its last words; `/` between blanks divides, within a name it belongs to the name. A name
with other signs is put in quotes. Beside a column of texts the right of = and != is a VALUE. Numbers match to 1e-3
relative, since people type fewer digits than a logarithmic axis has.
"""

import dataclasses
import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from grokjax.core.columns import fitting_columns, is_close, is_equal, numbers_of
from grokjax.reader.errors import suggestion, wrong
from grokjax.reader.yaml_file import parse_value

Aliases = Mapping[str, Mapping[str, Sequence[str]]]
"""Column -> what may be typed for some of its values -> these values."""
_AND = re.compile(r"""\s+and(?:\s+|$)(?=(?:[^"']|"[^"]*"|'[^']*')*$)""")  # not inside quotes
_COMPARISON = re.compile(
    r"""\s*((?:"[^"]*"|'[^']*'|[^"'<>=!])+?)\s*(!=|<=|>=|==|=|<|>|(?<=\s)in(?=[\s\[]))\s*(.*?)\s*""", re.DOTALL
)
_ITEM = re.compile(
    r"""\s*(?:(?P<number>[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)(?![\w.])"""
    r"""|(?P<key>[A-Za-z_][\w.]*(?:/[A-Za-z_][\w.]*)*)|"(?P<double>[^"]+)"|'(?P<single>[^']+)')\s*"""
)
_PLAIN_KEY = re.compile(r"[A-Za-z_][\w.]*(?:/[A-Za-z_][\w.]*)*")
_WHOLE_PART = re.compile(r"""[^\s"'\[\]{}]+ \{.*\}""")  # a stored text such as `adamw {weight_decay: 1.0}`
_OPERATORS = ("=", "!=", "<", "<=", ">", ">=", "in")
_MOST_VALUES = 12
Sum = tuple[str | float, ...]
"""A key or number, then by turns one of + - * / and a key or number."""


@dataclasses.dataclass(frozen=True)
class Relation:
    """One relation.

    Attributes:
      left: what is compared.
      operator: one of = != < <= > >= in.
      value: what stands at the right, as a value; a tuple after `in`.
      right: the same as a sum; empty where it is none.
    """

    left: Sum
    operator: str
    value: Any
    right: Sum = ()

    @property
    def key(self) -> str:
        """The key at the left; empty where a sum or number stands there."""
        return self.left[0] if len(self.left) == 1 and isinstance(self.left[0], str) else ""


def read_condition(text: Any, where: str = "condition") -> tuple[Relation, ...]:
    """Comparisons that must all hold.

    Raises:
      SpecError: it is not `KEY OP VALUE`, or several of them joined by `and`.
    """
    if not isinstance(text, str) or not text.strip():
        raise wrong(where, f"expected 'KEY OP VALUE' with one of {' '.join(_OPERATORS)}", text)
    return tuple(_read_relation(relation, where) for relation in _AND.split(text.strip()))


def keys_of(condition: Sequence[Relation]) -> list[str]:
    """Every key at the left, and what may be one at the right."""
    return [word for relation in condition for side in (relation.left, relation.right) for word in _keys(side)]


def holds(
    condition: Sequence[Relation],
    columns: Mapping[str, np.ndarray],
    where: str = "condition",
    aliases: Aliases | None = None,
) -> np.ndarray:
    """Where all comparisons hold, [row] bool.

    Args:
      condition: from `read_condition`.
      columns: dotted path -> [row]; a key may name a path by its last words.
      where: for messages.
      aliases: of the columns.
    """
    matched = np.ones(len(next(iter(columns.values()), ())), bool)
    for relation in condition:
        matched &= _holds(relation, columns, where, aliases or {})
    return matched


def find_column(key: str, columns: Mapping[str, Any], where: str = "condition") -> str:
    """The one column that a key means: its full path, or its last words if they are nobody else's."""
    fitting = fitting_columns(key, columns)
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise wrong(where, f"{key} is ambiguous: {', '.join(map(_as_key, fitting))}")
    ends = key.split("/")
    if len(ends) > 1 and all(fitting_columns(end, columns) for end in ends):
        raise wrong(where, f"there is no {key} to compare", hint=f"a quotient has blanks: {' / '.join(ends)}")
    raise wrong(where, f"there is no {key} to compare", hint=suggestion(key, map(_as_key, columns)))


def values_there(condition: Sequence[Relation], columns: Mapping[str, np.ndarray]) -> str:
    """Which values the columns have that a condition compares by = or in, for who matched none of them."""
    clauses = []
    for relation in condition:
        if relation.key and relation.operator in ("=", "in"):
            name = find_column(relation.key, columns)
            values = list(dict.fromkeys(map(str, columns[name].tolist())))
            more = ", ..." if len(values) > _MOST_VALUES else ""
            clauses.append(f"{name} is {' or '.join(values[:_MOST_VALUES])}{more}")
    return "; ".join(clauses)


def _read_relation(text: str, where: str) -> Relation:
    match = _COMPARISON.fullmatch(text)
    left = _read_sum(match[1] if match else "")
    if match is None or not left or not match[3]:
        raise wrong(where, f"expected 'KEY OP VALUE' with one of {' '.join(_OPERATORS)}", text)
    operator, right = "=" if match[2] == "==" else match[2], _read_sum(match[3])
    if operator == "in":
        value = parse_value(match[3], where)
        if not isinstance(value, list) or not value:
            raise wrong(where, "'in' needs a list: KEY in [a, b]", text)
        if len(left) != 1 or not isinstance(left[0], str):
            raise wrong(where, "'in' needs one key at its left", text)
        return Relation(left, operator, tuple(value))
    if operator not in ("=", "!="):
        if not right:
            raise wrong(where, f"{operator!r} needs a number, a key or a sum or product of them", text)
        return Relation(left, operator, None, right)
    value = match[3] if _WHOLE_PART.fullmatch(match[3]) else parse_value(match[3], where)
    if isinstance(value, list | dict):
        raise wrong(where, f"{operator!r} compares with one value; use in for several", text)
    return Relation(left, operator, value, right)


def _read_sum(text: str) -> Sum:
    """The words of a sum of products; empty where the text is none."""
    words: list[str | float] = []
    position = 0
    while True:
        item = _ITEM.match(text, position)
        if item is None:
            return ()
        words.append(float(item["number"]) if item["number"] else item["key"] or item["double"] or item["single"])
        position = item.end()
        if position == len(text):
            return tuple(words)
        if text[position] not in "+-*/":
            return ()
        words.append(text[position])
        position += 1


def _holds(relation: Relation, columns: Mapping[str, np.ndarray], where: str, aliases: Aliases) -> np.ndarray:
    name = find_column(relation.key, columns, where) if relation.key else ""
    if relation.operator == "in":
        return np.any([_has(columns[name], value, aliases.get(name, {})) for value in relation.value], axis=0)
    if relation.operator in ("=", "!=") and name and not _compares_numbers(relation, columns[name], columns):
        equal = _has(columns[name], relation.value, aliases.get(name, {}))
        return equal if relation.operator == "=" else ~equal
    if not relation.right:
        raise wrong(where, f"{relation.operator!r} needs numbers on both sides here", relation.value)
    missing = [key for key in _keys(relation.right) if not fitting_columns(key, columns)]
    if missing:
        hint = suggestion(missing[0], map(_as_key, columns))
        raise wrong(where, f"{relation.operator!r} needs a number or a key, and there is no {missing[0]}", hint=hint)
    left, right = (_evaluated(side, columns, where) for side in (relation.left, relation.right))
    equal = is_close(left, right)
    with np.errstate(invalid="ignore"):
        below, above = left < right, left > right
    return {
        "=": equal,
        "!=": ~equal,
        "<": below & ~equal,
        "<=": below | equal,
        ">": above & ~equal,
        ">=": above | equal,
    }[relation.operator]


def _compares_numbers(relation: Relation, column: np.ndarray, columns: Mapping[str, Any]) -> bool:
    """Whether the right of = or != is a sum of keys, and not a value: `stop_reason = budget` names no column."""
    keys = _keys(relation.right)
    is_sum = len(relation.right) > 1 or bool(keys)
    return is_sum and column.dtype.kind in "iuf" and all(len(fitting_columns(key, columns)) == 1 for key in keys)


def _has(column: np.ndarray, value: Any, aliases: Mapping[str, Sequence[str]]) -> np.ndarray:
    """[row] bool, which rows hold a value or one of those that go by it."""
    meant = [*aliases.get(value, ())] if isinstance(value, str) else []
    meant += [None] if value == "none" else []  # as plans and claims say it
    return np.any([is_equal(column, candidate) for candidate in (value, *meant)], axis=0)


def _evaluated(words: Sum, columns: Mapping[str, np.ndarray], where: str) -> np.ndarray:
    total, product = np.float64(0.0), _value(words[0], columns, where)
    with np.errstate(all="ignore"):
        for operator, word in zip(words[1::2], words[2::2], strict=True):
            value = _value(word, columns, where)
            if operator in ("*", "/"):
                product = product * value if operator == "*" else product / value
            else:
                total, product = total + product, value if operator == "+" else -value
        return np.asarray(total + product)


def _value(word: str | float, columns: Mapping[str, np.ndarray], where: str) -> np.ndarray:
    """[row] float64 of a key, or a number."""
    if not isinstance(word, str):
        return np.asarray(word)
    column = columns[find_column(word, columns, where)]
    numbers = numbers_of(column)
    if numbers.size and column.dtype.kind in "OUb" and np.all(np.isnan(numbers)):
        raise wrong(where, f"{word} holds no numbers, so they cannot be compared", column[0])
    return numbers


def _keys(words: Sum) -> list[str]:
    return [word for word in words[::2] if isinstance(word, str)]


def _as_key(name: str) -> str:
    """A name as it can be typed."""
    return name if _PLAIN_KEY.fullmatch(name) else f'"{name}"'
