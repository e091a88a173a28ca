"""Writing a file so that it is there whole or not at all, and knowing later whether it still is what was written."""

import io
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import google_crc32c
import numpy as np

Arrays = dict[str, np.ndarray]


def write_atomically(path: Path, content: bytes) -> None:
    """Write under a temporary name, sync, rename, sync the folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
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


def append_json_line(path: Path, value: Any) -> None:
    """Append one record to a log. A torn last line after a kill is skipped by `read_json_lines`."""
    line = (json.dumps(value, sort_keys=True) + "\n").encode()
    with open(path, "ab") as file:
        if file.tell() and not _ends_with_newline(path):
            line = b"\n" + line
        file.write(line)


def read_json_lines(path: Path) -> list[Any]:
    """Records of a log; lines that were torn by a kill are left out."""
    if not path.exists():
        return []
    records = []
    for line in path.read_bytes().splitlines():
        try:
            records.append(json.loads(line))
        except ValueError:
            continue
    return records


def _ends_with_newline(path: Path) -> bool:
    with open(path, "rb") as file:
        file.seek(-1, os.SEEK_END)
        return file.read(1) == b"\n"


def checksum(content: bytes) -> str:
    """CRC32C as eight hexadecimal digits."""
    return f"{google_crc32c.value(content):08x}"


def arrays_to_bytes(arrays: Mapping[str, np.ndarray]) -> bytes:
    """An uncompressed .npz; equal arrays give equal bytes."""
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, **{name: arrays[name] for name in sorted(arrays)})
    return buffer.getvalue()


def bytes_to_arrays(content: bytes) -> Arrays:
    """The arrays of an .npz; never unpickles."""
    with np.load(io.BytesIO(content), allow_pickle=False) as file:
        return {name: file[name] for name in file.files}
