"""A sweep's folder that grows when it is told to: the runs of a finished one, a file each."""

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from grokjax.store.committed import read_file
from grokjax.store.files import Arrays, arrays_to_bytes, checksum, write_atomically, write_record
from grokjax.store.head import Head, read_head, write_head
from grokjax.store.layout import Layout


class SplitFolder:
    """The folder `root` with none of the runs of `source` yet."""

    def __init__(self, source: Path, root: Path):
        root.mkdir(parents=True)
        for name in ("spec.json", "spec.yaml", "events.jsonl"):
            shutil.copy(source / name, root)
        self.root = root
        finished, _ = read_head(Layout(source))
        files = [read_file(source, name, finished) for name in sorted(finished.files) if name.startswith("runs/")]
        self.left: list[Arrays] = [
            {name: values[run : run + 1] for name, values in arrays.items()}
            for arrays in files
            for run in range(len(arrays["run_id"]))
        ]
        self._head = Head(0, finished.spec_hash, {}, {})

    def commit(self, count: int) -> None:
        """Commit so many further runs."""
        names = {}
        for arrays in self.left[:count]:
            path = Layout(self.root).run_file(len(self._head.files) + len(names) + 1)
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(arrays_to_bytes(arrays))
            names[f"runs/{path.name}"] = checksum(path.read_bytes())
        del self.left[:count]
        self._head = self._head.next(files={**self._head.files, **names})
        write_head(Layout(self.root), self._head)

    def tell(self, **progress: Any) -> None:
        """What a start says of itself."""
        write_record(Layout(self.root).live, progress)

    def hold(self, count: int, looks: int) -> None:
        """Save the next runs as if they were in a lane and had been looked at so often."""
        arrays: Mapping[str, np.ndarray] = {
            name: np.concatenate([run[name] for run in self.left[:count]]) for name in self.left[0]
        }
        last = arrays["look_step"][:, looks - 1]
        cut = {name: np.where(arrays[name] <= last[:, None], arrays[name], -1) for name in ("look_step", "row_step")}
        held = {**arrays, **cut, "final_step": last, "stop_reason": np.full(count, "running")}
        write_atomically(Layout(self.root).live_curves, arrays_to_bytes(held))
