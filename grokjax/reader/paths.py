"""What does a dotted path such as `optimizer.weight_decay` name in a run, and how is that one setting replaced?"""

import dataclasses
import functools
import typing
from collections.abc import Iterator, Mapping
from typing import Any

from grokjax.core.part import Part, hints_of
from grokjax.core.schedules import Schedule
from grokjax.reader.build import absolute_source, read_setting, schedule_bounds
from grokjax.reader.errors import suggestion, wrong
from grokjax.reader.run import Run
from grokjax.reader.run_words import TRAIN_SETTINGS
from grokjax.reader.user_class import members
from grokjax.reader.values import check_bounds

_ALIASES = {("train", name): (name,) for name in TRAIN_SETTINGS} | {("init", "from"): ("init", "source")}
_FILE_NAMES = {fields: words for words, fields in _ALIASES.items()}
_hints = functools.lru_cache(hints_of)


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a path leads.

    Attributes:
      hint: annotation of the setting.
      metadata: its declaration.
      bounds_in_schedule: of the values of the schedule that it belongs to.
      owner: the part or tuple that holds it.
    """

    hint: Any
    metadata: Mapping[str, Any]
    bounds_in_schedule: Mapping[str, float]
    owner: Any


def fields_of(path: str) -> tuple[str, ...]:
    """Names of the fields from the run down; sweep files call some of them otherwise."""
    words = tuple(path.split("."))
    for alias, fields in _ALIASES.items():
        if words[: len(alias)] == alias:
            return fields + words[len(alias) :]
    return words


def locate(run: Run, path: str) -> Place:
    """What a path leads to.

    Raises:
      SpecError: nothing of that name, with the nearest path.
    """
    node, names = run, fields_of(path)
    owner, hint, metadata, bounds = run, None, {}, {}
    for index, name in enumerate(names):
        owner = node
        outer = schedule_bounds(metadata)
        if (
            isinstance(node, Part)
            and name in _hints(type(node))
            and (index or path.partition(".")[0] not in TRAIN_SETTINGS)
        ):
            hint = _hints(type(node))[name]
            metadata = next(field.metadata for field in dataclasses.fields(node) if field.name == name)
            bounds = outer if isinstance(node, Schedule) and metadata.get("unit") != "steps" else {}
            node = getattr(node, name)
        elif isinstance(node, tuple) and name.isdigit() and int(name) < len(node):
            hint = _item_hint(hint, int(name))
            node = node[int(name)]
        else:
            raise wrong(path, _why_not(node, names[:index], name), hint=_nearest_path(run, node, path, name))
    return Place(hint, {"bounds": {}, "choices": (), "scheduled": True, **metadata}, bounds, owner)


def read_at(run: Run, path: str, value: Any, key: str) -> Any:
    """A value for the setting at a path, checked and brought into its one form."""
    place = locate(run, path)
    checked = read_setting(place.hint, value, key, place.metadata)
    if place.bounds_in_schedule:
        check_bounds(checked, key, place.bounds_in_schedule)
    return absolute_source(checked, key) if fields_of(path) == ("init", "source") else checked


def replaced(run: Run, path: str, value: Any) -> Run:
    """The run with one setting replaced by a value that `read_at` gave."""
    return _replaced(run, fields_of(path), value)


def value_at(run: Run, path: str) -> Any:
    """The value of a setting."""
    node: Any = run
    for name in fields_of(path):
        node = node[int(name)] if isinstance(node, tuple) else getattr(node, name)
    return node


def all_paths(run: Run) -> list[str]:
    """Every path of a run, as sweep files write it."""
    return [".".join(words) for words in _walk(run, ())]


def _walk(node: Any, names: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    if names:
        yield next((words + names[len(own) :] for own, words in _FILE_NAMES.items() if names[: len(own)] == own), names)
    if isinstance(node, Part):
        for field in dataclasses.fields(node):
            yield from _walk(getattr(node, field.name), (*names, field.name))
    elif isinstance(node, tuple) and any(isinstance(item, Part) for item in node):
        for index, item in enumerate(node):
            yield from _walk(item, (*names, str(index)))


def _replaced(node: Any, names: tuple[str, ...], value: Any) -> Any:
    if not names:
        return value
    if isinstance(node, tuple):
        index = int(names[0])
        return (*node[:index], _replaced(node[index], names[1:], value), *node[index + 1 :])
    return dataclasses.replace(node, **{names[0]: _replaced(getattr(node, names[0]), names[1:], value)})


def _item_hint(hint: Any, index: int) -> Any:
    """Annotation of one item of a tuple."""
    inner = next(typing.get_args(option) for option in members(hint) if typing.get_origin(option) is tuple)
    return inner[0] if len(inner) == 2 and inner[1] is Ellipsis else inner[index]


def _nearest_path(run: Run, node: Any, path: str, name: str) -> str:
    """A setting beside the one that is not there, where one is like it; else one that ends in the same word."""
    folder = path.rpartition(".")[0]
    if isinstance(node, Part) and name in ("preset", "kind"):
        return f"list whole parts: {folder}: [{{kind: {node.kind}, ...}}, ...]"
    if isinstance(node, Part) and folder and path.endswith(f".{name}"):
        beside = suggestion(name, _hints(type(node)))
        if beside.startswith("did you mean"):
            return beside.replace("'", f"'{folder}.", 1)
    return suggestion(path, all_paths(run))


def _why_not(node: Any, names: tuple[str, ...], name: str) -> str:
    if node is None:
        return f"{'.'.join(names)} is not set, so it has no {name!r}"
    if isinstance(node, tuple):
        return f"{'.'.join(names)} has {len(node)} items, numbered from 0"
    return f"no setting {name!r}" + (f" in {'.'.join(names)}" if names else "")
