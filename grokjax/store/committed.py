"""What HEAD names, read and held against its checksum; and spec.json, which says what sweep a folder is of."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from grokjax.store.files import Arrays, bytes_to_arrays, can_steer, checksum, read_record
from grokjax.store.head import Head
from grokjax.store.layout import Layout, StoreError, check_schema


def read_file(root: Path, name: str, head: Head) -> Arrays:
    """A committed file.

    Raises:
      StoreError: it is missing or damaged.
    """
    try:
        content = (root / name).read_bytes()
    except OSError as error:
        raise StoreError(f"{root / name} cannot be read: {error.strerror}.") from error
    if checksum(content) != head.files[name]:
        raise StoreError(f"{root / name} is damaged: its checksum is not the committed one.")
    return bytes_to_arrays(content)


def read_spec(root: Path) -> dict[str, Any]:
    """spec.json of a sweep's folder.

    Raises:
      StoreError: there is none, it is damaged, or of a schema that this grokjax does not read.
    """
    path = Layout(root).spec_json
    if not path.is_file():
        raise StoreError(f"{root} holds no sweep of grokjax (there is no spec.json).")
    try:
        spec = read_record(path, is_old=True)
        check_schema(spec.get("schema"), path)
        if can_steer(spec):
            raise ValueError("it holds control characters")
        return spec if is_old(spec) else read_record(path)
    except ValueError as error:
        raise StoreError(f"{path} is damaged: {error}.") from error


def is_old(spec: Mapping[str, Any]) -> bool:
    """Whether a folder is of the time when records had no checksum."""
    return spec["schema"] == 1
