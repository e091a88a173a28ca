"""Opening a sweep's folder for writing: a new one is laid out, an old one must hold the same sweep."""

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from grokjax.spec.identity import spec_hash
from grokjax.spec.paths import all_paths, value_at
from grokjax.spec.plans import claim_to_plain
from grokjax.spec.sweep import Sweep, label, value_records
from grokjax.spec.sweep_file import to_yaml
from grokjax.store.files import is_unfinished, write_atomically, write_record
from grokjax.store.folder import SweepFolder
from grokjax.store.head import read_head
from grokjax.store.layout import PARTS, SCHEMA, SEED_PATHS, Layout, StoreError
from grokjax.store.programs import Programs
from grokjax.store.starts import is_finished
from grokjax.store.stored_params import read_spec


def open_for_writing(root: Path, sweep: Sweep) -> SweepFolder:
    """The folder of a sweep; the caller holds its lock.

    Raises:
      StoreError: the folder holds another sweep (the message lists what differs), or something that is no sweep.
    """
    layout = Layout(root)
    if layout.spec_json.exists():
        check_same(layout, sweep)
    else:
        refuse_strangers(root)
        write_spec(layout, sweep)
    return SweepFolder(root, spec_hash(sweep))


def refuse_strangers(root: Path) -> None:
    """Refuse a folder with files in it that is no sweep's; asked before even a lock file is put there.

    Raises:
      StoreError: names one of the files.
    """
    if Layout(root).spec_json.exists() or not root.is_dir():
        return
    strangers = [path.name for path in root.iterdir() if path.name != "LOCK" and not is_unfinished(path)]
    if strangers:
        raise StoreError(f"{root} is not empty and holds no sweep ({sorted(strangers)[0]}, ...); choose another --out.")


def write_spec(layout: Layout, sweep: Sweep) -> None:
    """Write down what the folder is for. spec.json is what counts; spec.yaml repeats a part of it for people."""
    write_record(layout.spec_json, describe(sweep))
    write_atomically(layout.spec_yaml, to_yaml(sweep).encode())


def describe(sweep: Sweep) -> dict[str, Any]:
    """What a reader must know of a sweep without importing its parts."""
    run = sweep.base
    settings = {path: label(value_at(run, path), path) for path in all_paths(run) if not path.startswith("seeds")}
    return {
        "schema": SCHEMA,
        "spec_hash": spec_hash(sweep),
        "yaml": to_yaml(sweep),
        "name": sweep.name,
        "num_runs": sweep.num_runs,
        "steps": sweep.steps,
        "axes": list(sweep.axis_names),
        "groups": [list(axis.paths) for axis in sweep.axes],
        "base": {path: label(value_at(run, path), path) for path in (*sweep.axis_names, *SEED_PATHS)},
        "settings": settings,
        "values": {path: value_records([value_at(run, path)], path) for path in PARTS} | sweep.value_records,
        "constants": {
            "task": run.task.kind,
            "loss": run.loss.kind,
            "full_batch": run.minibatch is None,
        },
        "stop": None if sweep.stop is None else {"steps": sweep.stop.steps, "ratio": sweep.stop.ratio},
        "claims": [claim_to_plain(claim) for claim in sweep.claims],
        "notes": sweep.notes,
        "tags": list(sweep.tags),
    }


def check_same(layout: Layout, sweep: Sweep) -> None:
    """Refuse a sweep that is not the one in the folder; one of which nothing was trained yet makes room."""
    stored = read_spec(layout.root)
    check_current(layout, stored)
    if stored["spec_hash"] == spec_hash(sweep):
        if not (stored["yaml"] == to_yaml(sweep) == _text(layout.spec_yaml)):
            write_spec(layout, sweep)  # notes were changed, or spec.yaml is damaged or of before an extension
        return
    if not _holds_work(layout):
        layout.plan.unlink(missing_ok=True)
        write_spec(layout, sweep)
        return
    old, new = stored["yaml"].splitlines(), to_yaml(sweep).splitlines()
    changes = [
        line for line in difflib.unified_diff(old, new, lineterm="", n=0) if not line.startswith(("---", "+++", "@@"))
    ]
    raise StoreError(
        f"{layout.root} holds another sweep than the one given. Give another --out, or use `grokjax extend` for more "
        "seeds, steps or values. What differs:\n  " + "\n  ".join(changes[:20] or ["(notes or parts' sources only)"])
    )


def check_current(layout: Layout, spec: Mapping[str, Any]) -> None:
    """Refuse to write into a folder of an older schema.

    Raises:
      StoreError: with the command that brings it up to date.
    """
    if spec["schema"] < SCHEMA:
        raise StoreError(
            f"{layout.root}: written by an older grokjax (schema {spec['schema']}, now {SCHEMA}); it can be read, and "
            f"`grokjax migrate {layout.root}` lets it be trained into."
        )


def _text(path: Path) -> str:
    """What a file says; nothing when it cannot be read."""
    try:
        return path.read_text()
    except (OSError, ValueError):
        return ""


def _holds_work(layout: Layout) -> bool:
    """Whether a run or a part of one is stored, be it without a record of it."""
    head, _ = read_head(layout)
    return any(layout.runs.glob("[!.]*.npz")) or (head is not None and bool(head.files or head.checkpoints))


def change_spec(root: Path, sweep: Sweep, ids: Sequence[str], executor: str | None = None) -> tuple[int, int, int]:
    """Make an extended sweep the folder's sweep; the caller holds its lock.

    Complete is only a folder whose HEAD is of the same spec.

    Args:
      ids: run ids of the sweep.
      executor: the one that is asked for; another than the folder's is refused before anything changes.

    Returns:
      How many of its runs are stored and finished, stored and to be continued, and to be trained from their beginning.
    """
    check_current(Layout(root), read_spec(root))
    Programs(Layout(root).plan).executor(executor)
    counts = _count_reused(root, sweep, ids)
    write_spec(Layout(root), sweep)
    return counts


def _count_reused(root: Path, sweep: Sweep, ids: Sequence[str]) -> tuple[int, int, int]:
    folder = SweepFolder(root, spec_hash(sweep))
    folder.close()
    found = [folder.runs.get(one) for one in ids]
    finished = sum(is_finished(one, sweep.steps) for one in found)
    started = sum(
        one is not None and folder.has_weights(one.file) for one in found if not is_finished(one, sweep.steps)
    )
    return finished, started, len(found) - finished - started
