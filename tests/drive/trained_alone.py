"""A sweep file, what one process made of it, and what differs where it is trained in another way."""

import contextlib
import json
import subprocess
import sys
import time

SWEEP = """
name: workers
task: {{kind: modular_arithmetic, operation: x+y, modulus: 7, train_fraction: 0.5}}
model: {{kind: mlp, width: 16}}
optimizer: {{kind: adamw, learning_rate: 0.003}}
train: {{steps: {steps}}}
axes: {{optimizer.weight_decay: [0.1, 1, 3]}}
seeds: {seeds}
measure: {{every: {{log: 4}}, what: [fit, weight_norm]}}
weights: {{log: 1}}
"""
PATIENCE = 240.0
"""Seconds that the loaded machine of a test may take for what needs ten."""


def grokjax(*words, **options):
    """A command, started."""
    return subprocess.Popen([sys.executable, "-m", "grokjax", *map(str, words)], text=True, **options)


def ended(process):
    """Exit status and what was written to standard error."""
    try:
        _, said = process.communicate(timeout=PATIENCE)
    finally:
        process.kill()
    return process.returncode, said


def events(root, kind):
    """Events of a folder, as far as they are written."""
    with contextlib.suppress(FileNotFoundError):
        lines = (root / "events.jsonl").read_text().splitlines(keepends=True)
        records = [json.loads(line) for line in lines if line.endswith("\n")]
        return [record for record in records if record["event"] == kind]
    return []


def awaited(root, kind, number, process):
    """The first `number` events of a kind, waited for while the process lives."""
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        seen = events(root, kind)
        if len(seen) >= number:
            return seen[:number]
        assert process.poll() is None, f"the sweep ended ({process.returncode}) before {number} x {kind}"
        time.sleep(0.05)
    raise AssertionError(f"no {number} x {kind} within {PATIENCE} s")


class Sweep:
    """A sweep file, and what one process made of it."""

    def __init__(self, folder, steps, seeds, text=SWEEP):
        self.folder, self.file = folder, folder / "sweep.yaml"
        self.file.write_text(text.format(steps=steps, seeds=seeds))
        self.alone = folder / "alone"
        status, said = ended(grokjax("run", self.file, "--out", self.alone, stderr=subprocess.PIPE))
        assert status == 0, said

    def start(self, name, *words):
        """Train it into a folder of its own."""
        with (self.folder / f"{name}.log").open("a") as log:
            return grokjax("run", self.file, "--out", self.folder / name, *words, stderr=log)

    def said(self, name):
        """What was written to standard error while that folder was trained."""
        return (self.folder / f"{name}.log").read_text()

    def differences(self, name):
        """Files of the results that are not, byte for byte, those of one process."""
        return [
            path.relative_to(self.alone).as_posix()
            for path in [self.alone / "table.csv", *sorted((self.alone / "history.zarr").rglob("*"))]
            if path.is_file() and path.read_bytes() != (self.folder / name / path.relative_to(self.alone)).read_bytes()
        ]
