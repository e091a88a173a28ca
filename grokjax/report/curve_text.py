"""How do accuracies go with the step, in the terminal: the median over the runs of a group as a row of bars."""

from collections.abc import Sequence

import numpy as np

from grokjax.analysis.curves import Bands
from grokjax.report.curves import MEDIAN, Curves, dropouts, quantile_of
from grokjax.report.terminal import WIDTH

_BARS = "▁▂▃▄▅▆▇█"
_LONGEST = 80


def curve_text(groups: Sequence[Curves], width: int = WIDTH) -> str:
    """Median accuracies of each group over log-spaced steps, with the value at the last step at the end."""
    names = [name for one in groups for name in one.accuracy]
    margin = max((len(f"  {name} accuracy ") for name in names), default=0)
    room = max(10, min(_LONGEST, width - margin - len(" 1.000")))
    lines = []
    for one in groups:
        lasting = [found for found in one.accuracy.values() if found.n.any()]
        dropped = dropouts(lasting[0]) if lasting else "not looked at yet"
        runs = f"{one.num_runs:,} run{'s' if one.num_runs != 1 else ''}"
        lines.append(" · ".join(filter(None, (one.title, runs, dropped))))
        for name, found in one.accuracy.items():
            if found.n.any():
                lines.append(f"  {name} accuracy ".ljust(margin) + _row(found, room))
        if lasting:
            lines.append("  step ".ljust(margin) + _steps(int(lasting[0].steps[-1]), room))
    return "\n".join(lines)


def _row(found: Bands, room: int) -> str:
    """Bars of eight heights from 0 to 1; blank where no run is left."""
    values = quantile_of(found, MEDIAN)
    if values is None:
        raise ValueError("curves: the bands hold no median")
    last = int(found.steps[-1])
    steps = np.floor(np.expm1(np.linspace(0.0, np.log1p(last), room)) + 1e-6)
    at = values[np.maximum(np.searchsorted(found.steps, steps, side="right") - 1, 0)]
    known = np.isfinite(at)
    height = np.clip(np.floor(np.where(known, at, 0.0) * len(_BARS)), 0, len(_BARS) - 1).astype(int)
    bars = "".join(_BARS[place] if seen else " " for place, seen in zip(height.tolist(), known.tolist(), strict=True))
    return bars + (f" {values[-1]:.3f}" if np.isfinite(values[-1]) else "")


def _steps(last: int, room: int) -> str:
    """Powers of ten under the bars, as many as do not touch; the last step at the end."""
    line = "0"
    end = f"{last:,}"
    for power in range(1, 20):
        place = round((room - 1) * np.log1p(10**power) / np.log1p(last)) if last > 0 else room
        label = f"{10**power:,}"
        if len(line) + 1 <= place and place + len(label) + 1 <= room - len(end):
            line = line.ljust(place) + label
    return line.ljust(room - len(end)) + end if last > 0 else line
