"""Folders of one sweep, whose runs were trained on several machines, put together into one."""

import contextlib
from collections.abc import Sequence
from pathlib import Path

from grokjax.drive.consolidation import consolidate
from grokjax.drive.opening import open_for_writing
from grokjax.orders.order import distinct_runs
from grokjax.results.combining import combine
from grokjax.results.orders_given import orders_given
from grokjax.results.reading import read_dataset
from grokjax.results.stored_sweep import stored_sweep
from grokjax.store.committed import is_old, read_spec
from grokjax.store.files import append_json_line, checksum, read_json_lines, read_record
from grokjax.store.folder import SweepFolder
from grokjax.store.head import read_head
from grokjax.store.layout import Layout, StoreError
from grokjax.store.lock import exclusive

_KINDS = ("runs", "weights", "snapshots", "measured")


def merge(roots: Sequence[Path], out: Path) -> tuple[int, int]:
    """Put the runs of folders of one sweep into one folder; what lies there already is not taken again.

    The merged folder is one like any other: where runs are missing, `grokjax run` trains them there.

    Args:
      roots: folders of the same sweep; they stay as they are.
      out: a new folder, or one of the same sweep.

    Returns:
      How many runs of the sweep are there now, of how many.

    Raises:
      StoreError: the folders are of different sweeps, hold different histories of one run, or one is damaged.
      LockedError: another process works on one of them.
    """
    specs = [read_spec(root) for root in roots]
    for root, spec in zip(roots, specs, strict=True):
        if spec["spec_hash"] != specs[0]["spec_hash"]:
            raise StoreError(
                f"{root} holds another sweep than {roots[0]}; look at both together: `grokjax phases` takes both."
            )
    sweep = stored_sweep(roots[0])
    with contextlib.ExitStack() as locks:
        for root in roots:
            locks.enter_context(exclusive(Layout(root).lock))
        combine([read_dataset(root)[:2] for root in roots])  # refuses different histories of one run
        locks.enter_context(exclusive(Layout(out).lock))
        with contextlib.closing(open_for_writing(out, sweep, roots)) as folder:
            for root in roots:
                _take_over(folder, root)
            wanted = distinct_runs(orders_given(out, sweep))
            done = sum(folder.ledger.is_done(run_id, sweep.steps) for run_id in wanted)
            if done == len(wanted) and not folder.head.is_complete:
                consolidate(folder, wanted)
    return done, len(wanted)


def _take_over(folder: SweepFolder, root: Path) -> None:
    """Copy what HEAD of another folder names and this one lacks; files keep their checksums and get new numbers."""
    head, _ = read_head(Layout(root))
    if head is None:
        return
    known = set(folder.head.files.values())
    for name in sorted(head.files):
        kind, _, file = name.partition("/")
        if kind in _KINDS and kind != "weights" and head.files[name] not in known:
            beside = f"weights/{file}" if kind == "runs" else ""
            folder.take_over({one: _content(root, one, head.files) for one in (name, beside) if one in head.files})
    old = is_old(read_spec(root))
    for key, facts in (read_record(Layout(root).plan, old) if Layout(root).plan.exists() else {}).items():
        known_facts = folder.programs.get(key)
        if known_facts is None:
            folder.programs.note(key, facts)
        elif known_facts != facts:
            folder.warn(
                "environment_changed", f"{root} trained runs in another program: bits are equal to rounding only"
            )
    for line in read_json_lines(Layout(root).provenance):
        append_json_line(folder.layout.provenance, line)
    folder.log("merged", folder=root.name)


def _content(root: Path, name: str, files: dict[str, str]) -> bytes:
    try:
        content = (root / name).read_bytes()
    except OSError as error:
        raise StoreError(f"{root / name} cannot be read: {error.strerror}.") from error
    if checksum(content) != files[name]:
        raise StoreError(f"{root / name} is damaged: its checksum is not the committed one; mend {root} first.")
    return content
