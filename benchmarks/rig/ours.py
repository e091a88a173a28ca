"""grokjax's own engine, timed: the lanes of all devices trained at once, without looks, store or command line.

python -m benchmarks.rig.ours W1 --form tables --lanes 4        serve (see protocol.py)
python -m benchmarks.rig.ours W1 --form plain --write FILE      write the run that every engine starts from
"""

import argparse
import dataclasses
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import jax
import numpy as np

from benchmarks.rig.protocol import serve
from benchmarks.rig.workloads import WORKLOADS, write_start
from grokjax.reader.measured_steps import Cadence, MeasurePlan
from grokjax.reader.run import Run
from grokjax.train.compilation_cache import use_compilation_cache
from grokjax.train.devices import choose_executor, choose_pools, prepare_host_devices
from grokjax.train.executables import Executables, Traced
from grokjax.train.feed import Feed
from grokjax.train.program import MAP, Lane
from grokjax.train.worker import LocalWorker

CHECKED = 10
"""Updates whose losses are compared before anything is timed."""
NUDGES = 4
"""Draws of roundings: Adam's first step is a sign, and luck decides on which side a gradient near zero falls."""
_BUDGET = 1_000_000_000  # never reached


class Lanes:
    """Copies of one run with different seeds, one in each lane of each device.

    Attributes:
      runs: how many.
      compile_seconds: what compiling took.
    """

    def __init__(self, run: Run, lanes: int, pools: int | None = None, executor: str | None = None):
        """`lanes` of a device, on the first `pools` pools of devices or on all."""
        never = Cadence("every", _BUDGET)
        measure = MeasurePlan(every=never, looks=never, what=())
        feed = Feed(run, run.task.signature(), [run.task], measure, None, _BUDGET)
        chosen = choose_pools(None, executor)[:pools]
        is_mapped = choose_executor(chosen[0].devices[0], executor) == MAP
        values = feed.values(run)
        program = feed.program(lanes * len(chosen[0].devices), 1 if is_mapped else lanes)
        began = time.perf_counter()
        compiled = Traced(program, chosen[0]).compile(chosen, values, feed.tables, feed.schedule)
        self.compile_seconds = time.perf_counter() - began
        self.executables: list[Executables] = compiled
        self._workers = [LocalWorker(one) for one in compiled]
        seed = 0
        for worker in self._workers:
            for lane in range(program.lanes):
                seeds = dataclasses.replace(run.seeds, split=seed, init=seed, order=seed)
                worker.fill(lane, seed, feed.values(dataclasses.replace(run, seeds=seeds)))
                seed += 1
        self.runs = seed

    def train(self, steps: int) -> None:
        """Train every lane for some steps."""
        segments = [worker.start_segment(worker.steps + steps, False) for worker in self._workers]
        for segment in segments:
            segment.result()

    def losses(self, steps: int) -> list[float]:
        """Losses of the first run at each of the next updates, before the update."""
        found = []
        for _ in range(steps):
            self.train(1)
            found.append(float(self._workers[0].losses()[0]))
        return found

    def first_lane(self) -> Lane:
        """The first run as it is now."""
        return self._workers[0].take(0)

    def place_first_lane(self, lane: Lane) -> None:
        """Put a run into the first lane where it was left."""
        self._workers[0].release(0)
        self._workers[0].fill(0, 0, lane)

    def close(self) -> None:
        """End the threads of the workers."""
        for worker in self._workers:
            worker.release(0)
            worker.close()


def reference(run: Run, path: Path) -> list[float]:
    """Losses of the first updates; writes the file from which every peer starts the same run."""
    lanes = Lanes(run, lanes=1, pools=1)
    start = lanes.first_lane()
    n_train, minibatch = int(start.data.n_train), int(start.data.minibatch)
    per_epoch = -(-n_train // minibatch)
    place = np.empty(run.task.signature().num_examples, np.int64)
    train = np.asarray(start.data.split.order)[:n_train]
    place[train] = np.arange(n_train)
    losses: list[float] = []
    batches: list[np.ndarray] = [] if run.minibatch else [np.arange(n_train)]
    for step in range(CHECKED):
        losses += lanes.losses(1)
        if run.minibatch:
            order, first = np.asarray(lanes.first_lane().state.order), (step % per_epoch) * minibatch
            batches.append(place[order[first : first + minibatch]])
    moved = np.zeros(CHECKED)
    for draw in range(NUDGES):
        nudged = jax.tree.map(partial(_nudged, draw=draw), start.state.params)
        lanes.place_first_lane(start._replace(state=start.state._replace(params=nudged)))
        moved = np.maximum(moved, np.abs(np.array(lanes.losses(CHECKED)) / losses - 1))
    lanes.close()
    write_start(path, run, start.state.params, train, np.stack(batches), np.array(losses), moved)
    return losses


def _nudged(numbers: np.ndarray, draw: int) -> np.ndarray:
    """Each number moved to the next one above or below."""
    up = np.random.default_rng(draw).random(numbers.shape) < 0.5
    return np.nextafter(numbers, np.where(up, np.inf, -np.inf).astype(numbers.dtype))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("workload", choices=sorted(WORKLOADS))
    parser.add_argument("--form", default="tables")
    parser.add_argument("--lanes", type=int, default=4, help="of each device")
    parser.add_argument("--pools", type=int, help="how many devices train; all unless given")
    parser.add_argument("--executor", choices=("map", "vmap"))
    parser.add_argument("--write", type=Path, help="write the start of the run here, train no further")
    options: Any = parser.parse_args(arguments)
    began = time.perf_counter()
    prepare_host_devices()
    use_compilation_cache()
    with tempfile.TemporaryDirectory() as folder:
        run = WORKLOADS[options.workload].with_form(Path(folder), options.form)
        if options.write:
            reference(run, options.write)
            return
        lanes = Lanes(run, options.lanes, options.pools, options.executor)
        losses = lanes.losses(CHECKED)
        serve(losses, lanes.train, runs=lanes.runs, began=began, compile_seconds=lanes.compile_seconds)


if __name__ == "__main__":
    main()
