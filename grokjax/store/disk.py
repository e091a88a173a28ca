"""How much disk will a sweep's folder take? Counted from the shapes of a lane and the formats of the files."""

import dataclasses
from collections.abc import Iterable
from typing import Any

import jax
import numpy as np

from grokjax.reader.measured_steps import cadence_steps
from grokjax.reader.sweep import Sweep
from grokjax.train.look_names import look_names
from grokjax.train.program import Lane

SAVES_KEPT = 3  # those that HEAD and its predecessor name, and one under way
_BLOCK = 4096  # of the file system: what a file or folder takes at least
_ARRAY = 300  # header of an array in a .npz
_NAME = 80  # a run id, with which file it is in and how it ended
_TABLE_ROW = 1000
_RUN_LINES = 300  # in events.jsonl, HEAD.json and its predecessor
_RUN_COLUMNS = 17  # of a run file: ids, settings, how it ended
_SMALL_FILES = 10 * _BLOCK


@dataclasses.dataclass(frozen=True)
class Disk:
    """Bytes of each kind of output, if every run goes to its budget.

    Attributes:
      history: run files, and the table.
      dataset: history.zarr, written when the sweep ends.
      weights: final parameters and optimizer state.
      snapshots: parameters on the schedule of `weights:`.
      saves: checkpoints and live curves; they are removed when the sweep ends.
    """

    history: int = 0
    dataset: int = 0
    weights: int = 0
    snapshots: int = 0
    saves: int = 0

    @property
    def finished(self) -> int:
        """Of the finished folder."""
        return self.history + self.dataset + self.weights + self.snapshots

    @property
    def most(self) -> int:
        """At the moment before the checkpoints are removed."""
        return self.finished + self.saves

    def of_runs(self, share: float) -> "Disk":
        """What is still to be written for this share of the runs; history.zarr and saves are written anew."""
        kinds = {name: int(share * getattr(self, name)) for name in ("history", "weights", "snapshots")}
        return dataclasses.replace(self, **kinds)


def disk_of(sweep: Sweep, lanes: Iterable[tuple[Lane, int, int]], stores_weights: bool) -> Disk:
    """Disk of a sweep.

    Args:
      lanes: of each cohort the shapes of one lane, its runs, and the lanes of all devices together.
      stores_weights: whether the final parameters of every run are stored.
    """
    total = Disk(history=_SMALL_FILES + _BLOCK)
    columns: dict[str, int] = {}
    for lane, runs, places in lanes:
        files = runs  # at most: runs that end within two seconds share a file
        params, state = _bytes(lane.state.params), _bytes(lane.state)
        parts = len(jax.tree.leaves(lane.state.params))
        snapshots = len(cadence_steps(sweep.weights, sweep.steps)) if sweep.weights else 0
        names = sum(map(len, look_names().values()))
        history = _bytes(lane.book) + _NAME * _RUN_COLUMNS
        num_arrays = names + len(lane.book.rows) + _RUN_COLUMNS
        dataset = _dataset_columns(lane, names)
        for name, size in dataset.items():
            columns[name] = columns.get(name, 0) + runs * size
        kinds = {
            "history": runs * (history + _TABLE_ROW + _RUN_LINES) + files * (_BLOCK + num_arrays * _ARRAY),
            "weights": (runs * (state + _NAME) + files * (_BLOCK + 2 * parts * _ARRAY)) * stores_weights,
            "snapshots": runs * snapshots * (params + _NAME) + files * (_BLOCK + parts * _ARRAY) * bool(snapshots),
        }
        total = Disk(
            total.history + kinds["history"],
            0,
            total.weights + kinds["weights"],
            total.snapshots + kinds["snapshots"],
            max(total.saves, places * (SAVES_KEPT * _bytes(lane) + history)),  # one cohort is trained at a time
        )
    folders = 4 * _BLOCK  # zarr.json, and the folders of an array and of its chunks
    return dataclasses.replace(
        total, dataset=sum(folders + -(-size // _BLOCK) * _BLOCK for size in columns.values()) + _BLOCK
    )


def _dataset_columns(lane: Lane, names: int) -> dict[str, int]:
    """Bytes of one run in each array of history.zarr, before compression."""
    looks, rows = lane.book.look_steps.shape[0], lane.book.row_steps.shape[0]
    columns = {f"look/{index}": 4 * looks for index in range(names)} | {"look_step": 8 * looks, "step": 8 * rows}
    columns |= {f"fit/{index}": 4 * rows for index in range(names)} | {f"run/{i}": 16 for i in range(_RUN_COLUMNS)}
    return columns | {f"row/{name}": _bytes(leaf) for name, leaf in lane.book.rows.items()}


def _bytes(tree: Any) -> int:
    return sum(int(np.prod(leaf.shape)) * np.dtype(leaf.dtype).itemsize for leaf in jax.tree.leaves(tree))
