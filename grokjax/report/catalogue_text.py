"""Which parts are there, from which paper, with which settings: what `grokjax list` shows."""

import dataclasses
import inspect
import types
import typing
from collections.abc import Mapping
from typing import Annotated, Any, cast

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from grokjax.core.part import Part, hints_of, holds_leaves, is_swept
from grokjax.report.terminal import WIDTH, rendered
from grokjax.report.wording import number_text

_BOUNDS = {"above": ">", "at_least": "≥", "below": "<", "at_most": "≤"}
_HEADS = ("setting", "", "default", "unit", "bounds", "meaning")


def catalogue_text(parts: Mapping[str, type[Part]], colour: bool = False, width: int = WIDTH) -> str:
    """`catalogue_view` as text, with ANSI colours only if `colour`."""
    return rendered(catalogue_view(parts), colour, width)


def catalogue_view(parts: Mapping[str, type[Part]]) -> RenderableType:
    """Each part with its paper, what it is, and a table of its settings.

    Args:
      parts: by kind, as `core.catalogue.catalogue("tasks")` gives them.
    """
    shown: list[RenderableType] = []
    for kind, cls in parts.items():
        shown.append(Text(kind, style="bold").append(f"  {cls.paper}" if cls.paper else "", style="not bold italic"))
        shown.append(Text(f"  {first_sentence(cls)}"))
        if setting_rows(cls):
            shown.append(_settings(cls))
        if cls.presets:
            shown.append(Text(f"  preset: {', '.join(cls.presets)}"))
        shown.append(Text(""))
    return Group(*shown[:-1])


def first_sentence(cls: type) -> str:
    """The first line of a part's own docstring."""
    return (inspect.getdoc(cls) or "").strip().partition("\n")[0]


def setting_rows(cls: type[Part]) -> list[tuple[str, str, str, str, str, str]]:
    """(name, swept or static, default, unit, bounds, about) of each setting."""
    hints = hints_of(cls)
    return [
        (
            field.name,
            "swept" if is_swept(hints[field.name]) else "part" if holds_leaves(hints[field.name]) else "static",
            "required" if field.default is dataclasses.MISSING else _default_text(field.default),
            field.metadata.get("unit", ""),
            _bounds(field.metadata, hints[field.name]),
            field.metadata.get("about", ""),
        )
        for field in dataclasses.fields(cast(Any, cls))
    ]


def _settings(cls: type[Part]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False, header_style="dim")
    table.add_column("", width=2)
    rows = setting_rows(cls)
    used = [column for column in range(len(_HEADS)) if any(row[column] for row in rows)]  # most parts have no units
    for column in used:
        table.add_column(_HEADS[column], overflow="fold", no_wrap=_HEADS[column] in ("setting", ""))
    for row in rows:
        table.add_row("", *(Text(row[column]) for column in used))
    return table


def _default_text(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {None: "none", True: "true", False: "false"}[value]
    if isinstance(value, Part):
        return value.kind
    if isinstance(value, tuple):
        return ", ".join(map(_default_text, value)) or "none"
    return number_text(value) if isinstance(value, (int, float)) else value or '""'


def _bounds(metadata: Mapping[str, Any], hint: Any) -> str:
    choices = metadata.get("choices", ())
    if choices:
        return ", ".join(map(str, choices))
    parts = [f"{_BOUNDS[name]} {number_text(bound)}" for name, bound in metadata.get("bounds", {}).items()]
    return ", ".join(parts) or _type_text(hint)


def _type_text(hint: Any) -> str:
    """`number`, `text`, ... for a setting without bounds."""
    if typing.get_origin(hint) is Annotated:
        hint = typing.get_args(hint)[0]
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return " or ".join(_type_text(option) for option in typing.get_args(hint))
    names = {float: "number", int: "whole number", str: "text", bool: "true | false", type(None): "none"}
    return names.get(hint, getattr(hint, "__name__", str(hint)))
