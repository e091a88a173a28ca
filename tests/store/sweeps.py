"""Small sweeps, and `grokjax` as a process of its own: killed, signalled, started twice."""

import os
import subprocess
import sys
from pathlib import Path

TWO_COHORTS = """
name: two_cohorts
task: {kind: modular_arithmetic, operation: x+y, modulus: 7}
model: {kind: mlp, activation: square, width: 16}
optimizer: {kind: adamw, learning_rate: 1.0e-2}
loss: {kind: mse}
train: {steps: 3000}
axes:
  model.width: [16, 24]
  optimizer.weight_decay: {log: [0.1, 10, 5]}
  task.train_fraction: [0.3, 0.4, 0.5, 0.6, 0.7]
seeds: 2
measure: {every: {log: 20}, what: [fit, weight_norm]}
"""


def write_sweep(folder: Path, text: str = TWO_COHORTS, name: str = "sweep.yaml") -> Path:
    """A sweep file."""
    path = folder / name
    path.write_text(text)
    return path


def start(*arguments: str | Path, **variables: str) -> subprocess.Popen:
    """`grokjax ARGUMENTS` in a process of its own; its messages go to standard error, kept."""
    command = [sys.executable, "-m", "grokjax", *map(str, arguments)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, **variables}
    )


def finish(*arguments: str | Path, **variables: str) -> subprocess.CompletedProcess:
    """`grokjax ARGUMENTS`, waited for."""
    process = start(*arguments, **variables)
    out, error = process.communicate(timeout=600)
    return subprocess.CompletedProcess(process.args, process.returncode, out, error)


def outcome(root: Path) -> dict[str, bytes]:
    """What must be byte-equal between two folders of one sweep: table and consolidated history."""
    history = {
        str(path.relative_to(root)): path.read_bytes() for path in (root / "history.zarr").rglob("*") if path.is_file()
    }
    assert history, f"{root} has no consolidated history"
    return {"table.csv": (root / "table.csv").read_bytes(), **history}
