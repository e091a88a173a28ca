"""The words of a sweep file for the parts of a run, read into these parts."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from grokjax.reader.build import build_part, read_setting
from grokjax.reader.errors import Collector, wrong
from grokjax.reader.run_settings import Curriculum, Minibatch, Precision, Seeds, StoredInit

SLOTS = {"task": "tasks", "model": "models", "optimizer": "optimizers", "loss": "losses"}
"""Setting of a run -> folder of the catalogue."""

TRAIN_SETTINGS = {"minibatch": Minibatch | None, "curriculum": Curriculum | None}
"""Settings of a run that a sweep file says under `train`, beside the budget -> their annotation."""


def parts_of_words(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Fields of a run, those that are words of a sweep file made parts.

    Raises:
      SpecError: with every problem.
    """
    problems, parts = Collector(), dict(fields)
    hints = {**TRAIN_SETTINGS, "precision": Precision, "init": StoredInit | None, "seeds": Seeds}
    if not any(map(_are_words, fields.values())):
        return parts
    for name, value in fields.items():
        with problems.collecting():
            if name in SLOTS:
                parts[name] = build_part(SLOTS[name], value, name)
            elif name == "regularizers":
                parts[name] = read_regularizers(value, None)
            elif name in hints and value is not None:
                parts[name] = read_setting(hints[name], value, name)
    problems.finish()
    return parts


def _are_words(value: Any) -> bool:
    return isinstance(value, str | Mapping | list) or (
        isinstance(value, tuple) and any(isinstance(item, str | Mapping) for item in value)
    )


def read_regularizers(value: Any, folder: Path | None) -> tuple:
    """Regularizers of a run.

    Raises:
      SpecError: with every problem.
    """
    if not isinstance(value, list | tuple):
        raise wrong("regularizers", "expected a list of mappings", value, "write - {kind: ...}")
    problems, parts = Collector(), []
    for index, words in enumerate(value):
        with problems.collecting():
            parts.append(build_part("regularizers", words, f"regularizers.{index}", folder))
    problems.finish()
    return tuple(parts)
