"""What a user sees while a sweep is trained: a live view in a terminal, a plain line now and then elsewhere."""

import sys
import time
from collections import Counter
from collections.abc import Mapping
from types import MappingProxyType, TracebackType
from typing import Self, TextIO

from rich.console import Console
from rich.live import Live

from grokjax.analysis.phases import label
from grokjax.report.progress_text import progress_line, progress_view
from grokjax.spec.sweep import Sweep
from grokjax.store.dataset import assemble
from grokjax.store.progress import Progress
from grokjax.store.reading import looks_of
from grokjax.store.records import label_noise, pack_history

LINE_SECONDS = 10.0
"""Time between plain lines."""


class Watcher:
    """Shows progress on standard error. Phases are those of all runs that ended, in this start or before."""

    def __init__(
        self, title: str, sweep: Sweep, stream: TextIO | None = None, stored: Mapping[str, int] = MappingProxyType({})
    ):
        """Show progress of one sweep.

        Args:
          title: of the view: name and folder of the sweep.
          sweep: the one that is trained.
          stored: number of runs by phase that had ended before this start.
        """
        self._title, self._sweep = title, sweep
        self._stream = stream or sys.stderr
        self._phases: Counter[str] = Counter(stored)
        self._stage, self._shown, self._warned = "", 0.0, 0
        self._live: Live | None = None

    def __enter__(self) -> Self:
        if self._stream.isatty():
            self._live = Live(console=Console(file=self._stream), refresh_per_second=4, transient=False)
            self._live.start()
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._live is not None:
            self._live.stop()

    def show(self, progress: Progress) -> None:
        """Show where the sweep stands; a change of stage at once, otherwise not more often than is useful."""
        self._count(progress)
        if self._live is not None:
            self._live.update(progress_view(progress, self._phases, self._title))
            return
        for warning in progress.warnings[self._warned :]:
            self._stream.write(f"grokjax: warning: {warning}\n")
        self._warned = len(progress.warnings)
        now = time.monotonic()
        if progress.stage == self._stage and now - self._shown < LINE_SECONDS:
            return
        self._stage, self._shown = progress.stage, now
        self._stream.write(progress_line(progress, self._phases) + "\n")
        self._stream.flush()

    def _count(self, progress: Progress) -> None:
        """Phases of the runs that ended with the last segment."""
        if not progress.ended:
            return
        lanes = [ended.lane for ended in progress.ended]
        ids = [str(ended.run) for ended in progress.ended]
        noises = [label_noise(self._sweep.run(ended.run).task) for ended in progress.ended]
        packed = pack_history(ids, lanes, [{}] * len(lanes), self._sweep.steps, 0, noises)
        looks = looks_of(assemble([packed], {}), {"loss": self._sweep.base.loss.kind})
        self._phases.update(label(looks).phase.tolist())
