"""What stands here for a worker elsewhere: gathers what goes with the next segment, and answers from the last reply."""

import time
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

import numpy as np

from grokjax.drive.remote.host import Reply, Request
from grokjax.drive.starts import Continuation
from grokjax.orders.order import Order
from grokjax.train.program import Lane, Program, Values
from grokjax.train.worker import SegmentReport, Worker


class RemoteWorker(Worker):
    """Lanes of a worker elsewhere. Everything goes with the one call of a segment, so that only that can be lost.

    Attributes:
      began: when the segment under way began, by `time.monotonic`; None while it rests.
      is_gone: whether it is given up; it holds no run then.
    """

    def __init__(self, program: Program, call: Callable[[str, Any], Future], copy_now: Callable[[], Lane | None]):
        """Lanes that hold no run.

        Args:
          call: method of `Host`, argument -> its answer.
          copy_now: gives all lanes, waited for; None where the worker is lost.
        """
        super().__init__(program)
        self._call, self._copy_now = call, copy_now
        self._fills: list[tuple[int, Any]] = []
        self._releases: list[int] = []
        self._reply: Reply | None = None
        self._wants_copy = False
        self.began: float | None = None
        self.is_gone = False

    def free_lanes(self) -> np.ndarray:
        return np.zeros(0, np.int64) if self.is_gone else super().free_lanes()

    def fill(self, lane: int, order: Order | None, start: Values | Lane | Continuation) -> None:
        self._fills.append((lane, start))
        self.occupy(lane, order, _step_of(start))

    def release(self, lane: int) -> None:
        super().release(lane)
        self._releases.append(lane)

    def start_segment(self, until: np.ndarray, is_queued: bool) -> Future:
        request = Request(self._releases, self._fills, np.asarray(until, np.int32), is_queued, self._wants_copy)
        self._releases, self._fills, self._wants_copy = [], [], False
        self._reply, self.began = None, time.monotonic()
        return self._call("segment", request)

    def hear(self, reply: Reply) -> SegmentReport:
        """Take in what the worker says of its segment."""
        self._reply, self.began = reply, None
        self.steps, self.active = np.array(reply.steps), np.array(reply.active)
        return reply.report

    def give_up(self) -> list[Order]:
        """Let go of it; gives the orders that it held."""
        lost = [order for order in self.orders if order is not None]
        self.orders[:] = [None] * len(self.orders)
        self.is_free[:], self.is_gone, self.began = True, True, None
        return lost

    def take(self, lane: int) -> Lane:
        assert self._reply is not None, "a lane before its segment"
        return self._reply.ended[lane]

    def weights(self) -> list[tuple[int, int, Any]]:
        return [] if self._reply is None else self._reply.weights

    def copy_lanes(self, at_once: bool = False) -> Lane | None:
        if self._reply is not None and self._reply.lanes is not None:
            return self._reply.lanes
        if at_once:
            return self._copy_now()
        self._wants_copy = True
        return None

    def close(self) -> None:
        """Its lanes stay until the next cohort."""


def _step_of(start: Values | Lane | Continuation) -> int:
    if isinstance(start, Continuation):
        return start.step
    return 0 if isinstance(start, Values) else int(start.state.step)
