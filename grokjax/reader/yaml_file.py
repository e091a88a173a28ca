"""What does this YAML file say? A guarded reader: plain data only, YAML 1.2, every key with its line.

The parser of ruamel.yaml gives events; values are made here, so that nothing but text, numbers, true, false, null,
lists and mappings can come out, and what is ambiguous between YAML 1.1 and 1.2 is refused instead of guessed.
"""

import re
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from grokjax.reader.errors import Problem, SpecError, suggestion, wrong

MOST_BYTES = 256 * 1024
MOST_NODES = 50_000
DEEPEST = 32
LONGEST_NUMBER = 100

_INTEGER = re.compile(r"[-+]?[0-9]+")
_OCTAL, _HEXADECIMAL = re.compile(r"0o[0-7]+"), re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SPECIAL = re.compile(r"[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9_]+")
_SEXAGESIMAL = re.compile(r"[-+]?[0-9][0-9_]*(:[0-5]?[0-9])+(\.[0-9_]*)?")
_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}


class Document(NamedTuple):
    """A sweep file as read.

    Attributes:
      content: nested mappings, lists and plain values.
      lines: line of each key, by dotted path; items of a list are numbered from 0.
    """

    content: dict[str, Any]
    lines: dict[str, int]


def load(path: str | Path) -> Document:
    """Read one file.

    Raises:
      SpecError: it cannot be read, or is not one plain YAML mapping.
    """
    return parse(_read_text(Path(path)), str(path))


def parse(text: str, file: str = "") -> Document:
    """Read YAML text whose top is a mapping; `file` is named in messages."""
    reader = _Reader(text, file)
    content = reader.document()
    if content is None:
        raise SpecError(
            Problem("", "is empty; a sweep file names at least task, model, optimizer and train", file=file)
        )
    if not isinstance(content, dict):
        kind = "a list" if isinstance(content, list) else "a single value"
        raise SpecError(Problem("", f"must be a mapping (KEY: VALUE lines), found {kind}", file=file))
    return Document(content, reader.lines)


def parse_value(text: str, key: str) -> Any:
    """Read one value given on the command line: a plain value, `[...]` or `{...}`."""
    text = text.strip()
    try:
        value = _Reader(text, "").document()
    except SpecError as error:
        raise wrong(key, error.problems[0].rule, text, error.problems[0].hint) from None
    opened = {dict: "{", list: "["}.get(type(value), "")
    if "\n" in text or not text.startswith(opened):
        raise wrong(key, "must be one value, [...] or {...}", text)
    return value


def resolve(text: str) -> Any:
    """Value of an unquoted scalar under the YAML 1.2 core rules.

    Raises:
      ValueError: it means different things to different readers, or is too long to be a number.
    """
    if text in _WORDS:
        return _WORDS[text]
    if len(text) > LONGEST_NUMBER:
        if _FLOAT.fullmatch(text):
            raise ValueError(f"number of {len(text)} characters, at most {LONGEST_NUMBER} are read")
        return text
    if _LEADING_ZERO.fullmatch(text):
        digits = text.lstrip("+-").lstrip("0") or "0"
        raise ValueError(f"a leading zero is ambiguous; write {digits}, or 0o{digits} for octal, or quote it")
    if _SEXAGESIMAL.fullmatch(text):
        raise ValueError("is a base-60 number to some readers; quote it if it is text")
    if _INTEGER.fullmatch(text):
        return int(text)
    if _OCTAL.fullmatch(text) or _HEXADECIMAL.fullmatch(text):
        return int(text, 0)
    if _FLOAT.fullmatch(text):
        return float(text)
    return float(text.replace(".", "", 1)) if _SPECIAL.fullmatch(text) else text


def _read_text(path: Path) -> str:
    file = str(path)
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise SpecError(Problem("", "is a directory; give a .yaml file", file=file))
        if not stat.S_ISREG(status.st_mode):
            raise SpecError(Problem("", "is not a regular file", file=file))
        if status.st_size > MOST_BYTES:
            raise SpecError(
                Problem("", f"is {status.st_size // 1024} KiB long, the limit is {MOST_BYTES // 1024} KiB", file=file)
            )
        with path.open("rb") as stream:
            data = stream.read(MOST_BYTES + 1)
    except SpecError:
        raise
    except FileNotFoundError:
        hint = suggestion(path.name, sorted(other.name for other in path.parent.glob("*.y*ml"))[:100])
        raise SpecError(Problem("", "no such file", hint=hint, file=file)) from None
    except (OSError, ValueError) as error:  # ValueError: a NUL character in the name
        reason = getattr(error, "strerror", None) or str(error)
        raise SpecError(Problem("", f"cannot be read ({reason})", file=file)) from None
    return _decode(data, file)


def _decode(data: bytes, file: str) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise SpecError(Problem("", "is UTF-16 text; save it as UTF-8", file=file))
    if b"\0" in data:
        raise SpecError(Problem("", f"is not text: NUL byte at position {data.index(0)}", file=file))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise SpecError(Problem("", f"is not UTF-8 text at byte {error.start}", file=file)) from None


class _Reader:
    """Builds plain values from the parser's events and counts what it builds."""

    def __init__(self, text: str, file: str):
        self.lines: dict[str, int] = {}
        self._file = file
        self._nodes = 0
        self._events = self._guarded(text)

    def document(self) -> Any:
        """The one document; None when there is nothing in it."""
        content, documents = None, 0
        for event in self._events:
            if isinstance(event, DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise self._problem(event, "", "one document is expected, found a second one")
                content = self._node(next(self._events), "", 1)
        return content

    def _guarded(self, text: str) -> Iterator[Event]:
        """Events of the parser; whatever it raises becomes one line."""
        try:
            yield from YAML(typ="safe", pure=True).parse(text)
        except MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            rule = f"{error.context or ''} {error.problem or ''}".strip()
            hint = "indent with spaces, not tabs" if "'\\t'" in rule else ""
            raise SpecError(
                Problem("", rule, hint=hint, file=self._file, line=mark.line + 1 if mark else None)
            ) from None
        except (YAMLError, ValueError, RecursionError, AttributeError, TypeError, IndexError) as error:
            first = str(error).strip().splitlines()[:1] or [type(error).__name__]
            raise SpecError(Problem("", f"is not YAML: {first[0]}", file=self._file)) from None

    def _problem(self, event: Event, key: str, rule: str) -> SpecError:
        return SpecError(Problem(key, rule, file=self._file, line=event.start_mark.line + 1))

    def _node(self, event: Event, key: str, depth: int) -> Any:
        self._nodes += 1
        if self._nodes > MOST_NODES:
            raise self._problem(event, key, f"more than {MOST_NODES} values")
        if isinstance(event, AliasEvent) or getattr(event, "anchor", None) is not None:
            raise self._problem(event, key, "anchors and aliases (& and *) are not supported; write the value out")
        if (tag := getattr(event, "tag", None)) is not None:
            raise self._problem(event, key, f"tags are not allowed, found {str(tag)[:60]}")
        if depth > DEEPEST:
            raise self._problem(event, "", f"nested deeper than {DEEPEST}")
        if isinstance(event, MappingStartEvent):
            return self._mapping(key, depth)
        if isinstance(event, SequenceStartEvent):
            return self._sequence(key, depth)
        return self._scalar(event, key)

    def _mapping(self, key: str, depth: int) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        for event in self._events:
            if isinstance(event, MappingEndEvent):
                break
            name = self._node(event, key, depth + 1)
            if not isinstance(name, str):
                raise self._problem(event, key, f"keys must be text, found {str(name)[:60]}; quote it")
            path = f"{key}.{name}" if key else name
            if name in mapping:
                raise self._problem(event, path, f"duplicate key {name!r}, first at line {self.lines[path]}")
            self.lines[path] = event.start_mark.line + 1
            mapping[name] = self._node(next(self._events), path, depth + 1)
        return mapping

    def _sequence(self, key: str, depth: int) -> list[Any]:
        items: list[Any] = []
        for event in self._events:
            if isinstance(event, SequenceEndEvent):
                break
            path = f"{key}.{len(items)}"
            self.lines[path] = event.start_mark.line + 1
            items.append(self._node(event, path, depth + 1))
        return items

    def _scalar(self, event: Any, key: str) -> Any:
        if event.style is not None:  # quoted, or a block of text
            return event.value
        try:
            return resolve(event.value)
        except ValueError as error:
            raise SpecError(
                Problem(key, str(error), event.value[:40], file=self._file, line=event.start_mark.line + 1)
            ) from None
