"""What does a claim of a sweep file say? `probability(grokking, weight_decay=10) > 0.5` as data, without eval.

    claim      = term OPERATOR term
    term       = probability(PHASE, KEY=VALUE, ...) | median(MEASURE, KEY=VALUE, ...) | NUMBER
    OPERATOR   = > | >= | < | <=

PHASE is one of `rules.PHASES` or `generalized` (any of `rules.GENERALIZED`). A VALUE with blanks or any of `,()=<>` is
put in quotes.
"""

import dataclasses
import re
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd

from grokjax.analysis.columns import differing, find, literal, matches, nearest, rows, series, sorted_values
from grokjax.analysis.rules import PHASES

FUNCTIONS = ("probability", "median")
OPERATORS = (">", ">=", "<", "<=")
EVENTS = (*PHASES, "generalized")

_TOKEN = re.compile(
    r"""\s*(?:
      (?P<quoted>"[^"]*"|'[^']*')
    | (?P<operator><=|>=|<|>)
    | (?P<mark>[(),=])
    | (?P<word>[^\s(),=<>"']+)
    )""",
    re.VERBOSE,
)


@dataclasses.dataclass(frozen=True)
class Number:
    """A number to compare with."""

    value: float


@dataclasses.dataclass(frozen=True)
class Term:
    """A share or a median over the runs whose settings match.

    Attributes:
      function: "probability" or "median".
      of: the phase or the measure.
      where: (key, value as typed) pairs; all must match.
    """

    function: str
    of: str
    where: tuple[tuple[str, str], ...]


@dataclasses.dataclass(frozen=True)
class Claim:
    """A comparison that the runs of a sweep support or refute.

    Attributes:
      name: as in the sweep file.
      left, operator, right: what is compared.
      over: axes that are paired: only runs whose partner differs in nothing but the named keys count.
    """

    name: str
    left: Term | Number
    operator: str
    right: Term | Number
    over: tuple[str, ...] = ()

    @property
    def terms(self) -> tuple[Term, ...]:
        return tuple(side for side in (self.left, self.right) if isinstance(side, Term))


def make_claim(name: str, that: str, over: Sequence[str] = ()) -> Claim:
    """A claim from its three entries in a sweep file.

    Raises:
      ValueError: one line that says where `that` stops making sense.
    """
    reader = _Reader(name, that)
    left = reader.term()
    operator = reader.take("operator", "one of " + " ".join(OPERATORS))
    right = reader.term()
    reader.end()
    claim = Claim(name, left, operator, right, tuple(over))
    if not claim.terms:
        raise ValueError(f"claim {name!r}: compares two numbers; one side must be {' or '.join(FUNCTIONS)}(...)")
    return claim


def check_claim(claim: Claim, cells: pd.DataFrame, measures: Iterable[str]) -> None:
    """Refuse a claim that the sweep cannot decide, before anything is trained.

    Args:
      claim: to check.
      cells: one row per cell, the axes by their paths.
      measures: the columns that the table of runs will have.

    Raises:
      ValueError: for an unknown key, value or measure, or an axis that is neither named on a side nor in `over`.
    """
    try:
        paired = [find(key, cells.columns) for key in claim.over]
        for term in claim.terms:
            if term.function == "median":
                find(term.of, measures)
            _check_cells(term, cells, paired)
    except ValueError as error:
        raise ValueError(f"claim {claim.name!r}: {error}") from None


def _check_cells(term: Term, cells: pd.DataFrame, paired: list[str]) -> None:
    """Refuse a term that no cell matches, or several that nothing tells apart."""
    fixed, where = [], np.ones(len(cells), bool)
    for key, text in term.where:
        fixed.append(find(key, cells.columns))
        matching = matches(cells, fixed[-1], text)
        if not matching.any():
            raise ValueError(
                f"{key}={text} is no value of {fixed[-1]!r}{_nearest_value(text, series(cells, fixed[-1]))}"
            )
        where &= matching
    if both := sorted(set(fixed) & set(paired)):
        raise ValueError(f"{both[0]!r} is fixed in {term.function}(...) and listed under over")
    if not where.any():
        raise ValueError(f"no cell has {' and '.join(f'{key}={text}' for key, text in term.where)}")
    chosen = rows(cells, where)
    # Settings that move together are told apart by any one of them, and seeds by themselves.
    within = [name for name in cells.columns if name in paired or str(name).startswith("seeds.")]
    others = [name for name in cells.columns if name not in within]
    if len(chosen[within].astype(str).drop_duplicates() if within else chosen[:1]) < len(chosen):
        varying = differing(chosen, within, others)
        if not varying:
            raise ValueError(f"several cells are shown alike in {term.function}(...), so no condition tells them apart")
        raise ValueError(f"axis {varying[0]!r} varies: fix it in {term.function}(...) or list it under over")


def _nearest_value(text: str, values: pd.Series) -> str:
    """The end of an error message: the value of an axis that is nearest to what was typed."""
    wanted, known = literal(text), sorted_values(values).tolist()
    if isinstance(wanted, float) and all(isinstance(value, (int, float)) for value in known):
        return f"; nearest is {min(known, key=lambda value: abs(value - wanted)):g}"
    return nearest(text, map(str, known))


class _Reader:
    """Takes a claim apart, word by word, from left to right."""

    def __init__(self, name: str, text: str) -> None:
        self.name, self.text = name, text
        self.tokens: list[tuple[str, str]] = []  # (kind, text), the next one last
        position = 0
        while text[position:].strip():
            match = _TOKEN.match(text, position)
            if match is None:
                raise self.error(f"cannot read {text[position:].strip()[:20]!r}")
            kind = match.lastgroup or ""
            self.tokens.append((kind, match.group(kind)))
            position = match.end()
        self.tokens.reverse()

    def error(self, message: str) -> ValueError:
        return ValueError(f"claim {self.name!r}: {message} in {self.text!r}")

    def peek(self) -> tuple[str, str]:
        return self.tokens[-1] if self.tokens else ("", "the end")

    def take(self, kind: str, wanted: str) -> str:
        next_kind, text = self.peek()
        if next_kind != kind:
            raise self.error(f"expected {wanted}, found {text!r}")
        return self.tokens.pop()[1]

    def mark(self, *marks: str) -> str:
        if self.peek()[1] not in marks or self.peek()[0] != "mark":
            raise self.error(f"expected {' or '.join(map(repr, marks))}, found {self.peek()[1]!r}")
        return self.tokens.pop()[1]

    def end(self) -> None:
        if self.tokens:
            raise self.error(f"expected the end, found {self.peek()[1]!r}")

    def term(self) -> Term | Number:
        word = self.take("word", "a number, probability(...) or median(...)")
        if word not in FUNCTIONS:
            try:
                return Number(float(word))
            except ValueError:
                raise self.error(f"no function {word!r}{nearest(word, FUNCTIONS)}") from None
        self.mark("(")
        of = self.take("word", "a phase" if word == "probability" else "a measure")
        if word == "probability" and of not in EVENTS:
            raise self.error(f"no phase {of!r}{nearest(of, EVENTS)}")
        where = []
        while self.mark(",", ")") == ",":
            key = self.take("word", "a key")
            self.mark("=")
            where.append((key, self._value()))
        return Term(word, of, tuple(where))

    def _value(self) -> str:
        if self.peek()[0] == "quoted":
            return self.take("quoted", "a value")[1:-1]
        return self.take("word", "a value")
