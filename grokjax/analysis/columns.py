"""Which column of a table does a short name mean, and which rows does a value mean?"""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from grokjax.core.columns import fitting_columns, is_equal
from grokjax.core.words import nearest as words_nearest


def nearest(name: str, known: Iterable[str]) -> str:
    """The end of an error message: the known name that looks most like `name`, or nothing."""
    words = [str(word) for word in known]
    by_last_word = {word.rsplit(".", 1)[-1]: word for word in words}
    close = words_nearest(name, words, 0.5) or by_last_word.get(words_nearest(name, by_last_word) or "")
    return f"; nearest is {close!r}" if close else ""


def find(name: str, columns: Iterable[str]) -> str:
    """The column called `name`, or the only one whose path ends in it.

    Raises:
      ValueError: when there is none (names the nearest) or more than one (names them).
    """
    known = [str(column) for column in columns]
    fitting = fitting_columns(name, known)
    if not fitting:
        raise ValueError(f"no column {name!r}{nearest(name, known)}")
    if len(fitting) > 1:
        raise ValueError(f"column {name!r} is ambiguous: {', '.join(fitting)}")
    return fitting[0]


def literal(text: str) -> float | bool | str | None:
    """What a typed value means: a number, true, false, null, or the text itself."""
    words = {"true": True, "false": False, "null": None, "none": None}
    if text.lower() in words:
        return words[text.lower()]
    try:
        return float(text)
    except ValueError:
        return text


def matches(table: pd.DataFrame, column: str, text: str) -> np.ndarray:
    """[row] bool, which rows hold the value typed as `text`, or one of those that go by it; see `aliases`."""
    values = array(series(table, column))
    meant = aliases(table).get(column, {}).get(text, ())
    return np.any([is_equal(values, candidate) for candidate in (literal(text), text, *meant)], axis=0)


def aliases(table: pd.DataFrame) -> dict[str, dict[str, list[str]]]:
    """Column -> what may be typed for some of its values -> these values."""
    return table.attrs.get("aliases", {})


def array(values: pd.Series) -> np.ndarray:
    """[row] the values, numbers as such: those of pandas that know what is missing have NaN there."""
    return numbers(values) if str(values.dtype) == "Int64" else values.to_numpy()


def series(table: pd.DataFrame, name: str) -> pd.Series:
    """One column of a table."""
    return pd.Series(table[name])


def rows(table: pd.DataFrame, where: np.ndarray) -> pd.DataFrame:
    """The rows of a table where `where` [row] is true."""
    return pd.DataFrame(table.loc[where])


def distinct(runs: pd.DataFrame) -> pd.DataFrame:
    """The runs without those that repeat another of their cell bit for bit (`is_repeat`): they are no more evidence."""
    return rows(runs, ~series(runs, "is_repeat").to_numpy(bool)) if "is_repeat" in runs.columns else runs


def has_values(table: pd.DataFrame, names: list[str]) -> np.ndarray:
    """[row] bool, whether none of the columns is missing."""
    return np.logical_and.reduce([series(table, name).notna().to_numpy() for name in names])


def numbers(values: pd.Series) -> np.ndarray:
    """[row] float64, NaN where missing."""
    return np.asarray(values.astype("Float64").to_numpy(np.float64, na_value=np.nan))


def seed_columns(runs: pd.DataFrame, but: Iterable[str] = ()) -> list[str]:
    """The columns that together say which draw a run is, without those in `but`."""
    return [column for column in runs.columns if str(column).startswith("seeds.") and column not in set(but)]


def seed_ids(runs: pd.DataFrame, but: Iterable[str] = ()) -> np.ndarray:
    """[run] int64, equal for runs with equal seeds; each run its own where the table has no seeds."""
    columns = seed_columns(runs, but)
    if not columns:
        return np.arange(len(runs))
    return runs.groupby(columns, dropna=False, sort=True).ngroup().to_numpy(np.int64)


def sorted_values(values: pd.Series) -> np.ndarray:
    """The distinct values of an axis without missing ones: numbers by size, also those written as text, then texts."""
    distinct = values.dropna().unique().tolist()
    if all(isinstance(value, (int, float)) and not isinstance(value, bool) for value in distinct):
        return np.array(sorted(distinct))
    ordered = sorted(distinct, key=_rank)
    result = np.empty(len(ordered), object)
    result[:] = ordered
    return result


def _rank(value: Any) -> tuple[bool, float, str]:
    size = literal(value) if isinstance(value, str) else value
    return (False, size, "") if isinstance(size, (int, float)) else (True, 0.0, str(value))


def differing(runs: pd.DataFrame, within: list[str], columns: list[str]) -> tuple[str, ...]:
    """Those of `columns` that differ between rows which are equal in all of `within`."""
    texts = {name: series(runs, name).astype(str) for name in columns}  # settings may be lists, which do not hash
    varying = [name for name in columns if texts[name].nunique(dropna=False) > 1]
    if not within or not varying:
        return tuple(varying)
    cells = [series(runs, name) for name in within]
    groups = {name: texts[name].groupby(cells, sort=False, dropna=False) for name in varying}
    per_cell = {name: grouped.nunique(dropna=False) for name, grouped in groups.items()}
    return tuple(name for name in varying if np.any(np.asarray(per_cell[name]) > 1))
