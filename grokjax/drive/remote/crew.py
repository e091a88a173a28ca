"""Workers elsewhere, whatever engine runs them: who is there, who is on the way, who may not take part."""

import abc
import dataclasses
import time
from collections.abc import Callable, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, wait
from typing import Any

from grokjax.drive.remote.suspects import Suspects
from grokjax.store.provenance import differing, provenance

TICK = 0.2
BEGIN_SECONDS = 3600.0
"""A worker that has not compiled its cohort within this time is given up; nobody knows how long that takes."""
MOST_FAILURES = 5
"""Workers in a row that may fail to begin; more would fail as well."""


class WorkersError(RuntimeError):
    """No worker can train."""


class WorkerLostError(RuntimeError):
    """A worker does not answer any more."""


@dataclasses.dataclass(eq=False)
class Member:
    """One worker.

    Attributes:
      number: from 0, never given twice.
      call: method of `Host`, its arguments -> the future answer; asked of it one after another.
      asked: when it was asked for, by `time.monotonic`.
      facts: see `Host.facts`; empty before it has answered.
    """

    number: int
    call: Callable[..., Future]
    asked: float
    facts: dict[str, Any] = dataclasses.field(default_factory=dict)

    @property
    def name(self) -> str:
        """For messages."""
        return f"worker {self.number} (process {self.facts['pid']} on {self.facts['host']})"


class Pulse:
    """Whether a worker lives while it compiles, of which nobody knows how long it takes: it is asked repeatedly."""

    def __init__(self, member: Member):
        self._member = member
        self._ask()

    def is_lost(self, patience: float) -> bool:
        """Whether it has not answered for so many seconds, at least."""
        if time.monotonic() - self._asked <= patience:
            return False
        if self._answer.done():
            self._ask()
            return False
        return True

    def _ask(self) -> None:
        self._asked, self._answer = time.monotonic(), self._member.call("ping")


class Crew(abc.ABC):
    """Workers elsewhere.

    Attributes:
      members: those that take part.
      suspects: runs whose workers died.
      patience: seconds without an answer after which a worker is given up, at least; also one that has no place.
      on_the_way: those that have been asked for and have not answered, by the answer that is awaited.
    """

    def __init__(self, patience: float):
        self.members: list[Member] = []
        self.suspects = Suspects()
        self.patience = patience
        self.on_the_way: dict[Future, Member] = {}
        self._warn: Callable[[str, str], None] = lambda event, text: None
        own = provenance([])
        self._standard: Mapping[str, Any] = {name: own[name] for name in ("packages", "grokjax")}
        self._failures = 0
        self._is_waiting_told = False
        self._alone_since = time.monotonic()

    @abc.abstractmethod
    def recruit(self) -> None:
        """Ask for the workers that are missing."""

    @abc.abstractmethod
    def result(self, future: Future, timeout: float | None = None) -> Any:
        """An answer.

        Raises:
          WorkerLostError: it will not come, or not within `timeout` seconds.
          Exception: as it was raised by the worker.
        """

    @abc.abstractmethod
    def wanted(self) -> str:
        """What a worker needs and what is there, for messages."""

    @abc.abstractmethod
    def release(self, member: Member) -> None:
        """End a worker, whatever it does."""

    def tell_to(self, warn: Callable[[str, str], None]) -> None:
        """Who is told of workers that are lost or refused: (event, text)."""
        self._warn = warn

    def welcome(self, future: Future) -> Member | None:
        """A worker that was on the way has answered, or died; None where it does not take part.

        Raises:
          WorkersError: too many died before they trained.
        """
        member = self.on_the_way.pop(future)
        try:
            member.facts = self.result(future)
        except WorkerLostError as error:
            self.has_failed_to_begin(error)
            return None
        if others := differing(self._standard, member.facts["provenance"]):
            text = f"{member.name} is refused: " + "; ".join(
                f"{key}: {new}, not {old}" for key, (old, new) in others.items()
            )
            self.release(member)
            self._warn("worker_refused", text)
            if not self.members and not self.on_the_way:
                raise WorkersError(text)
            self._failures += 1  # else it would be asked for again and again
            return None
        self._standard = member.facts["provenance"]  # of the first one, also when it is gone: the others have its kind
        self.members.append(member)
        return member

    def first_member(self, check_stop: Callable[[], None]) -> Member:
        """Any worker that takes part, waited for.

        Raises:
          WorkersError: none comes.
          BaseException: what `check_stop` raises, which is called again and again.
        """
        while not self.members:
            check_stop()
            self.recruit()
            if not self.on_the_way:
                time.sleep(TICK)
            for future in wait(self.on_the_way, TICK, FIRST_COMPLETED).done:
                self.welcome(future)
            self.look_for_places(is_training=False)
        return self.members[0]

    def answering(self, check_stop: Callable[[], None]) -> Member:
        """A worker that takes part and answers now; one that was frozen while it rested does not.

        Raises:
          WorkersError: none comes.
          BaseException: what `check_stop` raises.
        """
        while True:
            self.first_member(check_stop)
            asked, pings = time.monotonic(), {member.call("ping"): member for member in self.members}
            while pings and time.monotonic() - asked < self.patience:
                check_stop()
                for future in wait(pings, TICK, FIRST_COMPLETED).done:
                    member = pings.pop(future)
                    try:
                        self.result(future)
                    except WorkerLostError as error:
                        self.dismiss(member, f"died while it rested ({error})")
                    else:
                        return member
            for member in pings.values():
                self.dismiss(member, f"has not answered for {self.patience:.0f} s")

    def has_failed_to_begin(self, error: Exception) -> None:
        """A worker died before it trained, or cannot train.

        Raises:
          WorkersError: too many did, and nobody is left.
        """
        self._failures += 1
        if self._failures >= MOST_FAILURES and not self.members:
            raise WorkersError(f"{self._failures} workers in a row did not begin to train: {error}")

    def has_begun(self) -> None:
        """A worker is ready to train."""
        self._failures = 0

    @property
    def may_recruit(self) -> bool:
        """Whether another worker may be asked for; after several in a row that did not begin only when none is left."""
        return self._failures < MOST_FAILURES or not (self.members or self.on_the_way)

    def dismiss(self, member: Member, why: str) -> None:
        """Give up a worker that took part."""
        self.members = [other for other in self.members if other is not member]
        self._alone_since = time.monotonic()
        self.release(member)
        self._warn("worker_lost", f"{member.name} {why}")

    def look_for_places(self, is_training: bool) -> None:
        """Say once that workers wait for a place.

        Raises:
          WorkersError: no worker trains, and none has got a place for long.
        """
        latest = time.monotonic() - self.patience
        late = [member for member in self.on_the_way.values() if member.asked < latest]
        if not late or (is_training and self._is_waiting_told) or (not self.members and self._alone_since > latest):
            return
        text = f"{len(late)} of the workers asked for have not come in {self.patience:.0f} s: {self.wanted()}"
        if not is_training and not self.members:
            raise WorkersError(text)
        self._is_waiting_told = True
        if self.says_who_waits():
            self._warn("workers_wait", text)

    def says_who_waits(self) -> bool:
        """Whether a worker without a place is worth a word; not where one always waits for machines that may join."""
        return True
