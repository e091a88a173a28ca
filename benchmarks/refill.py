"""What does refilling lanes gain over groups of which each ends with its slowest run, and do lanes stay busy?

    python -m benchmarks.refill --executors map,vmap --runs 0 --rounds 3 --record

The first runs of the map M1 in its shuffled order (`--runs 0`: all), the same compiled programs, no store. Occupancy is
counted until the queue is empty: with `map` the share of time in which devices train, with `vmap` the useful share of
executed run-steps.
"""

import dataclasses
import statistics
import time
from collections.abc import Sequence
from typing import Any

from benchmarks.rig.records import arguments, finish
from benchmarks.rig.rounds import ratios, spread
from grokjax import load_sweep
from grokjax.orders.order import Order, grid_orders
from grokjax.plan.plan import make_plan
from grokjax.reader.sweep import Sweep
from grokjax.train.devices import choose_pools, prepare_host_devices
from grokjax.train.executables import Executables
from grokjax.train.feed import Feed
from grokjax.train.preflight import compile_cohort
from grokjax.train.program import MAP
from grokjax.train.trainer import Trainer
from grokjax.train.worker import LocalWorker


@dataclasses.dataclass
class Spent:
    """Where the time of some runs went; the second group of numbers until the queue was empty."""

    seconds: float = 0.0
    useful: int = 0
    executed: int = 0
    filled_seconds: float = 0.0
    filled_busy: float = 0.0
    filled_useful: int = 0
    filled_executed: int = 0


class Cohort:
    """The compiled programs of a sweep of one cohort, and its queue."""

    def __init__(self, sweep: Sweep, executor: str, lanes: int | None):
        pools = choose_pools(None, executor)
        devices = sum(len(pool.devices) for pool in pools)
        (planned,) = make_plan(sweep, grid_orders(sweep), devices, executor == MAP, None, lanes).cohorts
        one = planned.cohort
        self.queue, self.executor = list(one.in_turn()), executor
        self._feed = Feed(one.run, one.signature, one.tasks, sweep.measure, sweep.stop, sweep.steps)
        values = self._feed.values(self.queue[0].run)
        self.compiled: list[Executables] = compile_cohort(planned, self._feed, values, pools, executor, lanes)
        self.lanes = sum(executables.program.lanes for executables in self.compiled)

    def train(self, groups: Sequence[Sequence[Order]]) -> Spent:
        """Train groups of runs one after another; within a group lanes are refilled."""
        spent, began = Spent(), time.perf_counter()
        workers = [LocalWorker(executables) for executables in self.compiled]
        for group in groups:
            trainer = Trainer(workers, group, lambda order: self._feed.values(order.run))
            for pool in range(len(workers)):
                trainer.refill(pool)
            for pool in trainer.rested():
                segment = trainer.hand_over(pool)
                trainer.refill(pool)
                spent.useful += segment.report.useful
                spent.executed += segment.report.executed
                if trainer.queue:
                    spent.filled_seconds = time.perf_counter() - began
                    spent.filled_busy += segment.report.seconds
                    spent.filled_useful += segment.report.useful
                    spent.filled_executed += segment.report.executed
        for worker in workers:
            worker.close()
        spent.seconds = time.perf_counter() - began
        return spent

    def occupancy(self, spent: Spent) -> float:
        """Share of the lanes that was of use while runs were waiting."""
        if self.executor == MAP:
            return min(1.0, spent.filled_busy / max(spent.filled_seconds * len(self.compiled), 1e-9))
        return spent.filled_useful / max(spent.filled_executed, 1)


def measure(sweep: Sweep, executor: str, lanes: int | None, runs: int, rounds: int) -> dict[str, Any]:
    """Both ways, in turn."""
    cohort = Cohort(sweep, executor, lanes)
    queue, size = cohort.queue[: runs or None], cohort.lanes
    groups = [queue[first : first + size] for first in range(0, len(queue), size)]
    cohort.train([queue[:1]])  # warm
    refilled, grouped = [], []
    for _ in range(rounds):
        refilled.append(cohort.train([queue]))
        grouped.append(cohort.train(groups))
    return {
        "lanes": size,
        "runs": len(queue),
        "refilled": [dataclasses.asdict(one) for one in refilled],
        "grouped": [dataclasses.asdict(one) for one in grouped],
        "gain": ratios([one.seconds for one in grouped], [one.seconds for one in refilled]),
        "executed_ratio": statistics.median(
            ratios([one.executed for one in grouped], [one.executed for one in refilled])
        ),
        "occupancy": [cohort.occupancy(one) for one in refilled],
    }


def main() -> None:
    parser = arguments(__doc__, rounds=1, together=64, runs=80)
    parser.add_argument("--executors", default="map", help="comma-separated: map, vmap (of --together lanes)")
    parser.add_argument("--spec", default="benchmarks/specs/m1.yaml", help="a sweep of one cohort")
    options = parser.parse_args()
    prepare_host_devices()
    results = {}
    for executor in options.executors.split(","):
        devices = sum(len(pool.devices) for pool in choose_pools(None, executor))
        lanes = None if executor == MAP else options.together // devices
        results[executor] = found = measure(load_sweep(options.spec), executor, lanes, options.runs, options.rounds)
        print(
            f"{executor}, {found['lanes']} lanes: refilling is {spread(found['gain'], '{:.2f}')} x as fast; "
            f"occupancy until the queue is empty {spread(found['occupancy'], '{:.1%}')}"
        )
    finish(options, "refill", results)


if __name__ == "__main__":
    main()
