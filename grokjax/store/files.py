"""Writing a file so that it is there whole or not at all, and knowing later whether it still is what was written."""

import io
import json
import os
import re
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import google_crc32c
import numpy as np

Arrays = dict[str, np.ndarray]
_SUM = "crc32c"
_ENTRIES = slice(-12, -10)  # of a .zip without a comment: how many files it says that it has
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


def write_atomically(path: Path, content: bytes) -> None:
    """Write under a temporary name, sync, rename, sync the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Of this machine too: on a shared disk another one may have a process of the same number.
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{checksum(socket.gethostname().encode())}.tmp")
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def is_unfinished(path: Path) -> bool:
    """Whether a file is what `write_atomically` leaves behind when it is killed."""
    return path.name.startswith(".") and path.name.endswith(".tmp")


def sync_folder(folder: Path) -> None:
    """Make renames in a folder durable."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file atomically."""
    write_atomically(path, (json.dumps(value, indent=1, sort_keys=True) + "\n").encode())


def write_record(path: Path, value: Mapping[str, Any]) -> None:
    """Write a JSON mapping atomically, with a checksum of its content."""
    write_json(path, {**value, _SUM: _record_sum(value)})


def read_record(path: Path, is_old: bool = False) -> dict[str, Any]:
    """What `write_record` wrote.

    Args:
      is_old: whether the record may be of a time when records had no checksum.

    Raises:
      OSError: there is none.
      ValueError: it is damaged.
    """
    return _checked(json.loads(path.read_bytes()), is_old)


def _record_sum(value: Mapping[str, Any]) -> str:
    return checksum(json.dumps(value, sort_keys=True).encode())


def _checked(value: Any, is_old: bool) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"it holds a {type(value).__name__}, not a record")
    digest = value.pop(_SUM, None)
    if digest != _record_sum(value) and not (is_old and digest is None):
        raise ValueError("its checksum is not that of its content")
    return value


def append_json_line(path: Path, value: Mapping[str, Any]) -> None:
    """Append one record, with its checksum, to a log. A torn last line after a kill is skipped by `read_json_lines`."""
    line = _line(value)
    with open(path, "ab") as file:
        if file.tell() and not _ends_with_newline(path):
            line = b"\n" + line
        file.write(line)


def read_json_lines(path: Path) -> list[dict[str, Any]]:
    """Records of a log; lines that are damaged or were torn by a kill are left out."""
    return split_log(path, is_old=True)[0]


def split_log(path: Path, is_old: bool = False) -> tuple[list[dict[str, Any]], list[int]]:
    """Records of a log, and the numbers, from 1, of the lines that are damaged or torn. See `read_record`."""
    if not path.exists():
        return [], []
    records, damaged = [], []
    for number, line in enumerate(path.read_bytes().split(b"\n"), start=1):
        try:
            records += [_checked(json.loads(line), is_old)] if line else []
        except ValueError:
            damaged.append(number)
    return records, damaged


def mend_log(path: Path, aside: Path) -> int:
    """Keep only the whole lines of a log; a copy of it as it was goes to `aside`. Gives how many were not whole."""
    records, damaged = split_log(path)
    if damaged:
        write_atomically(aside, path.read_bytes())
        write_json_lines(path, records)
    return len(damaged)


def write_json_lines(path: Path, records: Sequence[Mapping[str, Any]]) -> None:
    """Write a whole log anew, atomically."""
    write_atomically(path, b"".join(_line(record) for record in records))


def _line(value: Mapping[str, Any]) -> bytes:
    return (json.dumps({**value, _SUM: _record_sum(value)}, sort_keys=True) + "\n").encode()


def _ends_with_newline(path: Path) -> bool:
    with open(path, "rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def can_steer(value: Any) -> bool:
    """Whether a text anywhere in a JSON value would steer a terminal or turn its direction; none of ours does."""
    if isinstance(value, dict):
        return any(can_steer(key) or can_steer(item) for key, item in value.items())
    if isinstance(value, list):
        return any(map(can_steer, value))
    return isinstance(value, str) and _CONTROL.search(value) is not None


def checksum(content: bytes) -> str:
    """CRC32C as eight hexadecimal digits."""
    return f"{google_crc32c.value(content):08x}"


def arrays_to_bytes(arrays: Mapping[str, np.ndarray]) -> bytes:
    """An uncompressed .npz; equal arrays give equal bytes."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **{name: arrays[name] for name in sorted(arrays)})
    return buffer.getvalue()


def bytes_to_arrays(content: bytes) -> Arrays:
    """The arrays of an .npz; never unpickles.

    Raises:
      ValueError: it is none, or damaged.
    """
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as file:
            if len(file.files) != int.from_bytes(
                content[_ENTRIES], "little"
            ):  # which Python's zipfile does not compare
                raise ValueError("names are missing")
            return {name: file[name] for name in file.files}
    except Exception as error:  # zipfile, zlib and NumPy raise many kinds for damage
        raise ValueError(f"no whole .npz ({type(error).__name__}: {error})") from None


def as_cell(value: Any) -> Any:
    """A setting as it stands in a table: numbers and text as they are, everything else as JSON."""
    if isinstance(value, (bool, int, float, str)):
        return value
    return json.dumps(value, sort_keys=True)
