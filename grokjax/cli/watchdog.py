"""Ends a sweep that no longer moves: a device that hangs would otherwise keep a machine for days, doing nothing."""

import faulthandler
import os
import statistics
import sys
import threading
import time
from collections import deque
from pathlib import Path
from types import TracebackType
from typing import Self

from grokjax.cli.main import STUCK
from grokjax.drive.progress import Progress
from grokjax.store.files import append_json_line
from grokjax.store.layout import Layout

LEAST_SECONDS = 300.0
"""No segment and no save is called stuck before this time, nor before ten times the median of those before."""
OTHER_SECONDS = 3600.0
"""The same for compilation, restoring and consolidation, of which nobody knows how long they take."""
_TIMES = 10
_TICK = 0.5


class Watchdog:
    """Ends the process with status 70 when the sweep has not moved for too long; stacks go to a file in its folder.

    Time is counted in ticks of its own thread, so a process that was stopped, or a machine that slept, is not stuck.
    """

    def __init__(self, root: Path):
        self._root = root
        self._intervals: deque[float] = deque([0.0], maxlen=100)
        self._still, self._saving, self._stage = 0.0, 0.0, ""
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._ended.set()

    def beat(self, progress: Progress) -> None:
        """The sweep has moved: called at every change of stage and after every segment."""
        if progress.stage == self._stage == "training":
            self._intervals.append(self._still)
        self._still, self._stage = 0.0, progress.stage
        self._saving = self._saving if progress.is_saving else 0.0

    def _watch(self) -> None:
        while not self._ended.is_set():
            began = time.monotonic()
            self._ended.wait(_TICK)
            tick = min(time.monotonic() - began, 2 * _TICK)
            self._still, self._saving = self._still + tick, self._saving + tick
            limit = self._limit()
            if self._still > limit or self._saving > max(limit, OTHER_SECONDS):
                self._end("no save has ended" if self._still <= limit else "nothing has moved", limit)

    def _limit(self) -> float:
        if self._stage != "training":
            return max(OTHER_SECONDS, LEAST_SECONDS)
        return max(LEAST_SECONDS, _TIMES * statistics.median(self._intervals))

    def _end(self, what: str, limit: float) -> None:
        stacks = self._root / f"stacks-{os.getpid()}.txt"
        reason = f"{what} for more than {limit:.0f} s while {self._stage or 'opening'}"
        try:
            with open(stacks, "w") as file:
                faulthandler.dump_traceback(file)
            append_json_line(
                Layout(self._root).events, {"event": "stuck", "time": round(time.time(), 3), "what": reason}
            )
        except OSError:  # the disk may be what hangs; the message must come all the same
            faulthandler.dump_traceback(sys.stderr)
        sys.stderr.write(f"grokjax: error: {reason}; stacks are in {stacks}. The same command resumes.\n")
        sys.stderr.flush()
        os._exit(STUCK)
