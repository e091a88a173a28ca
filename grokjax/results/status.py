"""Where a sweep stands, for anyone who asks while it is trained or after: from HEAD and the live file, no lock."""

import warnings
from pathlib import Path
from typing import Any

import numpy as np

from grokjax.orders.ledger import is_over
from grokjax.results.results import read_results
from grokjax.store.committed import is_old, read_spec
from grokjax.store.files import read_record
from grokjax.store.layout import Layout, StoreWarning
from grokjax.store.lock import is_locked


def status(root: Path) -> dict[str, Any]:
    """What `grokjax status` shows: from HEAD and the live file; takes no lock.

    Raises:
      StoreError: no sweep is there.
    """
    layout, spec = Layout(root), read_spec(root)
    results = read_results(root)
    live = _live(layout, is_old(spec))
    runs = results.runs
    ended = is_over(runs["stop_reason"], runs["final_step"], spec["steps"])
    done = int(np.count_nonzero(ended))  # others go on
    is_running = is_locked(layout.lock) and not results.is_complete
    counts = runs["phase"].value_counts().to_dict() if len(runs) else {}
    running = int(live.get("running", 0)) if is_running else 0
    return {
        "name": spec["name"],
        "total": spec["num_runs"],
        "done": done,
        "running": running,
        "queued": max(0, spec["num_runs"] - done - running),
        "diverged": int(np.count_nonzero(runs["status"] == "diverged")),
        "phases": {str(name): int(count) for name, count in counts.items()},
        "rule": results.rule.title,
        "stage": "complete" if results.is_complete else live.get("stage", "opening") if is_running else "stopped",
        "occupancy": live.get("occupancy"),
        "compiled_programs": live.get("compiled_programs", 0),
        "run_steps_per_second": live.get("run_steps_per_second"),
        "seconds_left": live.get("seconds_left") if is_running else None,
    }


def _live(layout: Layout, is_old: bool) -> dict[str, Any]:
    """What the last start said of itself; nothing when that is missing or damaged, since nothing hangs on it."""
    try:
        return read_record(layout.live, is_old)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError):
        warnings.warn(f"{layout.live} is damaged; rate and occupancy are unknown.", StoreWarning, stacklevel=3)
        return {}
