"""Does a sweep in workers that are killed and frozen, with a coordinator that is killed, end as one left alone?

    make soak-workers
    python -m benchmarks.soak_workers --faults 50 --record

One sweep is trained undisturbed by one process. Then workers of Ray train it, in new folders, with a fault every
few seconds: a worker is killed, a worker is frozen, or the coordinator is killed and started again with another number
of workers. Table and history must be those of the one process, byte for byte.
"""

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from argparse import Namespace
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.rig.records import arguments, finish
from benchmarks.soak import SWEEP, compared, start

FAULTS = ("worker killed", "worker frozen", "coordinator killed")
SOONEST, LATEST = 0.0, 8.0  # seconds from the first worker of a start to its fault
GIVEN_UP = 7  # exit status: a worker died three times with the same run
PATIENCE = "20"  # of the coordinator with a frozen worker, seconds


class Round:
    """One folder, disturbed until it is complete.

    Attributes:
      faults: so many of each kind.
      given_up: starts that ended with runs given up.
    """

    def __init__(self, sweep: Path, root: Path, draw: random.Random):
        self.root, self.faults, self.given_up = root, Counter[str](), 0
        self._sweep, self._draw, self._frozen = sweep, draw, list[int]()
        self._log = root.with_suffix(".log")

    def run(self, most: int) -> None:
        """Train, with at most so many faults."""
        process, known = self._start(), 0
        while True:
            workers = self._workers(process, known)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(self._draw.uniform(SOONEST, LATEST))
            if process.poll() is not None or self.faults.total() >= most or not workers:
                break
            fault = self._draw.choice(FAULTS)
            self.faults[fault] += 1
            if fault == "coordinator killed":
                process.kill()
                process.wait()
                self._end_frozen()
                known = len(self._events())
                process = self._start()
            else:
                self._disturb(workers, fault)
        status = process.wait()
        while status == GIVEN_UP:  # a run met three of the faults; a later start tries it again
            self.given_up += 1
            status = self._start().wait()
        self._end_frozen()
        if status:
            raise RuntimeError(f"exit status {status} after {dict(self.faults)}: {self._log.read_text()[-2000:]}")

    def _start(self) -> subprocess.Popen:
        workers = f"ray:{self._draw.choice((1, 2, 3))}"
        with self._log.open("a") as log:
            return start(self._sweep, self.root, "--workers", workers, "--worker-patience", PATIENCE, stderr=log)

    def _disturb(self, workers: list[int], fault: str) -> None:
        pid = self._draw.choice(workers)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL if fault == "worker killed" else signal.SIGSTOP)
        self._frozen += [pid] if fault == "worker frozen" else []

    def _end_frozen(self) -> None:
        """What was stopped here would outlive a coordinator that was killed meanwhile."""
        for pid in self._frozen:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._frozen.clear()

    def _events(self) -> list[dict[str, Any]]:
        with contextlib.suppress(FileNotFoundError):
            lines = (self.root / "events.jsonl").read_text().splitlines(keepends=True)
            return [json.loads(line) for line in lines if line.endswith("\n")]
        return []

    def _workers(self, process: subprocess.Popen, known: int) -> list[int]:
        """Process ids of the workers of this start that live, once there are any; none where the sweep has ended."""
        while process.poll() is None:
            pids = [event["pid"] for event in self._events()[known:] if event["event"] == "worker"]
            living = [pid for pid in pids if pid not in self._frozen and Path(f"/proc/{pid}").exists()]
            if living:
                return living
            time.sleep(0.1)
        return []


def soak(options: Namespace, folder: Path) -> dict[str, Any]:
    """Rounds until there were enough faults."""
    (sweep := folder / "sweep.yaml").write_text(SWEEP)
    process = start(sweep, folder / "whole")
    _, said = process.communicate()
    if process.returncode:
        raise RuntimeError(said)
    draw, began, faults, rounds = random.Random(options.seed), time.monotonic(), Counter[str](), []
    while faults.total() < options.faults:
        disturbed = Round(sweep, folder / str(len(rounds)), draw)
        disturbed.run(options.faults - faults.total())
        faults += disturbed.faults
        rounds.append(
            {
                "faults": disturbed.faults.total(),
                "given_up": disturbed.given_up,
                **compared(folder / "whole", disturbed.root),
            }
        )
        print(f"{(time.monotonic() - began) / 60:5.1f} min  {faults.total():3d} faults  {rounds[-1]}", flush=True)
    wrong = ("lost", "doubled", "unequal_files", "unverified")
    return {
        "minutes": round((time.monotonic() - began) / 60, 1),
        "faults": dict(faults),
        **{name: sum(one[name] for one in rounds) for name in wrong},
        "rounds": rounds,
    }


if __name__ == "__main__":
    parser = arguments(__doc__.splitlines()[0], faults=50, seed=1)
    options = parser.parse_args()
    os.environ.setdefault("JAX_PLATFORMS", "cpu")
    with tempfile.TemporaryDirectory() as name:
        results = soak(options, Path(name))
    print({name: value for name, value in results.items() if name != "rounds"})
    finish(options, "soak_workers", results)
    sys.exit(any(results[name] for name in ("lost", "doubled", "unequal_files", "unverified")))
