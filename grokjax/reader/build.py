"""How does a mapping of the sweep file become a part, and a part a mapping? Every value is checked here, once.

The parts' own declarations are the rules: annotations say the type, `setting()` the bounds and choices.
"""

import contextlib
import dataclasses
import functools
import inspect
import os
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any

from grokjax.core.catalogue import KINDS, catalogue
from grokjax.core.part import Part, hints_of, is_swept
from grokjax.core.schedules import SCHEDULES, Schedule
from grokjax.reader.absent_parts import absent_class
from grokjax.reader.errors import TYPO, Collector, SpecError, blamed, first_line, nearest, suggestion, wrong
from grokjax.reader.file_paths import join_source, split_source
from grokjax.reader.other_names import our_name
from grokjax.reader.run_settings import Minibatch, StoredInit
from grokjax.reader.sealed import refuse_if_sealed
from grokjax.reader.user_class import members
from grokjax.reader.user_parts import as_absent, data_sha256, kind_of, named_in, source_of, user_part
from grokjax.reader.values import (
    LARGEST_SWEPT_INT,
    check_bounds,
    check_choice,
    read_any,
    read_bool,
    read_float,
    read_int,
    read_text,
)

_NO_METADATA: Mapping[str, Any] = {"bounds": {}, "choices": (), "scheduled": True, "strict": False}
_PLAIN = {bool: read_bool, int: read_int, float: read_float, str: read_text}
_FULL = "full"
_kinds = functools.lru_cache(catalogue)
_hints = functools.lru_cache(hints_of)


def build_part(slot: str, mapping: Any, where: str, folder: Path | None = None) -> Part:
    """A part of one of the seven kinds, every value checked.

    Args:
      slot: `tasks`, `models`, `losses`, `optimizers`, `regularizers`, `measures` or `probes`.
      mapping: `{kind: ..., setting: value, ...}`, the kind alone, or a part made in Python.
      where: dotted path of the part, for messages.
      folder: of the sweep file: relative paths start there.

    Raises:
      SpecError: with every problem of the mapping.
    """
    if isinstance(mapping, KINDS[slot]):
        return _fill(type(mapping), settings_of(mapping), where, folder)
    if isinstance(mapping, str):
        mapping = {"kind": mapping}
    if not isinstance(mapping, Mapping):
        raise wrong(where, "expected a mapping {kind: ..., ...}", mapping)
    settings = dict(mapping)
    if "kind" not in settings:
        raise wrong(f"{where}.kind", "missing", hint=suggestion("", _kinds(slot)))
    kind = read_text(settings.pop("kind"), f"{where}.kind")
    absent = absent_class(slot, kind, settings)
    cls = _class_of(slot, kind, f"{where}.kind", folder) if absent is None else as_absent(kind, *absent)
    part = _fill(cls, _with_preset(cls, settings, where), where, folder)
    if slot == "optimizers" and source_of(type(part)) is not None and absent is None:
        _try_transform(part, where)
    return part


def slot_of(slots: Sequence[str], mapping: Any, folder: Path | None = None) -> str:
    """Of which of several kinds a part is that stands where any of them may; the first one, if of none.

    Args:
      mapping: as `build_part` takes it.
    """
    kind = mapping.get("kind") if isinstance(mapping, Mapping) else mapping
    if not isinstance(kind, str):
        return slots[0]
    if ":" in kind:
        with contextlib.suppress(SpecError):  # which `build_part` will say
            named = named_in(kind, "kind", folder)
            return next(
                (slot for slot in slots if isinstance(named, type) and issubclass(named, KINDS[slot])), slots[0]
            )
        return slots[0]
    close = nearest(kind, [name for slot in slots for name in _kinds(slot)])
    return next(
        (slot for slot in slots if kind in _kinds(slot) or our_name(slot, kind) or close in _kinds(slot)), slots[0]
    )


def read_setting(
    hint: Any, value: Any, key: str, metadata: Mapping[str, Any] = _NO_METADATA, folder: Path | None = None
) -> Any:
    """A value for a setting with this annotation and declaration, checked and brought into its one form."""
    options = members(hint)
    if Minibatch in options:
        value = _minibatch(value)
    if value is None:
        if type(None) in options or hint is Any:
            return None
        raise wrong(key, "no value given", value)
    others = [option for option in options if option is not type(None)]
    for option in others[:-1]:
        try:
            return _read(option, value, key, metadata, folder)
        except ValueError:
            continue
    return _read(others[-1], value, key, metadata, folder)


def to_mapping(part: Part) -> dict[str, Any]:
    """What a sweep file would say; `build_part` gives an equal part back. All settings are written out."""
    mapping: dict[str, Any] = {}
    if isinstance(part, tuple(KINDS.values())):
        mapping["kind"] = _written_kind(type(part))
    for field in dataclasses.fields(part):
        value = getattr(part, field.name)
        if is_writable(value):
            mapping["from" if (type(part), field.name) == (StoredInit, "source") else field.name] = to_plain(value)
        elif value != field.default:
            raise wrong(field.name, f"a {type(value).__name__} cannot be written in a sweep file", value)
    return mapping


def to_plain(value: Any) -> Any:
    """Parts, schedules and tuples as mappings and lists."""
    if isinstance(value, Schedule):
        return {value.kind: to_mapping(value)}
    if isinstance(value, Part):
        return to_mapping(value)
    if isinstance(value, Mapping):
        return {name: to_plain(item) for name, item in value.items()}
    return [to_plain(item) for item in value] if isinstance(value, list | tuple) else value


def is_writable(value: Any) -> bool:
    """Whether a sweep file can hold the value."""
    if isinstance(value, tuple):
        return all(is_writable(item) for item in value)
    return value is None or isinstance(value, bool | int | float | str | Part)


def _written_kind(cls: type[Part]) -> str:
    source = source_of(cls)
    if source is None:
        return cls.kind
    if "<locals>" in source.written or source.written.startswith("__main__:"):
        raise wrong("kind", f"{source.kind} cannot be named in a sweep file", hint="define it at the top of a file")
    return source.written


def _class_of(slot: str, kind: str, key: str, folder: Path | None) -> type[Part]:
    if ":" in kind:
        return user_part(slot, kind, key, folder)
    known = _kinds(slot)
    if kind not in known:
        other = "name a file as ./FILE.py:Name" if kind.endswith(".py") else our_name(slot, kind)
        raise wrong(key, f"unknown kind of {slot}", kind, other or suggestion(kind, known, TYPO))
    return known[kind]


def _with_preset(cls: type[Part], settings: dict[str, Any], where: str) -> dict[str, Any]:
    """The settings of a preset, and what is given beside it on top; `preset` itself is no setting."""
    if not cls.presets or "preset" not in settings:
        return settings
    name = read_text(settings["preset"], f"{where}.preset")
    check_choice(name, f"{where}.preset", tuple(cls.presets))
    return {**cls.presets[name], **{key: value for key, value in settings.items() if key != "preset"}}


def settings_of(part: Part) -> dict[str, Any]:
    """Name -> value of every setting."""
    return {field.name: getattr(part, field.name) for field in dataclasses.fields(part)}


def _fill(cls: type[Part], settings: Mapping[str, Any], where: str, folder: Path | None) -> Any:
    """An instance of a part class from values by name."""
    fields = {field.name: field for field in dataclasses.fields(cls)}
    problems, values = Collector(), {}
    for name in settings:
        if name not in fields:
            with problems.collecting():
                raise wrong(f"{where}.{name}", "unknown key", hint=suggestion(str(name), fields))
    for name, field in fields.items():
        key = f"{where}.{name}"
        with problems.collecting():
            if name in settings:
                metadata = {**_NO_METADATA, **field.metadata}
                is_own = not is_writable(settings[name]) and settings[name] is field.default
                values[name] = (
                    settings[name] if is_own else read_setting(_hints(cls)[name], settings[name], key, metadata, folder)
                )
            elif field.default is dataclasses.MISSING:
                raise wrong(key, "missing", hint=field.metadata.get("about", ""))
    problems.finish()
    if {"path", "sha256"} <= set(fields):
        values |= _file_of(cls, values, where, folder)
    return cls(**values)


def _read(hint: Any, value: Any, key: str, metadata: Mapping[str, Any], folder: Path | None) -> Any:
    """A value for an annotation that is no union."""
    origin = typing.get_origin(hint)
    if origin is Annotated and is_swept(hint):
        return _read_swept(hint, value, key, metadata, folder)
    if hint in _PLAIN:
        parsed = _PLAIN[hint](value, key)
        if hint in (int, float):
            check_bounds(parsed, key, metadata["bounds"])
        check_choice(parsed, key, metadata["choices"])
        return parsed
    if origin is typing.Literal:
        check_choice(value, key, typing.get_args(hint))
        return value
    if origin is tuple:
        return _read_tuple(typing.get_args(hint), value, key, metadata, folder)
    if inspect.isclass(hint) and issubclass(hint, Part):
        return _read_part(hint, value, key, folder)
    parsed = read_any(value, key)
    check_choice(parsed, key, metadata["choices"])
    return parsed


def _read_swept(hint: Any, value: Any, key: str, metadata: Mapping[str, Any], folder: Path | None) -> Any:
    is_whole = typing.get_args(hint)[0] is int
    if isinstance(value, Mapping | Schedule):
        if is_whole:
            raise wrong(key, "a whole number cannot follow a schedule")
        if not metadata["scheduled"]:
            raise wrong(key, "is read only once, before the first update, so a schedule would be ignored")
        return _read_schedule(value, key, metadata, folder)
    number = read_int(value, key) if is_whole else read_float(value, key)
    check_bounds(number, key, metadata["bounds"])
    if is_whole and not 0 <= number <= LARGEST_SWEPT_INT:
        raise wrong(key, f"must be from 0 to {LARGEST_SWEPT_INT}", number)
    return number


def _read_schedule(value: Any, key: str, metadata: Mapping[str, Any], folder: Path | None) -> Schedule:
    if isinstance(value, Mapping):
        if len(value) != 1 or next(iter(value)) not in SCHEDULES:
            name = str(next(iter(value), ""))
            raise wrong(key, "expected a number or one schedule", name, suggestion(name, SCHEDULES, TYPO))
        kind, inner = next(iter(value.items()))
        if not isinstance(inner, Mapping):
            names = ", ".join(field.name for field in dataclasses.fields(SCHEDULES[kind]))
            raise wrong(f"{key}.{kind}", f"expected a mapping with {names}", inner)
        schedule = _fill(SCHEDULES[kind], inner, key, folder)
    else:
        schedule = _fill(type(value), settings_of(value), key, folder)
    check_schedule(schedule, key, metadata)
    return schedule


def schedule_bounds(metadata: Mapping[str, Any]) -> dict[str, float]:
    """Bounds of the values of a schedule: it may reach the one that a constant must stay above, if not `strict`."""
    bounds = dict(metadata.get("bounds", {}))
    if "above" in bounds and not metadata.get("strict", False):
        bounds["at_least"] = bounds.pop("above")
    return bounds


def check_schedule(schedule: Any, key: str, metadata: Mapping[str, Any]) -> None:
    """Refuse a schedule whose values leave the bounds of its setting, or that ends before it begins."""
    names = [field.name for field in dataclasses.fields(schedule) if field.metadata.get("unit") != "steps"]
    values = {name: getattr(schedule, name) for name in names}
    for name, value in values.items():
        check_bounds(value, f"{key}.{name}", schedule_bounds(metadata))
    above = metadata["bounds"].get("above")
    if above is not None and max(values.values()) <= above:
        raise wrong(key, f"must be > {above:g} at some step", max(values.values()))
    if hasattr(schedule, "finish") and schedule.finish < schedule.begin:
        raise wrong(f"{key}.finish", f"must be at least begin, {schedule.begin:g}", schedule.finish)


def _read_tuple(inner: tuple, value: Any, key: str, metadata: Mapping[str, Any], folder: Path | None) -> tuple:
    if not isinstance(value, list | tuple):
        raise wrong(key, "expected a list", value)
    if len(inner) == 2 and inner[1] is Ellipsis:
        inner = (inner[0],) * len(value)
    if len(inner) != len(value):
        raise wrong(key, f"expected {len(inner)} values, got {len(value)}")
    problems, items = Collector(), []
    for index, (hint, item) in enumerate(zip(inner, value, strict=True)):
        with problems.collecting():
            items.append(read_setting(hint, item, f"{key}.{index}", metadata, folder))
    problems.finish()
    return tuple(items)


def _read_part(hint: type[Part], value: Any, key: str, folder: Path | None) -> Part:
    """A part inside a part: of one of the seven kinds, or of one known class."""
    slot = next((slot for slot, kind in KINDS.items() if hint is kind), None)
    if slot is not None:
        return build_part(slot, value, key, folder)
    if isinstance(value, hint):
        settings = settings_of(value)
        return _fill(type(value), _stored_init(settings, key, folder) if hint is StoredInit else settings, key, folder)
    if not isinstance(value, Mapping):
        names = ", ".join(field.name for field in dataclasses.fields(hint))
        full = "full, a number, or " if hint is Minibatch else ""
        raise wrong(key, f"expected {full}a mapping with {names}", value)
    if hint is StoredInit:
        value = _stored_init(value, key, folder)
    return _fill(hint, value, key, folder)


def _minibatch(value: Any) -> Any:
    """`full` is None, a number is the largest size."""
    if value == _FULL:
        return None
    return {"at_most": value} if isinstance(value, int | float) else value


def _stored_init(value: Mapping[str, Any], key: str, folder: Path | None) -> dict[str, Any]:
    """In files the source is called `from`; one pattern need not be a list."""
    init = {"source" if name == "from" else name: item for name, item in value.items()}
    source = init.get("source")
    if source is None:
        raise wrong(f"{key}.from", "missing", hint="write the folder of the stored run, DIR or DIR#RUN_ID")
    if isinstance(source, str):
        init["source"] = absolute_source(source, f"{key}.from", folder)
    patterns = ("freeze", "mask", "draw")
    return {name: [item] if name in patterns and isinstance(item, str) else item for name, item in init.items()}


def absolute_source(source: str, key: str, folder: Path | None = None) -> str:
    """A source with an absolute folder, so that a stored sweep finds it from wherever it is resumed."""
    source_folder, chosen = split_source(source)
    if not source_folder or (not chosen and "#" in source):
        raise wrong(key, "expected DIR, DIR#RUN_ID or DIR#KEY=VALUE", source)
    refuse_if_sealed(key, "a stored run", source)
    return join_source(absolute_folder(source_folder, folder), chosen)


def absolute_folder(path: str, folder: Path | None = None) -> str:
    """A folder as an absolute path; a relative one starts at `folder`, or at the current one."""
    return os.path.normpath((folder or Path.cwd()).absolute() / Path(path).expanduser())


def _file_of(cls: type[Part], values: Mapping[str, Any], where: str, folder: Path | None) -> dict[str, str]:
    """Absolute path of a data file and its checksum, which must be the one given, if one is."""
    refuse_if_sealed(f"{where}.path", "a file of data", values["path"])
    path = ((Path.cwd() if folder is None else Path(folder)) / Path(values["path"]).expanduser()).absolute()
    if not path.is_file():
        beside = [other.name for other in path.parent.iterdir()] if path.parent.is_dir() else []
        beside = sorted(name for name in beside if name.endswith(path.suffix))[:100]
        raise wrong(f"{where}.path", "no such file", values["path"], suggestion(path.name, beside))
    try:
        sha256 = data_sha256(cls, path)
    except OSError as error:
        missing = Path(error.filename).name if error.filename else path.name
        raise wrong(f"{where}.path", f"{missing} cannot be read ({error.strerror})", values["path"]) from None
    if values.get("sha256", sha256) not in ("", sha256):
        raise wrong(f"{where}.sha256", f"the file has changed: its checksum is {sha256}", values["sha256"])
    return {"path": str(path), "sha256": sha256}


def _try_transform(part: Any, where: str) -> None:
    """Build a user's optimizer once, so that what it refuses is said here."""
    settings = {name: value for name, value in settings_of(part).items() if isinstance(value, Schedule)}
    if settings:
        return  # it sees numbers only inside the trace
    try:
        part.transform()
    except Exception as error:
        refusal = wrong(where, f"{kind_of(type(part))} refused its settings: {first_line(error)}")
        raise blamed(refusal, error) from error
