"""Reads the file from which every peer starts: initial parameters, examples, settings, and the losses to reproduce."""

import json
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np


class Start(NamedTuple):
    """One run before its first update.

    Attributes:
      settings: see `benchmarks/rig/workloads.py`.
      params: initial parameters by path, as in Flax: kernels are [in, out].
      inputs: [example, ...] of the train set.
      targets: [example] classes, or [example, output].
      batches: [step, example] places of the first updates; one row for all steps with the full batch.
      steps: updates whose losses are compared.
    """

    settings: dict[str, Any]
    params: dict[str, np.ndarray]
    inputs: np.ndarray
    targets: np.ndarray
    batches: np.ndarray
    steps: int

    @property
    def minibatch(self) -> int | None:
        """Examples of an update; None for the full batch."""
        return self.batches.shape[1] if len(self.batches) > 1 else None


def read_start(path: str | Path) -> Start:
    """Read a file that `benchmarks.rig.workloads.write_start` wrote."""
    with np.load(path) as file:
        params = {name.removeprefix("param/"): file[name] for name in file.files if name.startswith("param/")}
        return Start(
            json.loads(str(file["settings"])),
            params,
            file["inputs"],
            file["targets"],
            file["batches"],
            len(file["losses"]),
        )


class Reference(NamedTuple):
    """What an engine is compared with.

    Attributes:
      losses: [step] before each update.
      moved: [step] relative change of these losses by one rounding of each initial parameter.
    """

    losses: list[float]
    moved: list[float]


def reference_of(path: Path) -> Reference:
    """The reference that a start file holds."""
    with np.load(path) as file:
        return Reference(file["losses"].tolist(), file["moved"].tolist())
