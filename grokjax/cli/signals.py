"""What a signal does: training ends after a save, everything else at once, since nothing of it needs saving."""

import os
import signal
import threading
import time
from typing import Any, Self

from grokjax.train.stop import Stop

SAME_SECONDS = 1.0
"""Within this time a second SIGINT is the same Ctrl-C."""
INTERRUPTED = 130
_NUMBERS = (
    signal.SIGTERM,
    signal.SIGINT,
    signal.SIGUSR1,
    signal.SIGUSR2,
    signal.SIGHUP,
    signal.SIGXCPU,  # what batch systems send ahead of their SIGKILL differs
)
_LEFT_AT_ONCE = ("opening", "compiling", "consolidating")


class Signals:
    """The first signal raises `Stop`; while lanes are trained it is only noted, and read after a segment.

    A later Ctrl-C ends the process at once. One Ctrl-C may arrive twice: from the terminal, and passed on by what
    started this process. Under `nohup` SIGHUP stays ignored.
    """

    def __init__(self) -> None:
        self.received: str | None = None
        self._stage = _LEFT_AT_ONCE[0]
        self._interrupted = 0.0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():  # Python allows no other to set handlers
            for number in _NUMBERS:
                if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
                    self._before[number] = signal.signal(number, self._receive)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def enter(self, stage: str) -> None:
        """The work has come to a stage; raises `Stop` if a signal came too late for the one before to read it."""
        self._stage = stage
        if self.received and stage in _LEFT_AT_ONCE:
            raise Stop(self.received)

    def _receive(self, number: int, _: Any) -> None:
        is_first = self.received is None
        if number == signal.SIGINT:
            now = time.monotonic()
            if self.received == "SIGINT" and now - self._interrupted > SAME_SECONDS:
                os._exit(INTERRUPTED)
            self._interrupted = self._interrupted or now
        self.received = signal.Signals(number).name
        if is_first and self._stage in _LEFT_AT_ONCE:
            raise Stop(self.received)
