"""Opening a sweep's folder for writing: a new one is laid out, an old one must hold the same sweep."""

import difflib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from grokjax.spec.identity import spec_hash
from grokjax.spec.paths import all_paths, value_at
from grokjax.spec.plans import claim_to_plain
from grokjax.spec.sweep import Sweep, label
from grokjax.spec.sweep_file import to_yaml
from grokjax.store.files import write_atomically, write_json
from grokjax.store.folder import SweepFolder
from grokjax.store.head import read_head
from grokjax.store.layout import SCHEMA, SEED_PATHS, Layout, StoreError
from grokjax.store.starts import is_finished


def open_for_writing(root: Path, sweep: Sweep) -> SweepFolder:
    """The folder of a sweep; the caller holds its lock.

    Raises:
      StoreError: the folder holds another sweep (the message lists what differs), or something that is no sweep.
    """
    layout = Layout(root)
    if layout.spec_json.exists():
        check_same(layout, sweep)
    else:
        strangers = [path.name for path in root.iterdir() if path.name != "LOCK"]
        if strangers:
            raise StoreError(
                f"{root} is not empty and holds no sweep ({sorted(strangers)[0]}, ...); choose another --out."
            )
        write_spec(layout, sweep)
    return SweepFolder(root, spec_hash(sweep))


def write_spec(layout: Layout, sweep: Sweep) -> None:
    """Write down what the folder is for. spec.json comes last: it makes the folder a sweep's."""
    write_atomically(layout.spec_yaml, to_yaml(sweep).encode())
    write_json(layout.spec_json, describe(sweep))


def describe(sweep: Sweep) -> dict[str, Any]:
    """What a reader must know of a sweep without importing its parts."""
    run = sweep.base
    settings = {path: label(value_at(run, path), path) for path in all_paths(run) if not path.startswith("seeds")}
    return {
        "schema": SCHEMA,
        "spec_hash": spec_hash(sweep),
        "name": sweep.name,
        "num_runs": sweep.num_runs,
        "steps": sweep.steps,
        "axes": list(sweep.axis_names),
        "groups": [list(axis.paths) for axis in sweep.axes],
        "base": {path: label(value_at(run, path), path) for path in (*sweep.axis_names, *SEED_PATHS)},
        "settings": settings,
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
    stored = json.loads(layout.spec_json.read_text())
    if stored["schema"] > SCHEMA:
        raise StoreError(f"{layout.root}: written by a newer grokjax (schema {stored['schema']}).")
    if stored["spec_hash"] == spec_hash(sweep):
        if layout.spec_yaml.read_text() != to_yaml(sweep):
            write_spec(layout, sweep)  # an extension was killed between its two files
        return
    if not _holds_work(layout):
        layout.plan.unlink(missing_ok=True)
        write_spec(layout, sweep)
        return
    old, new = layout.spec_yaml.read_text().splitlines(), to_yaml(sweep).splitlines()
    changes = [
        line for line in difflib.unified_diff(old, new, lineterm="", n=0) if not line.startswith(("---", "+++", "@@"))
    ]
    raise StoreError(
        f"{layout.root} holds another sweep than the one given. Give another --out, or use `grokjax extend` for more "
        "seeds, steps or values. What differs:\n  " + "\n  ".join(changes[:20] or ["(notes or parts' sources only)"])
    )


def _holds_work(layout: Layout) -> bool:
    """Whether a run or a part of one is stored, be it without a record of it."""
    head, _ = read_head(layout)
    return any(layout.runs.glob("[!.]*.npz")) or (head is not None and bool(head.files or head.checkpoints))


def change_spec(root: Path, sweep: Sweep, ids: Sequence[str]) -> tuple[int, int, int]:
    """Make an extended sweep the folder's sweep; the caller holds its lock.

    Complete is only a folder whose HEAD is of the same spec.

    Args:
      ids: run ids of the sweep.

    Returns:
      How many of its runs are stored and finished, stored and to be continued, and to be trained from their beginning.
    """
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
