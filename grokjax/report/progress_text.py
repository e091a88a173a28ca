"""How far is a sweep: one line for logs, a live view for terminals, and the answer to `grokjax status`."""

import datetime
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.console import Group, RenderableType
from rich.style import Style
from rich.table import Table
from rich.text import Text

from grokjax.analysis.rules import PHASES
from grokjax.core.units import bytes_text
from grokjax.report.colours import PHASE_STYLES, phase_letters
from grokjax.report.terminal import busy_text, duration_text, facts, rendered

if TYPE_CHECKING:  # importing it imports JAX, which takes seconds
    from grokjax.drive.progress import Progress

_BAR = 60
_RUNNING, _QUEUED = "#7a7a7a", "#3a3a3a"


def progress_line(
    progress: "Progress", phases: Mapping[str, int] | None = None, now: datetime.datetime | None = None
) -> str:
    """Where a sweep stands, in one line without colours.

    Args:
      progress: as `Options.watch` gets it.
      phases: number of ended runs by phase, when known.
      now: time to begin the line with; the present when absent.
    """
    clock = (now or datetime.datetime.now()).strftime("%H:%M:%S")
    parts = [_runs_text(progress), phase_letters(dict(phases or {})), *_speed(progress)]
    return f"{clock} {_stage(progress)} · " + " · ".join(filter(None, parts))


def progress_view(progress: "Progress", phases: Mapping[str, int] | None = None, title: str = "") -> RenderableType:
    """What a terminal shows while a sweep runs; give it anew to `rich.live.Live.update` at every report."""
    head = Text(title, style="bold")
    head.append((" · " if title else "") + _stage(progress), style="not bold")
    counts = Text(_runs_text(progress))
    for name in PHASES:
        if phases and phases.get(name):
            style = PHASE_STYLES[name]
            counts.append("  ").append(f" {style.letter} ", Style(color=style.ink, bgcolor=style.colour))
            counts.append(f" {phases[name]:,}")
    lines = [head, _bar(progress, phases or {}), counts, Text(" · ".join(_speed(progress)), style="dim")]
    return Group(*(line for line in lines if line.plain))


def status_view(status: Mapping[str, Any], phases: Mapping[str, int] | None = None) -> Table:
    """What `grokjax status` shows, from the mapping that `--json` prints; keys that are missing are left out."""
    total, done = status["total"], status["done"]
    runs = f"{done:,} of {total:,} done, {status.get('running', 0):,} running, {status.get('queued', 0):,} queued"
    if status.get("diverged"):
        runs += f", {status['diverged']:,} diverged"
    stage = status.get("stage", "") + (f" ({status['reason']})" if status.get("reason") else "")
    texts = {
        "name": status.get("name", ""),
        "stage": stage,
        "runs": runs,
        "phases": _phases_text(phases or {}) + _rule_text(status.get("rule", "default")),
        "rate": _known(status.get("run_steps_per_second"), lambda rate: f"{rate:,.0f} run-steps/s"),
        "occupancy": _known(status.get("occupancy"), lambda share: f"{100 * share:.0f} %"),
        "left": _known(status.get("seconds_left"), lambda seconds: f"{duration_text(seconds)} at most"),
        "compiled": _known(status.get("compiled_programs"), lambda count: f"{count:,} since the last start"),
    }
    return facts((name, text) for name, text in texts.items() if text)


def status_text(status: Mapping[str, Any], phases: Mapping[str, int] | None = None) -> str:
    """`status_view` without colours."""
    return rendered(status_view(status, phases))


def _stage(progress: "Progress") -> str:
    if progress.stage in ("compiling", "training"):
        return f"{progress.stage} cohort {progress.cohort + 1}/{progress.cohorts}"
    return progress.stage + (f" ({progress.reason})" if progress.reason else "")


def _runs_text(progress: "Progress") -> str:
    parts = [f"{progress.done:,}/{progress.total:,} done"]
    if progress.running or progress.queued:
        parts += [f"{progress.running:,} running", f"{progress.queued:,} queued"]
    if progress.diverged:
        parts.append(f"{progress.diverged:,} diverged")
    return ", ".join(parts)


def _phases_text(phases: Mapping[str, int]) -> str:
    return ", ".join(f"{name.replace('_', ' ')} {phases[name]:,}" for name in PHASES if phases.get(name))


def _rule_text(title: str) -> str:
    """Said where the phases are not those of the default rule."""
    return "" if title == "default" else f" (rule {title})"


def _speed(progress: "Progress") -> list[str]:
    """Rate, occupancy and time left; before a cohort is trained what it will take, if that was timed."""
    if progress.forecast_seconds is not None:
        disk = f"{bytes_text(progress.disk_bytes)} on disk for the sweep"
        time = f"about {duration_text(progress.forecast_seconds)} at most for this cohort"
        return list(filter(None, [time, busy_text(progress.forecast_seconds, progress.cpu_share), disk]))
    if not progress.useful:
        return []
    parts = [f"{progress.run_steps_per_second:,.0f} run-steps/s", f"occupancy {100 * progress.occupancy:.0f} %"]
    left = progress.seconds_left
    return parts + ([f"ETA {duration_text(left)}"] if left is not None and progress.stage == "training" else [])


def _bar(progress: "Progress", phases: Mapping[str, int]) -> Text:
    """A bar of all runs: ended ones in the colours of their phases, then running, then waiting."""
    known = sum(phases.get(name, 0) for name in PHASES if name != "undecided")
    ended = [(PHASE_STYLES[name].colour, phases.get(name, 0)) for name in PHASES if name != "undecided"]
    ended.append((PHASE_STYLES["undecided"].colour, max(progress.done - known, 0)))
    parts = [(colour, "█", count) for colour, count in ended]
    queued = max(progress.total - progress.done - progress.running, 0)
    parts += [(_RUNNING, "▒", progress.running), (_QUEUED, "░", queued)]
    line, reached, drawn = Text(), 0, 0
    for colour, block, count in parts:
        reached += count
        until = min(_BAR, round(_BAR * reached / max(progress.total, 1)))
        line.append(block * (until - drawn), Style(color=colour))
        drawn = max(drawn, until)
    return line


def _known(value: Any, write: Any) -> str:
    return "" if value is None else write(value)
