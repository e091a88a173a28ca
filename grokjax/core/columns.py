"""Which column does a short name mean, and which rows hold a value? The same in sweep files, claims and `--where`."""

from collections.abc import Iterable
from typing import Any

import numpy as np

RELATIVE = 1e-3
"""Numbers that people type match the stored ones to this relative difference; 0 matches 0 only."""


def fitting_columns(name: str, columns: Iterable[str]) -> list[str]:
    """The column called `name`; else all whose path ends in it, after a dot or a slash."""
    known = [str(column) for column in columns]
    return [name] if name in known else sorted({path for path in known if path.endswith((f".{name}", f"/{name}"))})


def is_close(left: np.ndarray, right: Any) -> np.ndarray:
    """[row] bool, numbers that are equal to `RELATIVE`."""
    with np.errstate(invalid="ignore"):
        return (np.abs(left - right) <= RELATIVE * np.abs(right)) | (left == right)


def is_equal(column: np.ndarray, value: Any) -> np.ndarray:
    """[row] bool, which rows hold a number, a truth, a text or nothing (None)."""
    if is_number(value):
        return is_close(numbers_of(column), value)
    if value is None:
        return np.fromiter((item is None or item == "null" or item != item for item in column), bool, len(column))
    if isinstance(value, bool):
        return np.fromiter((isinstance(item, bool | np.bool_) and item == value for item in column), bool, len(column))
    return np.asarray(column == value, bool) if column.dtype.kind in "OU" else np.zeros(len(column), bool)


def numbers_of(column: np.ndarray) -> np.ndarray:
    """[row] float64, NaN where there is no number. Tables hold the values of `[full, 64]` as text, the number too."""
    if column.dtype.kind in "OU":
        return np.fromiter(map(_number, column.tolist()), np.float64, len(column))
    return column.astype(np.float64) if column.dtype != bool else np.full(len(column), np.nan)


def is_number(value: Any) -> bool:
    """Whether a value is a number; truths are none."""
    return isinstance(value, int | float | np.integer | np.floating) and not isinstance(value, bool)


def _number(item: Any) -> float:
    if isinstance(item, str):
        try:
            return float(item)
        except ValueError:
            return np.nan
    return float(item) if is_number(item) else np.nan
