"""Reads the runs of a sweep for peers, and the rule by which a run ends."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.peers.start import Start


class MapRuns(NamedTuple):
    """Runs before their first update; they differ in split, size of the train set, initial parameters and decay.

    Attributes:
      settings: see `benchmarks/rig/workloads.py`.
      params: by path, [run, ...].
      inputs, targets: the whole table, [example, ...] and [example].
      order: [run, example]; the first n_train are the train set.
      n_train: [run].
      weight_decay: [run].
      looks: [look] steps at which a run is looked at; the last is the budget.
      release: [look] step from which a run may end that generalizes since this look.
    """

    settings: dict[str, Any]
    params: dict[str, np.ndarray]
    inputs: np.ndarray
    targets: np.ndarray
    order: np.ndarray
    n_train: np.ndarray
    weight_decay: np.ndarray
    looks: np.ndarray
    release: np.ndarray

    def start(self, run: int) -> Start:
        """One run with its own train set, as in the other benchmarks."""
        train = self.order[run, : self.n_train[run]]
        settings = self.settings | {"weight_decay": float(self.weight_decay[run])}
        params = {name: leaf[run] for name, leaf in self.params.items()}
        return Start(settings, params, self.inputs[train], self.targets[train], np.arange(len(train))[None], 0)


class Watch:
    """The stop rule for one run: it ends once it has generalized without a break for long enough, or at its budget."""

    def __init__(self, runs: MapRuns):
        self._runs, self._since = runs, -1

    def ends(self, look: int, correct: int, total: int) -> bool:
        """Tell what was right in the test set at a look; whether the run ends there."""
        if 100 * correct < 99 * total:
            self._since = -1
        elif self._since < 0:
            self._since = look
        is_released = self._since >= 0 and self._runs.looks[look] >= self._runs.release[self._since]
        return bool(is_released) or look == len(self._runs.looks) - 1


def read_map(path: str | Path) -> MapRuns:
    """Read a file that `benchmarks.rig.map_file.write_map` wrote."""
    with np.load(path) as file:
        params = {name.removeprefix("param/"): file[name] for name in file.files if name.startswith("param/")}
        rest = {name: file[name] for name in MapRuns._fields if name not in ("settings", "params")}
        return MapRuns(settings=json.loads(str(file["settings"])), params=params, **rest)


def write_outcome(path: str | Path, outcomes: list[dict[str, Any]]) -> None:
    """Write what became of the runs, in the order of the map file.

    Each has `losses` of the train set at the looks, `accuracy` of the test set at the last one, `final_step`, and
    `began` and `ended` in seconds of a clock that all processes share.
    """
    Path(path).write_text(json.dumps(outcomes))
