"""The lanes of a cohort in workers elsewhere, which come, die and freeze while it is trained."""

import statistics
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Any, NamedTuple

import jax
import numpy as np

from grokjax.drive.remote.crew import BEGIN_SECONDS, Crew, Member, Pulse, WorkerLostError
from grokjax.drive.remote.host import Assignment
from grokjax.drive.remote.remote_worker import RemoteWorker
from grokjax.drive.starts import Starts
from grokjax.orders.order import Order
from grokjax.reader.errors import first_line
from grokjax.train.preflight import is_out_of_memory
from grokjax.train.program import Lane, Program
from grokjax.train.trainer import FIRST_STEPS, Segment, Trainer
from grokjax.train.worker import unstack

TICK = 0.2
STOP_SECONDS = 20.0
"""Once the sweep is to stop, a worker that has not answered for so long is not waited for: batch systems kill soon."""
_TIMES = 10  # of a usual segment, after which a worker is called frozen


class _Beginning(NamedTuple):
    """A worker that is to compile the cohort."""

    member: Member
    asked: float
    pulse: Pulse


class RemoteTrainer(Trainer):
    """A `Trainer` whose pools are workers elsewhere. A pool's number is never given again.

    A run lies in a lane of one worker only. When that worker is gone the run waits again, in front, and goes on from
    the last copy of its lane; what the worker may say later is not heard.
    """

    def __init__(
        self,
        crew: Crew,
        begun: Member,
        assignment: Assignment,
        program: Program,
        orders: Iterable[Order],
        starts: Starts,
        reason_to_stop: Callable[[], str],
        log: Callable[..., None],
        beat: Callable[[], None],
    ):
        """Lanes that hold no run.

        Args:
          begun: the worker that has compiled the cohort; the others begin now.
          assignment: what they are told.
          starts: of the runs of the cohort.
          program: that all of them train.
          reason_to_stop: asked while no segment ends; empty text to go on.
          log: of events.
          beat: called while workers are waited for: it is their lack that holds the sweep up, not this process.
        """
        self._kept: dict[str, Lane] = {}
        self._starts = starts
        super().__init__([], orders, self._begin_of, assignment.snapshots, starts.taken)
        self._crew, self._assignment, self._program = crew, assignment, program
        self._reason_to_stop, self._log, self._beat = reason_to_stop, log, beat
        self.workers: list[RemoteWorker] = []
        self._members: list[Member] = []
        self._beginning: dict[Future, _Beginning] = {}
        self._stopping_since = 0.0
        crew.suspects.begin_cohort()
        self._usual: deque[float] = deque(maxlen=100)
        self._add(begun)
        for member in crew.members:
            if member is not begun:
                self._begin(member)

    def refill(self, pool: int) -> None:
        worker = self.workers[pool]
        suspects = self._crew.suspects
        is_alone = any(order is not None and suspects.is_suspect(order) for order in worker.orders)
        if not is_alone and not self.queue and suspects.waiting and len(worker.free_lanes()) == len(worker.orders):
            self._fill(pool, 0, suspects.waiting.popleft())
            is_alone = True
        if is_alone:
            self._start(pool, is_queued=False)
        else:
            super().refill(pool)

    def rested(self) -> Iterator[int]:
        while self._under_way or (self.is_wanted() and not self._reason_to_stop()):
            self._beat()
            if self.is_wanted():
                self._crew.recruit()
            futures = [*self._under_way, *self._beginning, *self._crew.on_the_way]
            done = wait(futures, TICK, FIRST_COMPLETED).done if futures else set()
            if not futures:
                time.sleep(TICK)
            for future in sorted(done & self._under_way.keys(), key=self._under_way.__getitem__):
                pool = self._under_way.pop(future)
                if self._has_heard(pool, future):
                    yield pool
            self._take_in(done)
            self._give_up_frozen()
            self._crew.look_for_places(bool(self._under_way or self._beginning))

    def hand_over(self, pool: int) -> Segment:
        segment = super().hand_over(pool)
        for run in segment.ended:
            self._kept.pop(run.order.run_id, None)
            self._crew.suspects.acquit(run.order.run_id)
        return segment

    def copy(self, pool: int, at_once: bool = False) -> tuple[list[Order | None], Lane] | None:
        copied = super().copy(pool, at_once)
        if copied is None and at_once:
            self._lose(pool, "does not give its lanes")
        if copied is not None:
            orders, lanes = copied
            held = [(lane, order) for lane, order in enumerate(orders) if order is not None]
            own = {order.run_id: jax.tree.map(np.array, unstack(lanes, lane)) for lane, order in held}
            self._kept |= own  # arrays of their own: a view would keep the lanes beside it as well
        return copied

    def is_wanted(self) -> bool:
        return bool(self.queue or self._crew.suspects.waiting)

    def waiting(self) -> dict[str, Lane]:
        in_lanes = {order.run_id for worker in self.workers for order in worker.orders if order is not None}
        kept = {run_id: lane for run_id, lane in self._kept.items() if run_id not in in_lanes}
        return super().waiting() | kept

    def _begin_of(self, order: Order) -> Any:
        """Where its lane was when it was last copied; else where it is stored, or its beginning."""
        return self._kept.get(order.run_id) or self._starts.start_of(order)

    def _has_heard(self, pool: int, future: Future) -> bool:
        """Whether a worker has answered; it is given up otherwise."""
        try:
            self._reports[pool] = self.workers[pool].hear(self._crew.result(future))
        except WorkerLostError as error:
            self._lose(pool, f"died ({error})")
            return False
        except Exception as error:
            if is_out_of_memory(error):
                raise  # all of them get fewer lanes
            self._lose(pool, f"failed ({first_line(error)})")
            return False
        self._usual.append(self._reports[pool].seconds)
        return True

    def _take_in(self, done: set[Future]) -> None:
        """Workers that have come are told the cohort; those that have compiled it are given runs."""
        for future in done & self._crew.on_the_way.keys():
            member = self._crew.welcome(future)
            if member is not None:
                self._begin(member)
        for future in done & self._beginning.keys():
            member = self._beginning.pop(future).member
            try:
                self._crew.result(future)
            except WorkerLostError as error:
                self._crew.dismiss(member, f"died before it trained ({error})")
                self._crew.has_failed_to_begin(error)
            except Exception as error:  # of its own: the worker that began first has compiled the same
                self._crew.dismiss(member, f"cannot train: {first_line(error)}")
                self._crew.has_failed_to_begin(WorkerLostError(first_line(error)))
            else:
                self._add(member)
                if not self._reason_to_stop():
                    self.refill(len(self.workers) - 1)

    def _begin(self, member: Member) -> None:
        answer = member.call("begin", self._assignment)
        self._beginning[answer] = _Beginning(member, time.monotonic(), Pulse(member))

    def _add(self, member: Member) -> None:
        worker = RemoteWorker(self._program, member.call, lambda: self._lanes_of(member))
        self.workers.append(worker)
        self._members.append(member)
        self._pace.append(FIRST_STEPS)
        self._crew.has_begun()
        self._log("worker", pool=len(self.workers) - 1, **{name: member.facts[name] for name in ("host", "pid")})

    def _lanes_of(self, member: Member) -> Lane | None:
        try:
            return self._crew.result(member.call("lanes"), min(self._crew.patience, STOP_SECONDS))
        except WorkerLostError:
            return None

    def _give_up_frozen(self) -> None:
        usual = statistics.median(self._usual) if self._usual else 0.0
        now, limit = time.monotonic(), max(self._crew.patience, _TIMES * usual)
        if self._reason_to_stop():
            self._stopping_since = self._stopping_since or now
            limit = min(limit, max(STOP_SECONDS, _TIMES * usual))
        for future, pool in list(self._under_way.items()):
            began = self.workers[pool].began
            if began is not None and now - max(began, self._stopping_since) > limit:
                del self._under_way[future]
                self._lose(pool, f"has not answered for {limit:.0f} s")

        for future, beginning in list(self._beginning.items()):
            is_late = now - beginning.asked > BEGIN_SECONDS
            if is_late or beginning.pulse.is_lost(self._crew.patience):
                del self._beginning[future]
                self._crew.dismiss(beginning.member, f"has not begun to train within {now - beginning.asked:.0f} s")

    def _lose(self, pool: int, why: str) -> None:
        """Give up a worker; its runs wait again."""
        lost = self.workers[pool].give_up()
        self._crew.dismiss(self._members[pool], f"{why}; its {len(lost)} runs go back to the queue")
        failed = len(self._crew.suspects.failed)
        self.queue.put_back(self._crew.suspects.note(lost))
        for run_id in self._crew.suspects.failed[failed:]:
            self._log("failed", run_id=run_id)
        if not self._reason_to_stop():
            for idle, worker in enumerate(self.workers):
                if np.all(worker.is_free) and idle not in self._under_way.values():
                    self.refill(idle)
