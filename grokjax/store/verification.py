"""Is everything in a sweep's folder still what was written?"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from grokjax.store.committed import is_old, read_spec
from grokjax.store.files import bytes_to_arrays, checksum, read_record, split_log
from grokjax.store.head import Head, damaged_heads, read_head
from grokjax.store.layout import Layout


def verify(root: Path) -> tuple[int, list[str]]:
    """How many files were checked, and what is wrong with which.

    Everything that HEAD names is compared with its checksum, every file of a checkpoint with that of its sums, every
    record and every line of a log with its own. What a killed process left half written is no problem.

    Raises:
      StoreError: no sweep is there, or no HEAD is whole.
    """
    while True:
        count, problems, sequence = _verify_once(root)
        head, _ = read_head(Layout(root))
        if not problems or head is None or head.sequence == sequence:
            return count, problems  # else the writer has committed meanwhile, and removed what HEAD no longer names


def _verify_once(root: Path) -> tuple[int, list[str], int]:
    layout, spec = Layout(root), read_spec(root)
    head, warning = read_head(layout)
    damaged = [f"{name} is damaged" for name in damaged_heads(layout)]
    problems = damaged or ([warning] if warning else [])
    count, checked = 0, [*_records(layout, spec), *_logs(layout, spec, head is not None), *_live_curves(layout)]
    if head is not None:
        if head.spec_hash != spec["spec_hash"]:
            problems.append("spec.json is of another sweep than HEAD.json (an extension that has not been started yet)")
        checked += [(name, _compared(root / name, digest)) for name, digest in sorted(head.files.items())]
        checked += _checkpoints(layout, head)
    for name, problem in checked:
        count += 1
        problems += [f"{name} {problem}"] if problem else []
    return count, problems, 0 if head is None else head.sequence


def _compared(path: Path, digest: str) -> str:
    """What is wrong with a file; empty when nothing is."""
    if not path.is_file():
        return "is missing"
    return "" if checksum(path.read_bytes()) == digest else "is damaged: its checksum is not the committed one"


def _records(layout: Layout, spec: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    yield layout.spec_json.name, ""  # it has been read
    if not is_old(spec):
        try:
            is_same = layout.spec_yaml.read_text() == spec["yaml"]
        except (OSError, ValueError):
            is_same = False
        yield layout.spec_yaml.name, "" if is_same else "is not what spec.json says; the next `grokjax run` mends it"
    for path in (layout.plan, layout.live):
        if path.exists():
            try:
                read_record(path, is_old(spec))
            except (OSError, ValueError) as error:
                yield path.name, f"is damaged: {error}"
            else:
                yield path.name, ""


def _logs(layout: Layout, spec: Mapping[str, Any], was_started: bool) -> Iterator[tuple[str, str]]:
    for path in (layout.events, layout.provenance):
        records, damaged = split_log(path, is_old(spec))
        problem = f"is damaged in line {', '.join(map(str, damaged))}" if damaged else ""
        if was_started and not records and not damaged:
            problem = "is empty or missing, though every start writes a line"
        yield path.name, problem


def _live_curves(layout: Layout) -> Iterator[tuple[str, str]]:
    if layout.live_curves.exists():
        try:
            bytes_to_arrays(layout.live_curves.read_bytes())
        except (OSError, ValueError) as error:
            yield layout.live_curves.name, f"is damaged: {error}"
        else:
            yield layout.live_curves.name, ""


def _checkpoints(layout: Layout, head: Head) -> Iterator[tuple[str, str]]:
    for number, digest in head.checkpoints.items():
        sums = layout.sums_file(int(number))
        problem = _compared(sums, digest)
        yield f"checkpoints/{sums.name}", problem
        if not problem:
            for name, of_file in json.loads(sums.read_bytes()).get("files", {}).items():
                yield f"checkpoints/{number}/{name}", _compared(layout.checkpoints / number / name, of_file)
