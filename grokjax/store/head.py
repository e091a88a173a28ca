"""HEAD: the one small record, replaced atomically, that says what of a sweep's folder is committed."""

import dataclasses
import json
from pathlib import Path
from typing import Any

from grokjax.store.files import checksum, read_json_lines, write_atomically
from grokjax.store.layout import SCHEMA, Layout, StoreError, check_schema


@dataclasses.dataclass(frozen=True)
class Head:
    """What is committed.

    Attributes:
      sequence: grows by one with every commit.
      spec_hash: of the sweep.
      files: path below the folder -> checksum, for everything immutable that counts.
      checkpoints: numbers of the checkpoints that may be resumed from, newest last, with the checksum of their sums.
      is_complete: whether the sweep has ended and its results are consolidated.
    """

    sequence: int
    spec_hash: str
    files: dict[str, str]
    checkpoints: dict[str, str]
    is_complete: bool = False

    def next(self, **changes: Any) -> "Head":
        """The HEAD of the next commit."""
        return dataclasses.replace(self, sequence=self.sequence + 1, **changes)


def write_head(layout: Layout, head: Head) -> None:
    """Replace HEAD. The one it replaces becomes HEAD.prev, unless it is damaged: then HEAD.prev is the good one."""
    if _parse(layout.head) is not None:
        write_atomically(layout.previous_head, layout.head.read_bytes())
    body = json.dumps({"schema": SCHEMA, **dataclasses.asdict(head)}, sort_keys=True)
    write_atomically(layout.head, f"{checksum(body.encode())} {body}\n".encode())


def read_head(layout: Layout) -> tuple[Head | None, str]:
    """The newest HEAD that is whole, and a warning when that is not the newest.

    Raises:
      StoreError: there was a HEAD once, but none is whole, or it is of a newer schema.
    """
    damaged = []
    for path in (layout.head, layout.previous_head):
        head = _parse(path)
        if head is not None:
            return head, f"{path.name} is used, since {' and '.join(damaged)}" if damaged else ""
        damaged.append(f"{path.name} is {'damaged' if path.exists() else 'missing'}")
    if layout.head.exists() or layout.previous_head.exists() or _was_committed(layout):
        raise StoreError(
            f"{layout.root}: {' and '.join(damaged)}; nothing says what is committed. Bring one of them back from a "
            "copy, or give another --out."
        )
    return None, ""


def damaged_heads(layout: Layout) -> list[str]:
    """Names of the HEADs that are there and not whole."""
    return [path.name for path in (layout.head, layout.previous_head) if path.exists() and _parse(path) is None]


def _was_committed(layout: Layout) -> bool:
    """Whether a HEAD must have been here: these events are logged, and a second run file is written, only after one."""
    named = any(event.get("event") in ("ended", "saved", "complete") for event in read_json_lines(layout.events))
    return named or any(int(path.stem) > 1 for path in layout.runs.glob("[0-9]*.npz")) or layout.history.exists()


def named_checkpoints(layout: Layout) -> set[int]:
    """Checkpoints that HEAD or its predecessor names, those that a resume may need."""
    heads = [head for head in (_parse(layout.head), _parse(layout.previous_head)) if head is not None]
    return {int(name) for head in heads for name in head.checkpoints}


def _parse(path: Path) -> Head | None:
    try:
        line, newline, rest = path.read_bytes().decode().partition("\n")
        digest, _, body = line.partition(" ")
        if checksum(body.encode()) != digest or (newline, rest) != ("\n", ""):
            return None
        record = json.loads(body)
    except (OSError, UnicodeDecodeError, ValueError):
        return None
    check_schema(record.pop("schema"), path)
    return Head(**record)
