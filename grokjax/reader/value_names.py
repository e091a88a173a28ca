"""What are the values of an axis called that are whole parts? Each by its kind and by what tells it from the others.

Stored is a text that says every setting unlike its default; it never changes when an axis grows. Names are made of
these texts when something is shown, so they are short, and unique among the values that are shown together.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import Any

from grokjax.reader.errors import SpecError
from grokjax.reader.yaml_file import parse_value

Record = Mapping[str, Any]
"""One value: `text` as stored, `settings` all of them as plain values, `name` when the sweep file gives one."""
Settings = dict[str, Any]
_PART = re.compile(r"(?P<kind>[^\s\[\]{},]+(?: [^\[\]{},]+)*?)?\s*(?P<settings>\{.*\})", re.DOTALL)
_DEFAULT = "default"


def value_names(records: Iterable[Record]) -> dict[str, str]:
    """Stored text -> name.

    Args:
      records: of all values that are shown together; a text may come twice, as when several folders are opened.
    """
    known: dict[str, Record] = {}
    for record in records:
        known.setdefault(record["text"], record)
        if record.get("name") and not known[record["text"]].get("name"):
            known[record["text"]] = record
    derived = _derived({text: _flat(record["settings"]) for text, record in known.items()})
    names: dict[str, str] = {}
    taken: set[str] = set()
    for text, record in known.items():
        wanted, count = record.get("name") or derived[text], 1
        name = wanted
        while name in taken:
            count += 1
            name = f"{wanted} ({count})"
        taken.add(name)
        names[text] = name
    return names


def value_aliases(records: Sequence[Record]) -> dict[str, list[str]]:
    """What else may be typed -> the names that are meant: the stored text, and the kind for all values of it.

    A kind that is also the name of a value means that value alone.
    """
    names = value_names(records)
    aliases: dict[str, list[str]] = {text: [name] for text, name in names.items() if text != name}
    by_kind: dict[str, list[str]] = {}
    for record in records:
        for kind in {str(_flat(record["settings"]).get("kind", "")), _short_kind(_flat(record["settings"]))} - {""}:
            by_kind.setdefault(kind, []).append(names[record["text"]])
    return {kind: meant for kind, meant in by_kind.items() if kind not in names.values()} | aliases


def read_text(text: str) -> Any:
    """The settings that a stored text says, for folders that hold nothing else; a text that is no part is itself."""
    match = _PART.fullmatch(text)
    try:
        if match is None:
            return parse_value(text, "") if text.startswith("[") else {"kind": text}
        kind = {"kind": match["kind"]} if match["kind"] else {}
        return kind | parse_value(match["settings"], "")
    except (SpecError, TypeError):
        return {"kind": text}


def _derived(settings: Mapping[str, Settings]) -> dict[str, str]:
    files: dict[str, set[str]] = {}
    for part in settings.values():
        files.setdefault(_short_kind(part), set()).add(str(part.get("kind", "")))
    kinds = {}
    for text, part in settings.items():
        file = str(part.get("kind", "")).rpartition(":")[0]
        is_twin = bool(file) and len(files[_short_kind(part)]) > 1  # the same name in two files
        kinds[text] = f"{PurePath(file).stem}:{_short_kind(part)}" if is_twin else _short_kind(part)
    alike: dict[str, list[Settings]] = {}
    for text, part in settings.items():
        alike.setdefault(kinds[text], []).append(part)
    shown = {kind: _telling_apart(group) for kind, group in alike.items()}
    return {
        text: " ".join(
            filter(None, [kinds[text], *_words(part, shown[kinds[text]] or ([] if kinds[text] else sorted(part)))])
        )
        or text
        for text, part in settings.items()
    }


def _words(settings: Settings, keys: Iterable[str]) -> list[str]:
    """`gain=2` for each key, by its last word where no other key ends in it."""
    ends = [key.rpartition(".")[2] for key in keys]
    return [
        f"{end if ends.count(end) == 1 else key}={_shown(settings.get(key, _DEFAULT))}"
        for key, end in zip(keys, ends, strict=True)
    ]


def _telling_apart(alike: Sequence[Settings]) -> list[str]:
    """Settings in which values of one kind differ. A checksum says nothing where the files have different names."""
    keys = sorted({key for part in alike for key in part if key != "kind"})  # folders do not keep the order of fields
    differing = [key for key in keys if len({repr(part.get(key, _DEFAULT)) for part in alike}) > 1]
    if any(key.endswith("path") for key in differing):
        differing = [key for key in differing if not key.endswith("sha256")]
    return differing


def _flat(settings: Any) -> Settings:
    """Dotted path -> plain value. The kind of a list is the kinds of its items; of a schedule, its form."""
    if isinstance(settings, list):
        items = [_flat(item) if isinstance(item, dict) else {"kind": _shown(item)} for item in settings]
        kind = " + ".join(_short_kind(item) for item in items) or "none"
        inner = {f"{index}.{key}": value for index, item in enumerate(items) for key, value in item.items()}
        return {"kind": kind} | {key: value for key, value in inner.items() if not re.fullmatch(r"\d+\.kind", key)}
    if "kind" not in settings and len(settings) == 1 and isinstance(next(iter(settings.values())), dict):
        ((kind, settings),) = settings.items()
        return {"kind": kind} | _flat_mapping(settings)
    return _flat_mapping(settings)


def _flat_mapping(settings: Mapping[str, Any]) -> Settings:
    flat: Settings = {}
    for key, value in settings.items():
        is_nested = isinstance(value, dict) or (
            isinstance(value, list) and any(isinstance(item, dict) for item in value)
        )
        inner = (
            {f"{key}.{name}".removesuffix(".kind"): inner_value for name, inner_value in _flat(value).items()}
            if is_nested
            else {}
        )
        flat |= inner or {key: value}
    return flat


def _short_kind(settings: Settings) -> str:
    return str(settings.get("kind", "")).rpartition(":")[2]


def _shown(value: Any) -> str:
    """A value as a name holds it: numbers to six digits, of a path its last word."""
    if isinstance(value, bool) or value is None:
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, int | float):
        return f"{value:.6g}"
    if isinstance(value, list):
        return "[" + ",".join(map(_shown, value)) + "]"
    text = str(value)
    file, _, name = text.rpartition(":")
    return name if file.endswith(".py") else PurePath(text).name if PurePath(text).is_absolute() else text
