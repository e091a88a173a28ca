"""Values of settings as tables, plans and conditions show them."""

import dataclasses
from collections.abc import Sequence
from pathlib import PurePath
from typing import Any

import numpy as np

from grokjax.core.part import Part
from grokjax.core.schedules import Schedule
from grokjax.reader.build import to_plain
from grokjax.reader.file_paths import join_source, split_source
from grokjax.reader.paths import value_at
from grokjax.reader.run import Minibatch, Run, StoredInit
from grokjax.reader.yaml_text import flow

_NONE = {"train.minibatch": "full", "init": "drawn"}


def shown_value(value: Any, path: str = "") -> Any:
    """A value as tables and conditions show it: parts and lists as text, null by what it means."""
    if value is None and path in _NONE:
        return _NONE[path]
    if isinstance(value, Minibatch):
        return value.at_most if value == Minibatch(at_most=value.at_most) else flow(to_plain(value))
    if isinstance(value, Schedule):
        return flow(to_plain(value))
    if isinstance(value, Part):
        plain = to_plain(value)
        kind = plain.pop("kind", "")
        differing = {
            field.name: plain[field.name]
            for field in dataclasses.fields(value)
            if field.name in plain and getattr(value, field.name) != field.default
        }
        if isinstance(value, StoredInit):
            folder, chosen = split_source(value.source)
            differing = {"from": join_source(PurePath(folder).name, chosen), **differing}
        return f"{kind} {flow(differing)}" if differing and kind else kind or flow(differing)
    return flow(to_plain(value)) if isinstance(value, tuple) else value


def shown_setting(run: Run, path: str) -> Any:
    """A setting of a run as tables show it; empty text where it has none."""
    try:
        return shown_value(value_at(run, path), path)
    except (AttributeError, IndexError, ValueError, TypeError):
        return ""


def as_column(values: tuple[Any, ...], path: str = "") -> np.ndarray:
    """[point]: int64 or float64 when all are such numbers, else objects."""
    kinds = set(map(type, values))
    shown = values if kinds <= {int, float} else [shown_value(value, path) for value in values]
    kinds = set(map(type, shown))
    if kinds == {int}:
        return np.array(shown, np.int64)
    if kinds <= {int, float}:
        return np.array(shown, np.float64)
    column = np.empty(len(shown), object)
    column[:] = shown
    return column


def value_records(values: Sequence[Any], path: str, names: Sequence[str] = ()) -> list[dict[str, Any]]:
    """What is said and stored of whole parts that are values of one setting; see `value_names`."""
    records = {}
    for value, name in zip(values, names or [""] * len(values), strict=True):
        text, is_drawn = shown_value(value, path), value is None and path == "init"
        if (isinstance(value, Part | tuple) or is_drawn) and isinstance(text, str) and text not in records:
            settings = {"kind": text} if is_drawn else to_plain(value)
            records[text] = {"text": text, "settings": settings, "name": name}
    return list(records.values())
