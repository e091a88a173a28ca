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
from grokjax.drive.progress import Progress
from grokjax.reader.plans import rule_to_plain
from grokjax.reader.sweep import Sweep
from grokjax.report.progress_text import progress_line, progress_view
from grokjax.results.dataset import assemble
from grokjax.results.reading import looks_of
from grokjax.store.records import pack_history

LINE_SECONDS = 10.0
"""Time between plain lines."""


class Watcher:
    """Shows progress on standard error. Phases are those of all runs that ended, in this start or before."""

    def __init__(
        self, title: str, sweep: Sweep, stream: TextIO | None = None, stored: Mapping[str, str] = MappingProxyType({})
    ):
        """Show progress of one sweep.

        Args:
          title: of the view: name and folder of the sweep.
          sweep: the one that is trained.
          stored: phases of runs that had ended before this start, by id.
        """
        self._title, self._sweep = title, sweep
        self._stream = stream or sys.stderr
        self._phase_of = dict(stored)
        self._stage, self._shown = "", 0.0
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
        self._label(progress)
        phases = Counter(self._phase_of.values())
        if self._live is not None:
            self._live.update(progress_view(progress, phases, self._title))
            return
        now = time.monotonic()
        if progress.stage == self._stage and now - self._shown < LINE_SECONDS:
            return
        self._stage, self._shown = progress.stage, now
        self._stream.write(progress_line(progress, phases) + "\n")
        self._stream.flush()

    def _label(self, progress: Progress) -> None:
        """Phases of the runs that ended with the last segment."""
        if not progress.ended:
            return
        ids, ended = list(progress.ended), list(progress.ended.values())
        noises = [float(ended_run.order.run.task.label_noise) for ended_run in ended]
        packed = pack_history(
            ids, [ended_run.lane for ended_run in ended], [{}] * len(ids), self._sweep.steps, 0, noises
        )
        looks = looks_of(assemble([packed], {}), {"loss": self._sweep.base.loss.kind})
        self._phase_of.update(zip(ids, label(looks, rule_to_plain(self._sweep.rule)).phase.tolist(), strict=True))
