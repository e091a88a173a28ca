"""A number of the table along one axis, a line for each value of another, as a figure; never is shown, not left out."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from grokjax.analysis.value_lines import ValueLines
from grokjax.report.axis_names import paper_names
from grokjax.report.cell_axis import CellAxis, cell_axis
from grokjax.report.cell_figure import canvas
from grokjax.report.cell_ticks import label_room, set_scale, set_ticks
from grokjax.report.figure_file import check_format, save_figure, styled
from grokjax.report.wording import number_text

_SIZE = (4.2, 2.8)  # inches
_DECADES = 30.0  # positive numbers further apart than this factor are drawn on a log scale
_MARKS = "osD^vPX"
_SPREAD = 0.6  # share of a cell over which its lines stand beside each other
_TOP, _ABOVE = 1.03, 30  # where runs stand that have no place in the field, in its heights; their room in points


@styled
def draw_lines(
    lines: ValueLines, title: str = "", path: str | Path | None = None, warning: str = "", notes: Sequence[str] = ()
) -> Figure:
    """Draw medians with their intervals, joined, and every run as a point.

    Args:
      lines: of `analysis.value_lines.value_lines`.
      title: above the figure.
      path: file to write, `.png`, `.svg` or `.pdf`; nothing is written without it.
      warning: in a red box above the figure, such as PARTIAL.
      notes: further sentences below it.

    Raises:
      ValueError: the suffix of `path` is none of a figure.
    """
    if path is not None:
        check_format(path)
    x = cell_axis(lines.x)
    room = label_room(x, cell_axis(np.zeros(1)), _SIZE[0])
    figure, axes = canvas(_SIZE, room, title, warning, [*_remarks(lines), *notes])
    set_scale(axes, "x", x)
    set_ticks(axes, "x", x, _SIZE[0])
    finite = np.concatenate([part[np.isfinite(part)] for part in (lines.runs[:, 2], lines.low, lines.high)])
    is_log = len(finite) > 0 and finite.min() > 0 and finite.max() / finite.min() > _DECADES
    axes.set_yscale("log" if is_log else "linear")
    places, colours = _places(lines, x), mpl.colormaps["viridis"](np.linspace(0.0, 0.85, len(lines.by)))
    for number, colour in enumerate(colours):
        _draw_line(axes, lines, number, places[number], colour)
    axes.set_ylim(axes.get_ylim())
    for number, colour in enumerate(colours):
        _draw_never(axes, lines, number, places[number], colour)
    if title and (lines.never.any() or lines.unknown.any()):
        axes.set_title(title, loc="left", fontweight="bold", parse_math=False, pad=_ABOVE)
    axes.set_xlabel(paper_names((lines.x_name,))[lines.x_name], parse_math=False)
    axes.set_ylabel(lines.value_name, parse_math=False)
    axes.grid(axis="y", color="#e4e4e4", linewidth=0.5)
    if lines.by_name:
        _draw_legend(figure, lines, colours)
    if path is not None:
        save_figure(figure, path)
    return figure


def _places(lines: ValueLines, x: CellAxis) -> np.ndarray:
    """[by, x] where a line's point stands: lines with runs at one value of the axis beside each other."""
    has_runs = lines.n + lines.unknown > 0
    rank, count = has_runs.cumsum(axis=0) - 0.5, np.maximum(has_runs.sum(axis=0), 1)
    centres, edges = (np.log10(part) if x.scale == "log" else part for part in (x.centres, x.edges))
    room = _SPREAD * np.minimum(centres - edges[:-1], edges[1:] - centres)
    places = centres + room * (2 * rank / count - 1)
    return 10.0**places if x.scale == "log" else places


def _draw_line(axes: Axes, lines: ValueLines, number: int, places: np.ndarray, colour: np.ndarray) -> None:
    """Medians, joined where neighbours are finite, with whiskers; and runs."""
    median, low, high = (part[number] for part in (lines.median, lines.low, lines.high))
    own = lines.runs[(lines.runs[:, 0] == number) & np.isfinite(lines.runs[:, 2])]
    axes.scatter(places[own[:, 1].astype(int)], own[:, 2], s=5, color=colour, alpha=0.45, linewidth=0)
    has_runs = lines.n[number] + lines.unknown[number] > 0  # where a line has none it goes on
    drawn = np.where(np.isfinite(median), median, np.nan)[has_runs]
    axes.plot(places[has_runs], drawn, f"{_MARKS[number % len(_MARKS)]}-", color=colour, markersize=3.5)
    is_bounded = np.isfinite(low) & np.isfinite(high)
    axes.vlines(places[is_bounded], low[is_bounded], high[is_bounded], color=colour, linewidth=0.8)


def _draw_never(axes: Axes, lines: ValueLines, number: int, places: np.ndarray, colour: np.ndarray) -> None:
    """Whiskers without an upper end, and above the field how many runs have no place in it."""
    low, high, above = lines.low[number], lines.high[number], axes.get_xaxis_transform()
    is_open = np.isfinite(low) & np.isposinf(high)
    axes.vlines(places[is_open], low[is_open], axes.get_ylim()[1], color=colour, linewidth=0.8)
    for column in np.flatnonzero(lines.never[number] + lines.unknown[number]):
        never, unknown = int(lines.never[number, column]), int(lines.unknown[number, column])
        mark = {
            "marker": "^" if never else "x",
            "markerfacecolor": colour if np.isposinf(lines.median[number, column]) else "white",
        }
        at = (places[column], _TOP)
        axes.plot(*at, color=colour, markersize=4, linestyle="", transform=above, clip_on=False, **mark)
        axes.annotate(
            f"{never + unknown}/{int(lines.n[number, column]) + unknown}",
            at,
            (0, 4),
            xycoords=above,
            textcoords="offset points",
            fontsize=5,
            rotation=90,
            ha="center",
            va="bottom",
            color=colour,
        )


def _draw_legend(figure: Figure, lines: ValueLines, colours: np.ndarray) -> None:
    handles = [
        Line2D([], [], color=colour, marker=_MARKS[number % len(_MARKS)], markersize=3.5, label=number_text(value))
        for number, (value, colour) in enumerate(zip(lines.by.tolist(), colours, strict=True))
    ]
    title = paper_names((lines.by_name,))[lines.by_name]
    figure.legend(handles=handles, loc="outside right upper", title=title, alignment="left")


def _remarks(lines: ValueLines) -> list[str]:
    runs = lines.n[lines.n > 0]
    most = f"{runs.min():,}" if runs.min() == runs.max() else f"{runs.min():,} to {runs.max():,}"
    texts = [f"Medians of {lines.value_name} over {most} runs, small points are runs."]
    if np.isfinite(lines.low).any():
        ends = " One that leaves the field has no upper end." if np.isposinf(lines.high).any() else ""
        texts.append(f"Whiskers: 95 % intervals, seeds drawn anew.{ends}")
    if np.isnan(lines.low[lines.n > 0]).any():
        texts.append("No whisker where seeds are too few to say.")
    if lines.never.any():
        texts.append(
            "Triangles above the field: so many runs of all never got there; filled where the median is never."
        )
    if lines.unknown.any():
        texts.append("Crosses: runs without a value.")
    below = np.count_nonzero(np.isneginf(lines.runs[:, 2]))
    if below:
        texts.append(f"{below:,} runs came to the later event alone: their delay is below every number.")
    if lines.pooled:
        texts.append(f"Runs of a point also differ in {', '.join(lines.pooled)}.")
    if lines.left_out:
        texts.append(f"{lines.left_out:,} runs without a value of an axis are left out.")
    return texts
