"""Which ticks does an axis of cells get: its own values where they can be read, round numbers otherwise?"""

import math
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, MaxNLocator, NullFormatter, NullLocator

from grokjax.report.cell_axis import CellAxis
from grokjax.report.wording import number_text

MOST_VALUES = 12
"""More values of an axis are not written out each."""
_LETTER = 0.062  # inches, of a tick label
_MOST_ROWS = 40  # labels of a vertical axis that do not touch
_FLAT = 0.7  # decades; on a shorter axis 1, 2 and 5 times a power of ten may be a single tick
_PLAIN_DECADES = (-3, 4)  # 0.001 to 10000 are written out


def set_scale(axes: Axes, which: Literal["x", "y"], cells: CellAxis) -> None:
    """Scale and limits."""
    scale = "log" if cells.scale == "log" else "linear"
    limits = (float(cells.edges[0]), float(cells.edges[-1]))
    if which == "x":
        axes.set_xscale(scale)
        axes.set_xlim(limits)
    else:
        axes.set_yscale(scale)
        axes.set_ylim(limits)


def set_ticks(axes: Axes, which: Literal["x", "y"], cells: CellAxis, inches: float = 4.0) -> None:
    """Ticks at the values themselves when they are short and few, else at round numbers of the scale.

    Args:
      inches: length of the axis.
    """
    axis = axes.xaxis if which == "x" else axes.yaxis
    if cells.scale == "even" or _are_readable(cells):
        _set_values(axis, cells, inches if which == "x" else 0.0)
    elif cells.scale == "log":
        set_decades(axis, float(cells.edges[0]), float(cells.edges[-1]))
    else:
        axis.set_major_locator(MaxNLocator(7, steps=[1, 2, 2.5, 5, 10]))
        axis.set_major_formatter(FuncFormatter(lambda value, _: number_text(round(value, 12))))


def label_room(x: CellAxis, y: CellAxis, inches: float) -> tuple[float, float]:
    """Inches that long names need, at the left of the field and below it, beyond the room of numbers."""
    left, below = (max(0, max(map(len, axis.labels)) - 5) * _LETTER for axis in (y, x))
    if not _is_slanted(x, inches):
        return left, 0.0
    cell = inches / len(x)  # a slanted name reaches from the middle of its cell to the left
    ahead = [0.82 * _LETTER * len(name) - (index + 0.5) * cell - 0.5 for index, name in enumerate(x.labels)]
    return max(left, *ahead), below * 0.6


def _is_slanted(cells: CellAxis, inches: float) -> bool:
    longest = max(map(len, cells.labels))
    return cells.scale == "even" and longest > 6 and longest * _LETTER * len(cells) > inches


def _are_readable(cells: CellAxis) -> bool:
    """Whether there are few values, of at most two digits on a logarithmic axis: others hide that it is one."""
    digits = 2 if cells.scale == "log" else 3
    rounded = [float(f"{value:.{digits}g}") for value in cells.centres]
    return len(cells) <= MOST_VALUES and bool(np.allclose(rounded, cells.centres, rtol=1e-5))


def _set_values(axis: Axis, cells: CellAxis, inches: float) -> None:
    """The values; every second, third, ... where they would touch; slanted where names are long.

    Args:
      inches: length of a horizontal axis; 0 for a vertical one.
    """
    longest = max(map(len, cells.labels))
    is_slanted = bool(inches) and _is_slanted(cells, inches)
    room = 0.14 if is_slanted else (longest + 1) * _LETTER
    every = max(1, math.ceil(room * len(cells) / inches) if inches else math.ceil(len(cells) / _MOST_ROWS))
    axis.set_major_locator(FixedLocator(cells.centres[::every].tolist()))
    axis.set_minor_locator(NullLocator())
    text = dict(zip(cells.centres.tolist(), cells.labels, strict=True))
    axis.set_major_formatter(FuncFormatter(lambda value, _: text[min(text, key=lambda known: abs(known - value))]))
    if is_slanted:
        axis.set_tick_params(labelrotation=35)
        for label in axis.get_ticklabels():
            label.set(ha="right", rotation_mode="anchor")


def set_decades(axis: Axis, low: float, high: float) -> None:
    """Ticks of a logarithmic axis from `low` to `high`: powers of ten, and between them as many as make it readable."""
    ends = math.log10(low), math.log10(high)
    decades = math.floor(ends[1]) - math.ceil(ends[0]) + 1
    inner = (1.0,) if decades >= 3 else (1.0, 3.0) if decades == 2 else (1.0, 2.0, 5.0)
    is_plain = ends[0] >= _PLAIN_DECADES[0] - 1e-9 and ends[1] <= _PLAIN_DECADES[1] + 1
    if ends[1] - ends[0] < _FLAT:
        axis.set_major_locator(MaxNLocator(4, steps=[1, 2, 2.5, 5, 10]))
    else:
        axis.set_major_locator(LogLocator(10.0, subs=inner, numticks=12))
    axis.set_major_formatter(FuncFormatter(lambda value, _: number_text(value) if is_plain else _power(value)))
    axis.set_minor_locator(LogLocator(10.0, subs=tuple(np.arange(2.0, 10.0)), numticks=12))
    axis.set_minor_formatter(NullFormatter())


def _power(value: float) -> str:
    exponent = math.floor(math.log10(value) + 1e-9)
    factor = round(value / 10.0**exponent)
    return rf"$10^{{{exponent}}}$" if factor == 1 else rf"${factor}\cdot10^{{{exponent}}}$"
