"""Is this one plain value what the setting takes? Numbers, text and true/false, without guessing."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np

from grokjax.reader.errors import TYPO, suggestion, wrong
from grokjax.reader.yaml_file import resolve

SMALLEST = float(np.finfo(np.float32).tiny)
"""Smallest number that float32 keeps in full; devices round smaller ones to 0."""
LARGEST = float(np.finfo(np.float32).max)
LARGEST_SWEPT_INT = 2**32 - 1  # swept whole numbers travel as uint32
LARGEST_INT = 2**63 - 1
_NO_AXES = ("train.steps", "seeds", "measure", "stop", "weights", "claims")  # lists here are meant otherwise


def read_float(value: Any, key: str) -> float:
    """A finite number that float32 can hold; whole numbers become floats."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.integer | np.floating):
        raise _not_a(value, key, "a number")
    try:
        number = float(value) + 0.0  # -0.0 becomes 0.0: equal values must have equal text
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise wrong(key, "must be finite", value)
    if number != 0 and abs(number) < SMALLEST:
        raise wrong(key, "rounds to 0 in float32", value, "write 0 or a larger number")
    if abs(number) > LARGEST:
        raise wrong(key, "is too large for float32", value)
    return number


def read_int(value: Any, key: str) -> int:
    """A whole number; 128.0 is accepted as 128."""
    if isinstance(value, float | np.floating) and math.isfinite(value) and value == int(value):
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise _not_a(value, key, "a whole number")
    if abs(int(value)) > LARGEST_INT:
        raise wrong(key, "is too large", value)
    return int(value)


def read_bool(value: Any, key: str) -> bool:
    """True or false; `yes` and `on` are text in YAML 1.2."""
    if not isinstance(value, bool | np.bool_):
        raise wrong(key, "expected true or false", value)
    return bool(value)


def read_text(value: Any, key: str) -> str:
    """Text; a number or true/false is not taken for text."""
    if not isinstance(value, str):
        hint = "put it in quotes" if isinstance(value, bool | int | float) else ""
        raise wrong(key, "expected text", value, hint)
    return value


def read_any(value: Any, key: str) -> Any:
    """A value for a setting without a declared type: lists become tuples, so that it hashes."""
    if isinstance(value, list | tuple):
        return tuple(read_any(item, f"{key}.{index}") for index, item in enumerate(value))
    if isinstance(value, Mapping):
        raise wrong(key, "expected a plain value or a list", "a mapping")
    if isinstance(value, float) and not math.isfinite(value):
        raise wrong(key, "must be finite", value)
    try:
        hash(value)
    except TypeError:
        raise wrong(key, f"a {type(value).__name__} does not hash, so it cannot be a setting") from None
    return value


def check_bounds(value: float, key: str, bounds: Mapping[str, float]) -> None:
    """Refuse a number outside the bounds that the setting declares."""
    words = {"above": "must be >", "at_least": "must be >=", "below": "must be <", "at_most": "must be <="}
    holds = {
        "above": lambda bound: value > bound,
        "at_least": lambda bound: value >= bound,
        "below": lambda bound: value < bound,
        "at_most": lambda bound: value <= bound,
    }
    for name, bound in bounds.items():
        if not holds[name](bound):
            raise wrong(key, f"{words[name]} {bound:g}" if bound < 1e6 else f"{words[name]} {bound}", value)


def check_choice(value: Any, key: str, choices: tuple) -> None:
    """Refuse a value that is not among the permitted ones."""
    if choices and value not in choices:
        raise wrong(key, "unknown choice", value, suggestion(str(value), [str(choice) for choice in choices], TYPO))


def _not_a(value: Any, key: str, what: str) -> Exception:
    if isinstance(value, str):
        try:
            is_number = isinstance(resolve(value.strip()), int | float) and value.strip() != ""
        except ValueError:
            is_number = False
        hint = "remove the quotes" if is_number else ""
        if value.strip().lower() in ("nan", "inf", "-inf"):
            hint = "only finite numbers are accepted"
        return wrong(key, f"expected {what}, got text", value, hint)
    if isinstance(value, list | tuple):
        is_axis = not key.startswith(_NO_AXES)
        hint = f"several values are an axis: put {key} under axes" if is_axis else ""
        return wrong(key, f"expected {what}, got a list", value, hint)
    if isinstance(value, Mapping):
        return wrong(key, f"expected {what}, got a mapping", dict(value))
    if value is None:
        return wrong(key, f"expected {what}, no value given", value)
    return wrong(key, f"expected {what}", value)
