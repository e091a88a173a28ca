"""A sweep of twelve short runs, half of which diverge, and `grokjax` as typed, inside this process."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from grokjax.cli import main
from grokjax.store.files import read_json_lines

SMALL = """
name: small
task: {kind: modular_arithmetic, operation: x+y, modulus: 7}
model: {kind: mlp, activation: square, width: 16}
optimizer: {kind: adamw, learning_rate: 1.0e-2}
loss: {kind: mse}
train: {steps: 100}
axes:
  optimizer.learning_rate: [1.0e-2, 1.0e+30]
  optimizer.weight_decay: {log: [0.1, 10, 3]}
seeds: 2
measure: {every: {log: 8}, what: [fit, weight_norm]}
weights: 50
"""
LANES = ("--lanes", "2")  # the same everywhere, so that sweeps of any size share one compiled program


def typed(*words: str | Path | int) -> int:
    """Exit status of `grokjax WORDS`."""
    try:
        return main([str(word) for word in words])
    except SystemExit as end:
        return int(end.code or 0)


def copied(root: Path, folder: Path) -> Path:
    """A copy of a sweep's folder, to be changed."""
    shutil.copytree(root, folder / "copy")
    return folder / "copy"


def ended(root: Path) -> list[dict[str, Any]]:
    """Events of runs that ended, in this order."""
    return [event for event in read_json_lines(root / "events.jsonl") if event["event"] == "ended"]


def endings(root: Path) -> list[str]:
    """Run ids in the order in which runs ended; one that was continued is there twice."""
    return [event["run_id"] for event in ended(root)]


@pytest.fixture(scope="session")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of the finished sweep; `sweep.yaml` beside it. Only to be read."""
    place = tmp_path_factory.mktemp("small")
    (place / "sweep.yaml").write_text(SMALL)
    assert typed("run", place / "sweep.yaml", "--out", place / "small", *LANES) == 0
    return place / "small"
