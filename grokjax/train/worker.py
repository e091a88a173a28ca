"""One pool of devices with its lanes: filling them, training a segment, taking out what ended."""

import abc
import dataclasses
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import jax
import numpy as np

from grokjax.orders.order import Order
from grokjax.train.executables import Executables, number_format
from grokjax.train.program import Lane, Program, Values


@dataclasses.dataclass(frozen=True)
class SegmentReport:
    """What one segment of one pool did.

    Attributes:
      seconds: wall time of the compiled call.
      useful: run-steps trained.
      executed: lanes x steps executed; equal to `useful` when no lane waited.
    """

    seconds: float
    useful: int
    executed: int


class Worker(abc.ABC):
    """Lanes of one pool: which run trains in each, and how far it is. Whoever fills a lane knows nothing of devices.

    Attributes:
      program: of the cohort.
      orders: [lane], whose run trains in a lane; None where none does.
      is_free: [lane] bool, where none does.
      steps: [lane] int64, updates done, as of the last segment.
      active: [lane] bool, whether its run goes on.
    """

    def __init__(self, program: Program):
        self.program = program
        self.orders: list[Order | None] = [None] * program.lanes
        self.is_free = np.ones(program.lanes, bool)
        self.steps = np.zeros(program.lanes, np.int64)
        self.active = np.zeros(program.lanes, bool)

    def free_lanes(self) -> np.ndarray:
        """Numbers of the lanes that hold no run."""
        return np.flatnonzero(self.is_free)

    def ended(self) -> np.ndarray:
        """Numbers of the lanes whose run has ended."""
        return np.flatnonzero(~self.is_free & ~self.active)

    def order_in(self, lane: int) -> Order:
        """Whose run trains in a lane that is not free."""
        order = self.orders[lane]
        assert order is not None, f"lane {lane} is free"
        return order

    def release(self, lane: int) -> None:
        """Make a lane free."""
        self.orders[lane], self.is_free[lane] = None, True

    def occupy(self, lane: int, order: Order | None, step: int) -> None:
        """Note that a lane holds a run, which has done so many updates."""
        self.orders[lane], self.is_free[lane] = order, False
        self.steps[lane], self.active[lane] = step, True

    @abc.abstractmethod
    def fill(self, lane: int, order: Order | None, start: Any) -> None:
        """Put a run into a free lane: from its values before the first update, or where it was left."""

    @abc.abstractmethod
    def start_segment(self, until: np.ndarray, is_queued: bool) -> Future:
        """Train every lane up to its limit.

        Args:
          until: [lane] updates.
          is_queued: whether to return early once lanes are free.
        """

    @abc.abstractmethod
    def take(self, lane: int) -> Lane:
        """A lane whose run has ended, as NumPy arrays."""

    @abc.abstractmethod
    def weights(self) -> list[tuple[int, int, Any]]:
        """Lane, step and parameters of each run that is at a scheduled step since the last segment; given once."""

    @abc.abstractmethod
    def copy_lanes(self, at_once: bool = False) -> Lane | None:
        """All lanes as NumPy arrays of their own.

        Args:
          at_once: even if that means to wait for them; otherwise None where they come with the next segment.
        """

    @abc.abstractmethod
    def close(self) -> None:
        """Wait for the segment under way and let go of what it needs."""


class LocalWorker(Worker):
    """Lanes on devices of this process. Segments run in a thread of their own, so pools never wait for one another."""

    def __init__(self, executables: Executables, snapshots: Sequence[int] = ()):
        """`snapshots`: steps at which parameters are handed out."""
        super().__init__(executables.program)
        self.executables = executables
        self._snapshots, self._beginnings = np.asarray(snapshots, np.int64), list[tuple[int, int, Any]]()
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="segment")
        with number_format(self.program):
            self._lanes = executables.empty_lanes()

    def close(self) -> None:
        self._thread.shutdown()

    def fill(self, lane: int, order: Order | None, start: Values | Lane) -> None:
        compiled = self.executables
        with number_format(self.program):
            placed = jax.device_put(start, compiled.pool.replicated())
            filled: Lane = compiled.fresh(placed, compiled.tables) if isinstance(start, Values) else placed
            self._lanes = compiled.place(self._lanes, self._scalar(np.int32(lane)), filled)
        self.occupy(lane, order, int(filled.state.step))
        if self.steps[lane] == 0 and 0 in self._snapshots:
            self._beginnings.append((lane, 0, self.take(lane).state.params))

    def start_segment(self, until: np.ndarray, is_queued: bool) -> Future:
        return self._thread.submit(self._segment, np.asarray(until, np.int32), is_queued)

    def _segment(self, until: np.ndarray, is_queued: bool) -> SegmentReport:
        compiled = self.executables
        start = time.perf_counter()
        with number_format(self.program):
            until = jax.device_put(until, compiled.pool.over_runs())
            self._lanes, executed = compiled.segment(
                self._lanes, until, self._scalar(np.bool_(is_queued)), compiled.tables, compiled.schedule
            )
            executed, steps, active = (
                np.array(leaf) for leaf in (executed, self._lanes.state.step, self._lanes.book.active)
            )
        useful = int(np.sum((steps - self.steps)[~self.is_free]))
        self.steps, self.active = steps.astype(np.int64), active
        return SegmentReport(time.perf_counter() - start, useful, int(np.sum(executed)) * self.program.block_lanes)

    def take(self, lane: int) -> Lane:
        with number_format(self.program):
            return self.executables.lane_at(self._lanes, lane)

    def weights(self) -> list[tuple[int, int, Any]]:
        begun, self._beginnings = self._beginnings, []
        due = np.flatnonzero(~self.is_free & np.isin(self.steps, self._snapshots))
        return begun + [(lane, int(self.steps[lane]), self.take(lane).state.params) for lane in due.tolist()]

    def copy_lanes(self, at_once: bool = False) -> Lane:
        return jax.tree.map(np.array, self._lanes)

    def losses(self) -> np.ndarray:
        """[lane] trained loss of the last update."""
        return np.array(self._lanes.state.loss)

    def _scalar(self, value: Any) -> jax.Array:
        return jax.device_put(value, self.executables.pool.replicated())


def unstack(lanes: Lane, lane: int) -> Lane:
    """One lane of batched lanes given as NumPy arrays."""
    return jax.tree.map(lambda leaf: leaf[lane], lanes)
