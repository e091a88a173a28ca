"""Which sweeps does the page show, and where does each stand?"""

import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from grokjax.orders.ledger import is_over
from grokjax.page.diagram import phase_counts
from grokjax.reader.errors import first_line
from grokjax.results.growing import GrowingResults
from grokjax.store.files import checksum

REFRESH_SECONDS = 0.5
QUIET_SECONDS = 60
"""After so long without a word of a start, what it said last is no longer shown."""
_TRAINING = ("opening", "compiling", "training", "consolidating")


class Folders:
    """The sweeps of the folders that were typed, those inside them included; read by one thread, shown by others."""

    def __init__(self, typed: Sequence[Path]):
        self._typed = list(typed)
        first = self._typed[0] if self._typed else Path("results")
        self._place = (
            first.resolve().parent if (first / "spec.json").is_file() else first
        )  # fixed: it may hold one soon
        self._begun: list[Path] = []
        self._results: dict[str, GrowingResults] = {}
        self._stopped = threading.Event()
        self._find()

    def refresh(self) -> None:
        """Read what is new, and find folders that are new."""
        self._find()
        for results in self._results.values():
            try:
                results.refresh()
            except Exception as error:  # whatever one folder holds, the others are still shown
                results.problem = f"cannot be read: {first_line(error)}"

    def _find(self) -> None:
        keys = []
        for root in self._roots():
            keys.append(checksum(str(root.resolve()).encode()))
            self._results.setdefault(keys[-1], GrowingResults(root))
        for key, results in list(self._results.items()):
            if key not in keys and results.snapshot is None:  # an empty folder, before there were sweeps in it
                del self._results[key]

    def follow(self) -> threading.Thread:
        """Refresh again and again until `stop`, in a thread of its own."""

        def follow() -> None:
            while not self._stopped.wait(REFRESH_SECONDS):
                self.refresh()

        thread = threading.Thread(target=follow, daemon=True)
        thread.start()
        return thread

    def stop(self) -> None:
        """End `follow`."""
        self._stopped.set()

    def __getitem__(self, key: str) -> GrowingResults:
        """The sweep with this key.

        Raises:
          ValueError: there is none; a key is looked up and never a path.
        """
        if key not in self._results:
            raise ValueError("there is no such sweep")
        return self._results[key]

    def state(self) -> list[dict[str, Any]]:
        """Where each sweep stands, in the order in which they were found."""
        return [_standing(key, results) for key, results in list(self._results.items())]

    def place(self) -> Path:
        """Where a new sweep has its folder: beside the first that is shown, in `results` without any."""
        return self._place

    def show(self, root: Path) -> None:
        """Show a sweep too, from when its folder holds one."""
        if root not in self._begun:
            self._begun.append(root)

    def _roots(self) -> list[Path]:
        roots = [root for root in self._begun if (root / "spec.json").is_file()]
        for folder in self._typed:
            inside = [] if (folder / "spec.json").is_file() else sorted(folder.glob("*/spec.json"))
            roots += [path.parent for path in inside] or [folder]
        return roots


def _standing(key: str, results: GrowingResults) -> dict[str, Any]:
    snapshot = results.snapshot
    about = {"key": key, "folder": str(results.root), "problem": results.problem}
    if snapshot is None:
        return {**about, "name": results.root.name, "version": "", "total": 0}
    runs, total, live = snapshot.runs, snapshot.spec["num_runs"], snapshot.live
    is_running = runs["status"].to_numpy(object) == "running"
    ended = is_over(runs["stop_reason"], runs["final_step"], snapshot.spec["steps"])
    done = int(np.count_nonzero(np.asarray(ended) & ~is_running))
    stage = live.get("stage", "not started" if not len(runs) else "stopped")
    trains = stage in _TRAINING
    is_quiet = trains and time.time() - (snapshot.written or 0) > QUIET_SECONDS
    is_heard = trains and not is_quiet
    running = min(int(live.get("running", 0)) if is_heard else 0, total - done)
    return {
        **about,
        "name": snapshot.spec["name"],
        "version": snapshot.version,
        "total": total,
        "done": done,
        "running": running,
        "queued": total - done - running,
        "stage": stage,
        "written": snapshot.written if trains else None,
        "is_quiet": is_quiet,
        "rate": live.get("run_steps_per_second") if is_heard else None,
        "seconds_left": live.get("seconds_left") if is_heard else None,
        "phases": phase_counts(snapshot),
        "warned": list(snapshot.warned),
    }
