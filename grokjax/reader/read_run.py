"""How does the file's description of one run become a run? Six kinds of part under their own keys."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from grokjax.core.catalogue import KINDS
from grokjax.reader.build import build_part, read_setting, to_mapping, to_plain
from grokjax.reader.errors import Collector, suggestion, wrong
from grokjax.reader.run import Run
from grokjax.reader.run_settings import Precision, StoredInit
from grokjax.reader.run_words import SLOTS, TRAIN_SETTINGS, read_regularizers

RUN_KEYS = (*SLOTS, "regularizers", "precision", "init")


def read_run(mapping: Mapping[str, Any], folder: Path | None = None) -> Run:
    """A run from the keys `task`, `model`, ... of a sweep file and the `TRAIN_SETTINGS` of its `train`.

    Raises:
      SpecError: with every problem.
    """
    problems, fields = Collector(), {}
    for name, slot in SLOTS.items():
        with problems.collecting():
            if name in mapping:
                fields[name] = build_part(slot, mapping[name], name, folder)
            elif name != "loss":
                raise wrong(name, "missing", hint=f"for example {name}: {_EXAMPLES[name]}")
    with problems.collecting():
        fields["regularizers"] = read_regularizers(mapping.get("regularizers", ()), folder)
    for name, hint in (("precision", Precision), ("init", StoredInit | None)):
        with problems.collecting():
            if name in mapping:
                fields[name] = read_setting(hint, mapping[name], name, folder=folder)
    train = mapping.get("train")
    for name, hint in TRAIN_SETTINGS.items():
        with problems.collecting():
            if isinstance(train, Mapping) and name in train:
                fields[name] = read_setting(hint, train[name], f"train.{name}", folder=folder)
    problems.finish()
    return Run(**fields)


def run_to_mapping(run: Run) -> dict[str, Any]:
    """What a sweep file would say; seeds and budget belong to the sweep."""
    mapping: dict[str, Any] = {name: to_mapping(getattr(run, name)) for name in SLOTS}
    mapping["regularizers"] = [to_mapping(part) for part in run.regularizers]
    mapping["precision"] = to_mapping(run.precision)
    mapping["init"] = to_plain(run.init)
    mapping["train"] = {"minibatch": "full" if run.minibatch is None else to_mapping(run.minibatch)}
    if run.curriculum is not None:
        mapping["train"]["curriculum"] = to_mapping(run.curriculum)
    return {name: value for name, value in mapping.items() if value not in (None, [])}


def checked_run(run: Any) -> Run:
    """A run made in Python, or what a sweep file says of one, with every value checked and in its one form."""
    if isinstance(run, Mapping):
        return _read_base(run)
    if not isinstance(run, Run):
        raise wrong("base", f"expected a Run or a mapping, got a {type(run).__name__}")
    values = {field.name: getattr(run, field.name) for field in dataclasses.fields(Run)}
    for name, slot in SLOTS.items():
        if not isinstance(values[name], KINDS[slot]):
            raise wrong(name, f"expected a part of {slot}, got a {type(values[name]).__name__}")
    checked = read_run({**values, "train": {name: values[name] for name in TRAIN_SETTINGS}})
    seeds = read_setting(type(run.seeds), run.seeds, "seeds")
    return dataclasses.replace(checked, seeds=seeds)


def _read_base(mapping: Mapping[str, Any]) -> Run:
    """A run from a mapping that says nothing of a sweep: `train` holds no budget."""
    unknown = next((key for key in mapping if key not in (*RUN_KEYS, "train")), None)
    if unknown is not None:
        raise wrong(f"base.{unknown}", "unknown key", hint=suggestion(str(unknown), (*RUN_KEYS, "train")))
    train = mapping.get("train", {})
    if not isinstance(train, Mapping) or set(train) - set(TRAIN_SETTINGS):
        raise wrong("base.train", f"holds {' and '.join(TRAIN_SETTINGS)}; give the budget as steps=", train)
    return read_run(mapping)


_EXAMPLES = {
    "task": "{kind: modular_arithmetic, operation: x+y, modulus: 97}",
    "model": "{kind: mlp}",
    "optimizer": "{kind: adamw, weight_decay: 1.0}",
}
