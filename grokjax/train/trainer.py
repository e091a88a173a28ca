"""All lanes of a cohort: filled from the queue, trained a segment, emptied of what ended. `drive/loop.py` says when."""

import dataclasses
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Any

import numpy as np

from grokjax.orders.order import Order, Queue
from grokjax.train.program import Lane
from grokjax.train.worker import SegmentReport, Worker

TARGET_SECONDS = 1.0
"""Wall time that a segment aims for: the reaction time to signals and of the live view."""
FIRST_STEPS = 1  # nobody knows yet how long a step takes, and a signal is answered after a segment


@dataclasses.dataclass(frozen=True)
class EndedRun:
    """A run that ended, with everything its lane held, as NumPy arrays."""

    order: Order
    lane: Lane
    place: tuple[int, int]  # pool, lane: for the event log only


@dataclasses.dataclass(frozen=True)
class Weights:
    """Parameters of a run at a scheduled step."""

    order: Order
    step: int
    params: Any


@dataclasses.dataclass(frozen=True)
class Saved:
    """The batched state of every pool at a segment's end.

    Attributes:
      orders: per pool, [lane] whose run each lane holds; None where it holds none.
      lanes: per pool, the batched state.
      waiting: where runs were left that wait for a lane again, by run id.
    """

    orders: list[list[Order | None]]
    lanes: list[Lane]
    waiting: Mapping[str, Lane] = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Segment:
    """What one pool hands over after a segment.

    Attributes:
      pool: its number.
      report: what the segment took and did.
      ended: runs that left their lanes.
      weights: parameters at scheduled steps.
    """

    pool: int
    report: SegmentReport
    ended: list[EndedRun]
    weights: list[Weights]


class Trainer:
    """The lanes of one cohort on all pools. A pool trains a segment after each `refill` and then rests.

    Attributes:
      queue: orders that wait for a lane.
    """

    def __init__(
        self,
        workers: Sequence[Worker],
        orders: Iterable[Order],
        start_of: Callable[[Order], Any],
        snapshots: Sequence[int] = (),
        left: Mapping[str, Lane] | None = None,
    ):
        """Prepare the lanes of one cohort.

        Args:
          workers: one a pool.
          orders: to train, in turn.
          start_of: what `Worker.fill` is given to begin the run of an order.
          snapshots: steps at which parameters are handed out; workers are told of them too.
          left: where runs were left at the checkpoint, by run id; they are kept until they have ended.
        """
        self.workers = list(workers)
        self.queue = Queue(orders)
        self._start_of = start_of
        self._left = dict(left or {})
        self._snapshots = np.unique(np.asarray(snapshots, np.int64))
        self._pace = [FIRST_STEPS] * len(self.workers)
        self._under_way: dict[Future, int] = {}
        self._reports: dict[int, SegmentReport] = {}

    def refill(self, pool: int) -> None:
        """Put waiting runs into the free lanes of a pool, and start a segment; nothing where no lane holds a run."""
        for lane in self.workers[pool].free_lanes():
            if self.queue:
                self._fill(pool, int(lane), self.queue.take())
        self._start(pool, bool(self.queue))

    def _fill(self, pool: int, lane: int, order: Order) -> None:
        self.workers[pool].fill(lane, order, self._start_of(order))

    def _start(self, pool: int, is_queued: bool) -> None:
        """Start a segment, unless no lane holds a run; it returns early once lanes are free while runs are queued."""
        worker = self.workers[pool]
        if np.all(worker.is_free):
            return
        until = worker.steps + self._pace[pool]
        if len(self._snapshots):
            until = np.minimum(until, self._next_snapshot(worker.steps))
        self._under_way[worker.start_segment(until, is_queued)] = pool

    def rested(self) -> Iterator[int]:
        """Pools whose segment has ended, as they end; until no segment is under way."""
        while self._under_way:
            done, _ = wait(self._under_way, return_when=FIRST_COMPLETED)
            for future in sorted(done, key=self._under_way.__getitem__):
                pool = self._under_way.pop(future)
                self._reports[pool] = future.result()
                yield pool

    def hand_over(self, pool: int) -> Segment:
        """What the last segment of a resting pool gave; runs that ended leave their lanes."""
        report = self._reports[pool]
        self._adapt(pool, report)
        weights = self._weights(pool)
        return Segment(pool, report, self._ended(pool), weights)

    def copy(self, pool: int, at_once: bool = False) -> tuple[list[Order | None], Lane] | None:
        """Of a resting pool, [lane] whose run each lane holds, and the batched state as NumPy arrays.

        None where it comes with the next segment only, or is lost; see `Worker.copy_lanes`.
        """
        worker = self.workers[pool]
        lanes = worker.copy_lanes(at_once)
        return None if lanes is None else (list(worker.orders), lanes)

    def is_wanted(self) -> bool:
        """Whether a run waits for a lane."""
        return bool(self.queue)

    def waiting(self) -> dict[str, Lane]:
        """Where runs were left that are in no lane now, by run id: a save without them would begin them anew."""
        in_lanes = {order.run_id for worker in self.workers for order in worker.orders if order is not None}
        return {run_id: lane for run_id, lane in self._left.items() if run_id not in in_lanes}

    def busy_pools(self) -> list[int]:
        """Pools of which a lane holds a run."""
        return [pool for pool, worker in enumerate(self.workers) if not np.all(worker.is_free)]

    def close(self) -> None:
        """Let go of the lanes; all pools rest, or nobody waits for them."""
        for worker in self.workers:
            worker.close()

    def running_steps(self) -> list[int]:
        """Updates done by each run that holds a lane, as of its last segment."""
        return [int(step) for worker in self.workers for step in worker.steps[~worker.is_free]]

    def _next_snapshot(self, steps: np.ndarray) -> np.ndarray:
        index = np.searchsorted(self._snapshots, steps, side="right")
        never = np.iinfo(np.int32).max
        return np.where(index < len(self._snapshots), np.append(self._snapshots, never)[index], never)

    def _adapt(self, pool: int, report: SegmentReport) -> None:
        """Aim at the target time; a run's bits do not depend on where segments are cut."""
        factor = np.clip(TARGET_SECONDS / max(report.seconds, 1e-6), 0.1, 4.0)
        self._pace[pool] = int(np.clip(self._pace[pool] * factor, 1, 1_000_000))

    def _ended(self, pool: int) -> list[EndedRun]:
        worker = self.workers[pool]
        ended = []
        for lane in worker.ended().tolist():
            order = worker.order_in(lane)
            ended.append(EndedRun(order, worker.take(lane), (pool, lane)))
            if self._left:
                self._left.pop(order.run_id, None)
            worker.release(lane)
        return ended

    def _weights(self, pool: int) -> list[Weights]:
        worker = self.workers[pool]
        return [Weights(worker.order_in(lane), step, params) for lane, step, params in worker.weights()]
