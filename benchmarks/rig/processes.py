"""Starts engines as processes of their own, one or several that work together, and asks them for timed spans."""

import dataclasses
import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PEERS = Path(".venv-peers/bin/python")
"""The interpreter that has the peers' packages, made by `make peers`."""


class EngineError(RuntimeError):
    """An engine ended or said something else than it should."""


def cores() -> int:
    """Cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@dataclasses.dataclass(frozen=True)
class Engine:
    """One way to train the runs of a workload.

    Attributes:
      name: as in the records.
      module: what is run, `python -m MODULE ARGUMENTS`.
      arguments: see the module.
      processes: how many of it work at the same time; their run-steps are added up.
      is_peer: run by the interpreter of the peers; JAX's own ways run by ours.
      environment: in addition to this process's.
      root: the checkout that it is run from.
    """

    name: str
    module: str
    arguments: Sequence[str]
    processes: int = 1
    is_peer: bool = False
    environment: Mapping[str, str] = dataclasses.field(default_factory=dict)
    root: Path = ROOT

    def command(self) -> list[str]:
        """What is run."""
        return [str(ROOT / PEERS) if self.is_peer else sys.executable, "-m", self.module, *self.arguments]


def run_to_the_end(engine: Engine) -> float:
    """Run an engine that ends by itself; seconds from the start of its process to the end.

    Raises:
      EngineError: it ended with another status than 0.
    """
    began = time.perf_counter()
    done = subprocess.run(engine.command(), cwd=engine.root, env={**os.environ, **engine.environment})
    if done.returncode:
        raise EngineError(f"{engine.name} ended with status {done.returncode}: {' '.join(engine.command())}")
    return time.perf_counter() - began


class Running:
    """The processes of one engine; a context manager that ends them."""

    def __init__(self, engine: Engine):
        self.engine = engine
        self._processes = [
            subprocess.Popen(
                engine.command(),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                cwd=engine.root,
                env={**os.environ, **engine.environment},
            )
            for _ in range(engine.processes)
        ]

    def __enter__(self) -> "Running":
        return self

    def __exit__(self, *_: object) -> None:
        for process in self._processes:
            if process.stdin:
                process.stdin.close()  # the end of its input ends an engine
        for process in self._processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdout:
                process.stdout.close()

    def greeting(self) -> dict[str, Any]:
        """What the engine said first; of several processes the first one's, with the longest set-up."""
        greetings = [self._answer(process) for process in self._processes]
        return greetings[0] | {"setup_seconds": max(one["setup_seconds"] for one in greetings)}

    def rate(self, seconds: float) -> float:
        """Run-steps a second over a span of about `seconds`, all processes together."""
        for process in self._processes:
            assert process.stdin is not None
            process.stdin.write(f"{seconds}\n")
            process.stdin.flush()
        answers = [self._answer(process) for process in self._processes]
        return sum(answer["run_steps"] / answer["seconds"] for answer in answers)

    def _answer(self, process: subprocess.Popen[str]) -> dict[str, Any]:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("{"):  # compilers and libraries print what they like
                return json.loads(line)
        raise EngineError(f"{self.engine.name} ended with status {process.wait()}: {' '.join(self.engine.command())}")
