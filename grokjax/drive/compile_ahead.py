"""Programs of cohorts, compiled in a thread of their own: the next cohort's while this one trains."""

import time
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from typing import Self

from grokjax.drive.preparation import Ready, prepare
from grokjax.drive.standing import Standing
from grokjax.drive.starts import Starts, begun
from grokjax.orders.order import Order
from grokjax.plan.plan import CohortPlan
from grokjax.train.devices import Pool
from grokjax.train.program import Lane, Values
from grokjax.train.stop import Stop
from grokjax.train.trainer import Trainer
from grokjax.train.worker import LocalWorker

TICK = 0.2
PATIENCE = 20.0
"""Seconds after which `max_seconds` ends a compilation; one left behind is not cached, so a short one is waited for."""


class CompileAhead:
    """Compiles one cohort at a time; leaving it waits for nothing, since XLA cannot be interrupted."""

    def __init__(self, standing: Standing, pools: list[Pool]):
        self._standing, self._pools = standing, pools
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="compiler")
        self._ahead: dict[str, Future[Ready]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.shutdown(wait=False, cancel_futures=True)

    def programs_of(self, planned: CohortPlan, first: Order, narrowed: int | None) -> Ready:
        """The programs of a cohort, waited for. Nothing is trained meanwhile, so that nothing needs saving.

        Args:
          first: any of its orders.
          narrowed: lanes of one device after it ran out of memory; None where it did not.

        Raises:
          Stop: it is time to stop; the compilation is left to itself.
        """
        ahead = self._ahead.pop(planned.cohort.key, None)
        under_way = self._begin(planned, first, narrowed) if ahead is None or narrowed else ahead
        began = time.monotonic()
        while not under_way.done():
            is_long = time.monotonic() - began > PATIENCE
            if reason := self._standing.reason_to_stop() if is_long else self._standing.options.stop():
                raise Stop(reason)
            wait([under_way], TICK)
        return under_way.result()

    def begin_after(self, number: int) -> None:
        """Compile the next cohort that has runs to train; what goes wrong is told when its turn comes."""
        for planned in self._standing.plan.cohorts:
            first = self._standing.first_left(planned.cohort) if planned.cohort.number > number else None
            if first is not None:
                self._ahead[planned.cohort.key] = self._begin(planned, first, None)
                return

    def trainer(self, ready: Ready, orders: Iterable[Order], starts: Starts, snapshots: Sequence[int]) -> Trainer:
        """Lanes of a cohort on these devices."""
        workers = [LocalWorker(executables, snapshots) for executables in ready.compiled]

        def start_of(order: Order) -> Values | Lane:
            return begun(starts.start_of(order), ready.compiled[0], ready.feed.schedule)

        return Trainer(workers, orders, start_of, snapshots, starts.taken)

    def _begin(self, planned: CohortPlan, first: Order, narrowed: int | None) -> Future[Ready]:
        standing, is_narrowed = self._standing, narrowed is not None
        lanes, known = narrowed or standing.options.lanes, standing.folder.programs.get(planned.cohort.key)
        devices = self._pools, standing.devices.executor, lanes, known, is_narrowed, standing.devices.memory
        return self._thread.submit(prepare, standing.sweep, planned, first, *devices)
