"""Is a source file still the program that runs were trained by? Comments, docstrings and layout are no part of it.

Runs name a source file by a checksum of its bytes. A folder stores the text beside it, and while its sweep is read a
file that says the same program as the recorded text goes by the recorded checksum: an edited comment changes no run id.
Texts are compared as this Python reads both, so nothing hangs on how another version would.
"""

import ast
import contextlib
import contextvars
import functools
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

_LONGEST = 500_000
_RECORDED: contextvars.ContextVar[Sequence[Mapping[str, Any]]] = contextvars.ContextVar("recorded", default=())


@contextlib.contextmanager
def recorded(records: Sequence[Mapping[str, Any]]) -> Iterator[None]:
    """While sources are read, these are known: mappings with `name`, `sha256` and `text`."""
    token = _RECORDED.set(records)
    try:
        yield
    finally:
        _RECORDED.reset(token)


def source_sha256(name: str, file: Path) -> str:
    """The checksum by which runs name a source file: that of a recorded one which is the same program, or its own."""
    own = file_sha256(file)
    records = [record for record in _RECORDED.get() if record["name"] == name]
    if not records or any(record["sha256"] == own for record in records):
        return own
    text = source_text(file)
    return next((record["sha256"] for record in records if is_same_program(record["text"], text)), own)


def recorded_sha256(name: str) -> str | None:
    """The checksum of the recorded file of this name; None when there is none, or more than one."""
    checksums = {record["sha256"] for record in _RECORDED.get() if record["name"] == name}
    return checksums.pop() if len(checksums) == 1 else None


def source_text(file: Path) -> str:
    """A source file as text; empty for what is too long to be kept, or no plain text."""
    if file.stat().st_size > _LONGEST:
        return ""
    try:
        text = file.read_text()
    except ValueError:
        return ""
    return text if all(letter.isprintable() or letter in "\n\t" for letter in text) else ""


def is_same_program(one: str, other: str) -> bool:
    """Whether two source texts differ in nothing that a computer sees."""
    if one == other or not (one and other):
        return bool(one) and one == other
    try:
        return _program(one) == _program(other)
    except (SyntaxError, ValueError, RecursionError):
        return False


def _program(text: str) -> str:
    tree = ast.parse(text)
    if "__doc__" not in text:  # else the program may read its docstrings
        for node in ast.walk(tree):
            if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                _without_docstring(node)
    return ast.dump(tree)


def _without_docstring(node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) -> None:
    if ast.get_docstring(node, clean=False) is not None:
        node.body = node.body[1:]


def file_sha256(path: str | Path) -> str:
    """Checksum of a file's content; a file that did not change is read once."""
    status = Path(path).stat()
    return _sha256(str(path), status.st_mtime_ns, status.st_size)


@functools.lru_cache(maxsize=256)
def _sha256(path: str, modified: int, size: int) -> str:
    with Path(path).open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
