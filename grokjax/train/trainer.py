"""The loop of a cohort: fill lanes from the queue, train a segment, take out what ended, fill again."""

import dataclasses
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Any

import numpy as np

from grokjax.train.program import Lane, Values
from grokjax.train.worker import FREE, SegmentReport, Worker

TARGET_SECONDS = 1.0
"""Wall time that a segment aims for: the reaction time to signals and of the live view."""
_FIRST_STEPS = 1  # nobody knows yet how long a step takes, and a signal is answered after a segment


@dataclasses.dataclass(frozen=True)
class EndedRun:
    """A run that ended, with everything its lane held, as NumPy arrays."""

    run: int
    lane: Lane
    place: tuple[int, int]  # pool, lane: for the event log only


@dataclasses.dataclass(frozen=True)
class Weights:
    """Parameters of a run at a scheduled step."""

    run: int
    step: int
    params: Any


@dataclasses.dataclass(frozen=True)
class Saved:
    """The batched state of every pool at a segment's end.

    Attributes:
      runs: per pool, [lane] which run each lane holds.
      lanes: per pool, the batched state.
    """

    runs: list[np.ndarray]
    lanes: list[Lane]


@dataclasses.dataclass(frozen=True)
class Segment:
    """What the loop hands out each time a pool has finished a segment."""

    pool: int
    report: SegmentReport
    ended: list[EndedRun]
    weights: list[Weights]
    saved: Saved | None


class Trainer:
    """Trains the runs of one cohort on all pools at once.

    Attributes:
      queue: runs that wait for a lane, in order.
      stopping: set it to make the loop end at the next segment's end of every pool.
      saving: set it to ask for the batched state; it comes with a later segment.
    """

    def __init__(
        self,
        workers: Sequence[Worker],
        queue: Sequence[int],
        start_of: Callable[[int], Values | Lane],
        snapshots: Sequence[int] = (),
    ):
        """Prepare the loop of one cohort.

        Args:
          workers: one a pool.
          queue: runs to train, in order.
          start_of: values of a run, or the lane it was left in.
          snapshots: steps at which parameters are handed out.
        """
        self.workers = list(workers)
        self.queue = deque(queue)
        self.stopping = False
        self.saving = False
        self._start_of = start_of
        self._snapshots = np.unique(np.asarray(snapshots, np.int64))
        self._pace = [_FIRST_STEPS] * len(self.workers)
        self._copies: dict[int, tuple[np.ndarray, Lane]] = {}
        self._beginnings: list[list[Weights]] = [[] for _ in self.workers]

    def segments(self) -> Iterator[Segment]:
        """Train until the queue and all lanes are empty, or until `stopping`."""
        under_way: dict[Future, int] = {}
        for pool in range(len(self.workers)):
            self._start(pool, under_way)
        while under_way:
            done, _ = wait(under_way, return_when=FIRST_COMPLETED)
            for future in sorted(done, key=under_way.__getitem__):
                pool = under_way.pop(future)
                report = future.result()
                self._adapt(pool, report)
                weights, ended = self._weights(pool), self._ended(pool)
                saved = self._save(pool)
                self._start(pool, under_way)
                yield Segment(pool, report, ended, weights, saved)

    def running(self) -> dict[int, int]:
        """Steps done by the runs that hold a lane, as of their last segment."""
        return {
            int(run): int(step)
            for worker in self.workers
            for run, step in zip(worker.runs, worker.steps, strict=True)
            if run != FREE
        }

    def save_now(self) -> Saved:
        """The batched state when no segment is under way."""
        return Saved([worker.runs.copy() for worker in self.workers], [one.copy_lanes() for one in self.workers])

    def _start(self, pool: int, under_way: dict[Future, int]) -> None:
        worker = self.workers[pool]
        if self.stopping:
            return
        for lane in worker.free_lanes():
            if self.queue:
                run = self.queue.popleft()
                worker.fill(int(lane), run, self._start_of(run))
                if 0 in self._snapshots and worker.steps[lane] == 0:
                    self._beginnings[pool].append(Weights(run, 0, worker.take(int(lane)).state.params))
        if np.all(worker.runs == FREE):
            return
        until = worker.steps + self._pace[pool]
        if len(self._snapshots):
            until = np.minimum(until, self._next_snapshot(worker.steps))
        under_way[worker.start_segment(until, bool(self.queue))] = pool

    def _next_snapshot(self, steps: np.ndarray) -> np.ndarray:
        place = np.searchsorted(self._snapshots, steps, side="right")
        never = np.iinfo(np.int32).max
        return np.where(place < len(self._snapshots), np.append(self._snapshots, never)[place], never)

    def _adapt(self, pool: int, report: SegmentReport) -> None:
        """Aim at the target time; a run's bits do not depend on where segments are cut."""
        factor = np.clip(TARGET_SECONDS / max(report.seconds, 1e-6), 0.1, 4.0)
        self._pace[pool] = int(np.clip(self._pace[pool] * factor, 1, 1_000_000))

    def _ended(self, pool: int) -> list[EndedRun]:
        worker = self.workers[pool]
        ended = []
        for lane in worker.ended():
            ended.append(EndedRun(int(worker.runs[lane]), worker.take(int(lane)), (pool, int(lane))))
            worker.release(int(lane))
        return ended

    def _weights(self, pool: int) -> list[Weights]:
        worker = self.workers[pool]
        if not len(self._snapshots):
            return []
        due = np.flatnonzero((worker.runs != FREE) & np.isin(worker.steps, self._snapshots))
        begun, self._beginnings[pool] = self._beginnings[pool], []
        return begun + [
            Weights(int(worker.runs[lane]), int(worker.steps[lane]), worker.take(int(lane)).state.params)
            for lane in due
        ]

    def _save(self, pool: int) -> Saved | None:
        """Copy this pool's lanes if a save was asked for; complete once every pool has given its copy."""
        if not self.saving:
            return None
        if pool not in self._copies:
            self._copies[pool] = (self.workers[pool].runs.copy(), self.workers[pool].copy_lanes())
        for other, worker in enumerate(self.workers):
            if np.all(worker.runs == FREE):  # an idle pool has nothing to give and no segment that would bring it here
                self._copies.setdefault(other, (worker.runs.copy(), worker.copy_lanes()))
        if len(self._copies) < len(self.workers):
            return None
        copies, self._copies, self.saving = self._copies, {}, False
        return Saved([copies[one][0] for one in sorted(copies)], [copies[one][1] for one in sorted(copies)])
