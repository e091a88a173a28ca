"""How an engine that is timed talks to the benchmark: it says what it computed, then trains when it is told to.

An engine is a process of its own. Its first line is its greeting, `{"losses": [...], "setup_seconds": ...}`; for each
line that it reads, a number of seconds, it trains for about that long and answers `{"run_steps": ..., "seconds": ...}`.
No package is imported here, so that engines of any framework can use it.
"""

import json
import sys
import time
from collections.abc import Callable, Sequence
from typing import Any

CHUNKS = 3  # calls of `train` in a timed span: few enough to cost nothing, enough to end near the time asked for


def serve(losses: Sequence[float], train: Callable[[int], None], *, runs: int, began: float, **facts: Any) -> None:
    """Greet, then train whenever a line asks for it, until the input ends.

    Args:
      losses: of the first updates of the first run, before each update.
      train: trains every run for a number of steps and returns when they are done.
      runs: how many runs `train` advances together.
      began: `time.perf_counter()` when the set-up began.
      facts: what else the record should say about this engine.
    """
    pace = _warm_up(train)
    say({"losses": [float(loss) for loss in losses], "setup_seconds": time.perf_counter() - began, **facts})
    for line in sys.stdin:
        asked, start, steps = float(line), time.perf_counter(), 0
        while (seconds := time.perf_counter() - start) < asked:
            count = max(1, round(min(asked / CHUNKS, asked - seconds) * pace))
            train(count)
            steps += count
        seconds = time.perf_counter() - start
        pace = steps / seconds
        say({"run_steps": steps * runs, "seconds": seconds})


def say(answer: dict[str, Any]) -> None:
    """Write one line of JSON."""
    print(json.dumps(answer), flush=True)


def _warm_up(train: Callable[[int], None], at_least: float = 0.2) -> float:
    """Steps a second after everything has been compiled and touched."""
    train(2)
    steps = 1
    while True:
        start = time.perf_counter()
        train(steps)
        seconds = time.perf_counter() - start
        if seconds >= at_least:
            return steps / seconds
        steps *= 2
