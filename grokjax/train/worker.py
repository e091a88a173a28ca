"""One pool of devices with its lanes: filling them, training a segment, taking out what ended."""

import dataclasses
import time
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import jax
import numpy as np

from grokjax.orders.order import Order
from grokjax.train.executables import Executables, number_format
from grokjax.train.program import Lane, Values


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


class Worker:
    """Lanes on one pool of devices. Segments run in a thread of their own, so pools never wait for one another.

    Attributes:
      orders: [lane], whose run trains in a lane; None where none does.
      is_free: [lane] bool, where none does.
      steps: [lane] int64, updates done, as of the last segment.
    """

    def __init__(self, executables: Executables):
        self.executables = executables
        self.program = executables.program
        self.orders: list[Order | None] = [None] * self.program.lanes
        self.is_free = np.ones(self.program.lanes, bool)
        self.steps = np.zeros(self.program.lanes, np.int64)
        self.active = np.zeros(self.program.lanes, bool)
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="segment")
        with number_format(self.program):
            self._lanes = executables.empty_lanes()

    def close(self) -> None:
        """Wait for the segment under way and free the thread."""
        self._thread.shutdown()

    def free_lanes(self) -> np.ndarray:
        """Numbers of the lanes that hold no run."""
        return np.flatnonzero(self.is_free)

    def fill(self, lane: int, order: Order | None, start: Values | Lane) -> None:
        """Put a run into a free lane: from its values before the first update, or where it was left."""
        compiled = self.executables
        with number_format(self.program):
            placed = jax.device_put(start, compiled.pool.replicated())
            filled: Lane = compiled.fresh(placed, compiled.tables) if isinstance(start, Values) else placed
            self._lanes = compiled.place(self._lanes, self._scalar(np.int32(lane)), filled)
            self.steps[lane] = int(filled.state.step)
        self.orders[lane], self.is_free[lane] = order, False
        self.active[lane] = True

    def start_segment(self, until: np.ndarray, is_queued: bool) -> Future:
        """Train every lane up to its limit; the future gives a `SegmentReport`.

        Args:
          until: [lane] updates.
          is_queued: whether to return early once lanes are free.
        """
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

    def ended(self) -> np.ndarray:
        """Numbers of the lanes whose run has ended."""
        return np.flatnonzero(~self.is_free & ~self.active)

    def take(self, lane: int) -> Lane:
        """One lane as NumPy arrays."""
        with number_format(self.program):
            return self.executables.lane_at(self._lanes, lane)

    def order_in(self, lane: int) -> Order:
        """Whose run trains in a lane that is not free."""
        order = self.orders[lane]
        assert order is not None, f"lane {lane} is free"
        return order

    def release(self, lane: int) -> None:
        """Make a lane free."""
        self.orders[lane], self.is_free[lane] = None, True

    def copy_lanes(self) -> Lane:
        """All lanes as NumPy arrays of their own: later segments write over the device's."""
        return jax.tree.map(np.array, self._lanes)

    def losses(self) -> np.ndarray:
        """[lane] trained loss of the last update."""
        return np.array(self._lanes.state.loss)

    def _scalar(self, value: Any) -> jax.Array:
        return jax.device_put(value, self.executables.pool.replicated())


def unstack(lanes: Lane, lane: int) -> Lane:
    """One lane of batched lanes given as NumPy arrays."""
    return jax.tree.map(lambda leaf: leaf[lane], lanes)
