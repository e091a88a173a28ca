"""The catalogue as the form shows it: every part with its paper, its settings, their defaults and ranges."""

import dataclasses
import functools
from typing import Any, cast

from grokjax.core.catalogue import catalogue
from grokjax.core.part import Part
from grokjax.report.catalogue_text import first_sentence, setting_rows

OFFERED = ("tasks", "models", "losses", "optimizers", "regularizers", "measures")


@functools.cache
def catalogue_json() -> dict[str, list[dict[str, Any]]]:
    """Parts by kind of part, each a mapping of texts."""
    return {folder: [_part(kind, cls) for kind, cls in catalogue(folder).items()] for folder in OFFERED}


def _part(kind: str, cls: type[Part]) -> dict[str, Any]:
    about = {"kind": kind, "about": first_sentence(cls), "paper": cls.paper, "presets": list(cls.presets)}
    choices = {field.name: field.metadata.get("choices", ()) for field in dataclasses.fields(cast(Any, cls))}
    names = ("name", "role", "default", "unit", "bounds", "about")
    settings = [dict(zip(names, row, strict=True)) for row in setting_rows(cls)]
    return {**about, "settings": [row | {"choices": list(map(str, choices[row["name"]]))} for row in settings]}
