"""How is a mapping written as YAML? What is written reads back equal."""

import re
from typing import Any

from grokjax.reader.errors import wrong
from grokjax.reader.yaml_file import resolve

_WIDTH = 110
_PLAIN = re.compile(r"[A-Za-z_./][A-Za-z0-9_./+*^()-]*( [A-Za-z0-9_./+*^()=<>-]+)*")
_ESCAPES = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def dump(mapping: dict[str, Any]) -> str:
    """YAML text of nested mappings, lists and plain values; short ones on one line."""
    return "".join(f"{line}\n" for line in _block(mapping, 0))


def flow(value: Any) -> str:
    """A value on one line."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{scalar(name)}: {flow(item)}" for name, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(flow(item) for item in value) + "]"
    return scalar(value)


def scalar(value: Any) -> str:
    """One plain value; text is quoted where it would read as something else."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return repr(value) if value - value == 0 else {"inf": ".inf", "-inf": "-.inf"}.get(repr(value), ".nan")
    if isinstance(value, str):
        return value if _is_plain(value) else _quoted(value)
    raise wrong("", f"a {type(value).__name__} cannot be written in a sweep file", value)


def _is_plain(text: str) -> bool:
    try:
        return _PLAIN.fullmatch(text) is not None and len(text) < _WIDTH and resolve(text) == text and text != "..."
    except ValueError:
        return False


def _quoted(text: str) -> str:
    return '"' + "".join(_ESCAPES.get(letter) or _escaped(letter) for letter in text) + '"'


def _escaped(letter: str) -> str:
    if letter.isprintable():
        return letter
    code = ord(letter)
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _block(value: Any, indent: int) -> list[str]:
    """Lines of a non-empty mapping or list."""
    margin, lines = " " * indent, []
    items = value.items() if isinstance(value, dict) else [("-", item) for item in value]
    for name, item in items:
        head = "-" if name == "-" and not isinstance(value, dict) else f"{scalar(name)}:"
        one_line = f"{margin}{head} {flow(item)}"
        if len(one_line) <= _WIDTH or not isinstance(item, dict | list | tuple) or not item:
            lines.append(one_line)
        elif head == "-" and isinstance(item, dict):
            inner = _block(item, indent + 2)
            lines += [f"{margin}- {inner[0].lstrip()}", *inner[1:]]
        else:
            lines += [f"{margin}{head}", *_block(item, indent + 2)]
    return lines
