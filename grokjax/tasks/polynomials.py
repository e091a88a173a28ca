"""Polynomials in x and y as text: `x^3+xy^2+y`, `2x^2-3xy`, or one power of such a sum, `(x^2+y^2)^3`.

The last form is the family F(f(x) + g(y)) that Gromov 2023 (arXiv 2301.02679) can solve in closed form.
"""

import re

import numpy as np

_TERM = re.compile(r"(?P<sign>[+-]?)(?P<factor>[0-9]*)(?P<x>x(\^[0-9]+)?)?(?P<y>y(\^[0-9]+)?)?")
_POWER = re.compile(r"\((?P<inner>[^()]*)\)\^(?P<power>[0-9]+)")
_LARGEST = 1000  # exponents and factors
Terms = dict[tuple[int, int], int]
"""Factor by the powers of x and y."""


def evaluate(text: str, x: np.ndarray, y: np.ndarray, modulus: int) -> np.ndarray:
    """The polynomial modulo `modulus`, int64 like x and y, reduced at each product so that nothing overflows.

    Raises:
      ValueError: `text` is no polynomial, or not in its one spelling, which is named then.
    """
    terms, power = read(text)
    if write(terms, power) != text:
        raise ValueError(f"has another spelling; did you mean {write(terms, power)!r}?")
    total = np.zeros_like(x)
    for (of_x, of_y), factor in terms.items():
        total = (total + factor * (_to_power(x, of_x, modulus) * _to_power(y, of_y, modulus) % modulus)) % modulus
    return _to_power(total, power, modulus)


def read(text: str) -> tuple[Terms, int]:
    """Terms, and the power of their sum.

    Raises:
      ValueError: the text is no polynomial.
    """
    outer = _POWER.fullmatch(text)
    inner, power = (outer["inner"], int(outer["power"])) if outer else (text, 1)
    terms: Terms = {}
    position = 0
    while position < len(inner):
        term = _TERM.match(inner, position)
        is_empty = term is None or not (term["factor"] or term["x"] or term["y"])
        if term is None or is_empty or (position and not term["sign"]):
            raise ValueError(f"makes no sense from {inner[position:]!r} on")
        powers = (_exponent(term["x"]), _exponent(term["y"]))
        factor = int(term["factor"] or 1) * (-1 if term["sign"] == "-" else 1)
        terms[powers] = terms.get(powers, 0) + factor
        position = term.end()
    terms = {powers: factor for powers, factor in terms.items() if factor}
    if not terms or (outer and power < 2):
        raise ValueError("has no term" if not terms else "needs a power of at least 2 behind the bracket")
    if max(power, *map(abs, terms.values()), *(exponent for powers in terms for exponent in powers)) > _LARGEST:
        raise ValueError(f"has a number above {_LARGEST}")
    return terms, power


def write(terms: Terms, power: int = 1) -> str:
    """The one spelling: higher degrees first, of one degree higher powers of x first."""
    words = []
    for (of_x, of_y), factor in sorted(terms.items(), key=lambda term: (-sum(term[0]), -term[0][0])):
        letters = _letter("x", of_x) + _letter("y", of_y)
        number = "" if abs(factor) == 1 and letters else str(abs(factor))
        words.append(("-" if factor < 0 else "+" if words else "") + number + letters)
    text = "".join(words)
    return text if power == 1 else f"({text})^{power}"


def _letter(name: str, power: int) -> str:
    return "" if power == 0 else name if power == 1 else f"{name}^{power}"


def _exponent(letter: str | None) -> int:
    return 0 if not letter else int(letter[2:] or 1)


def _to_power(values: np.ndarray, power: int, modulus: int) -> np.ndarray:
    result, square = np.ones_like(values), values % modulus
    while power:
        result = result * square % modulus if power % 2 else result
        square, power = square * square % modulus, power // 2
    return result
