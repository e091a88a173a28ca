"""Does a sweep that is killed and resumed for an hour end byte for byte as one that was left alone?

    make soak
    python -m benchmarks.soak --minutes 60 --record

One sweep is trained undisturbed, then again and again in new folders, each time killed at random moments until it ends.
"""

import argparse
import os
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pandas as pd

from benchmarks.rig.records import arguments, finish

SWEEP = """
name: soak
task: {kind: modular_arithmetic, operation: x+y, modulus: 11}
model: {kind: mlp, activation: square, width: 32}
optimizer: {kind: adamw, learning_rate: 1.0e-2}
loss: {kind: mse}
train: {steps: 20000}
axes:
  model.width: [32, 48]
  optimizer.weight_decay: {log: [0.1, 10, 5]}
  task.train_fraction: [0.3, 0.5, 0.7]
seeds: 2
measure: {every: {log: 30}, what: [fit, weight_norm]}
weights: 5000
"""
SOONEST, LATEST = 2.0, 12.0  # seconds from a start to its kill; the first ones fall into compilation


def start(sweep: Path, root: Path, *more: str, stderr: Any = subprocess.PIPE) -> subprocess.Popen:
    """The command, as typed; `more` words of it, and where what it says goes."""
    words = ("run", str(sweep), "--out", str(root), "--save-seconds", "1", *more)
    return subprocess.Popen([sys.executable, "-m", "grokjax", *words], stderr=stderr, text=True)


def outcome(root: Path) -> dict[str, bytes]:
    """What must be byte-equal: table and consolidated history."""
    files = [root / "table.csv", *(path for path in (root / "history.zarr").rglob("*") if path.is_file())]
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


def killed_until_done(sweep: Path, root: Path, draw: random.Random) -> int:
    """Kill and resume until the sweep has ended; gives the number of kills."""
    kills = 0
    while True:
        process = start(sweep, root)
        try:
            _, said = process.communicate(timeout=draw.uniform(SOONEST, LATEST))
        except subprocess.TimeoutExpired:
            process.kill()
            process.communicate()
            kills += 1
            continue
        if process.returncode:
            raise RuntimeError(f"exit status {process.returncode} after {kills} kills: {said}")
        return kills


def compared(whole: Path, root: Path) -> dict[str, int]:
    """Runs lost and doubled, files that differ, problems that `grokjax verify` finds."""
    wanted, found = (pd.read_csv(one / "table.csv")["run_id"].tolist() for one in (whole, root))
    left, right = outcome(whole), outcome(root)
    verified = subprocess.run([sys.executable, "-m", "grokjax", "verify", str(root)], capture_output=True, check=False)
    return {
        "lost": len(set(wanted) - set(found)),
        "doubled": sum(count - 1 for count in Counter(found).values()),
        "unequal_files": sum(left.get(name) != right.get(name) for name in left.keys() | right.keys()),
        "unverified": int(verified.returncode != 0),
    }


def soak(options: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Rounds until the time is up; the round under way is ended."""
    (sweep := folder / "sweep.yaml").write_text(SWEEP)
    began = time.monotonic()
    process = start(sweep, folder / "whole")
    _, said = process.communicate()
    if process.returncode:
        raise RuntimeError(said)
    alone = time.monotonic() - began
    draw, rounds = random.Random(options.seed), []
    began = time.monotonic()
    while time.monotonic() - began < 60 * options.minutes:
        root = folder / str(len(rounds))
        kills = killed_until_done(sweep, root, draw)
        rounds.append({"kills": kills, **compared(folder / "whole", root)})
        print(f"{(time.monotonic() - began) / 60:5.1f} min  {rounds[-1]}", flush=True)
    kept = ("kills", "lost", "doubled", "unequal_files", "unverified")
    return {
        "minutes": round((time.monotonic() - began) / 60, 1),
        "undisturbed_seconds": round(alone, 1),
        "runs": len(pd.read_csv(folder / "whole" / "table.csv")),
        **{name: sum(one[name] for one in rounds) for name in kept},
        "rounds": rounds,
    }


if __name__ == "__main__":
    parser = arguments(__doc__.splitlines()[0], minutes=60.0, seed=1)
    options = parser.parse_args()
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    with tempfile.TemporaryDirectory() as name:
        results = soak(options, Path(name))
    print({name: value for name, value in results.items() if name != "rounds"})
    finish(options, "soak", results)
    sys.exit(any(results[name] for name in ("lost", "doubled", "unequal_files", "unverified")))
