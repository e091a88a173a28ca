"""What figures over the cells of two axes share: the canvas, the axes, borders of cells, and the boundary."""

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from grokjax.analysis.boundary import Boundary
from grokjax.analysis.cell_values import CellValues
from grokjax.analysis.diagram import PhaseDiagram
from grokjax.report.axis_names import paper_names
from grokjax.report.cell_axis import CellAxis
from grokjax.report.cell_ticks import set_scale, set_ticks
from grokjax.report.wording import axis_label, number_text

_CELL = 0.36  # inches, as far as the limits below allow
_WIDTHS, _HEIGHTS = (2.6, 5.6), (1.4, 4.6)
_CAPTION_LINE, _CAPTION_LETTER = 0.108, 0.051  # inches
_WARNING = "#b3261e"


def plot_size(columns: int, rows: int) -> tuple[float, float]:
    """Width and height of the field in inches."""
    width, height = np.clip(columns * _CELL, *_WIDTHS), np.clip(rows * _CELL, *_HEIGHTS)
    return float(width), float(height)


def canvas(
    size: tuple[float, float], labels: tuple[float, float], title: str, warning: str, lines: Sequence[str]
) -> tuple[Figure, Axes]:
    """A figure with room for the field, long labels, the legend at its right and the caption below."""
    width = size[0] + labels[0] + 2.3
    height = size[1] + labels[1] + 0.75 + 0.25 * bool(title) + 0.3 * bool(warning)
    kept = [line.replace(" %", "\u00a0%") for line in lines]  # a number and its unit stay on one line
    wrapped = [part for line in kept for part in textwrap.wrap(line, int(width / _CAPTION_LETTER))]
    caption = _CAPTION_LINE * len(wrapped) + 0.1
    figure = Figure(figsize=(width, height + caption), layout="constrained")
    share = caption / (height + caption)
    figure.get_layout_engine().set(rect=(0, share, 1, 1 - share), w_pad=0.06, h_pad=0.05)  # type: ignore[union-attr]
    figure.text(0.012, share, "\n".join(wrapped), fontsize=6.2, va="top", color="#444444", linespacing=1.25)
    axes = figure.add_subplot()
    if title:
        axes.set_title(title, loc="left", fontweight="bold", parse_math=False)
    if warning:
        box = {"boxstyle": "round,pad=0.3", "facecolor": _WARNING, "edgecolor": "none"}
        figure.suptitle(warning, x=0.02, ha="left", color="white", fontsize=8, fontweight="bold", bbox=box)
    return figure, axes


def set_axes(
    axes: Axes,
    diagram: PhaseDiagram | CellValues,
    cells: tuple[CellAxis, CellAxis],
    width: float,
    units: Mapping[str, str],
) -> None:
    """Scales, limits, ticks and labels."""
    x, y = cells
    names = paper_names((diagram.x_name, diagram.y_name))
    set_scale(axes, "x", x)
    set_ticks(axes, "x", x, width)
    axes.set_xlabel(axis_label(names[diagram.x_name], units.get(diagram.x_name, "")), parse_math=False)
    if diagram.y_name:
        set_scale(axes, "y", y)
        set_ticks(axes, "y", y)
        axes.set_ylabel(axis_label(names[diagram.y_name], units.get(diagram.y_name, "")), parse_math=False)
    else:
        axes.set_ylim(0, 1)
        axes.set_ylabel("share of runs")
    for side in axes.spines.values():
        side.set_color("#666666")


def draw_borders(axes: Axes, x: CellAxis, y: CellAxis | None, has_white: bool) -> None:
    """White lines between cells, so that strips inside a cell are not taken for cells; with a core on white fields."""
    lines = [("white", 1.4 if len(x) <= 30 else 0.4)] + [("#8a8a8a", 0.3)] * has_white
    for colour, thickness in lines:
        for edge in x.edges[1:-1]:
            axes.axvline(edge, color=colour, linewidth=thickness, zorder=2)
        for edge in y.edges[1:-1] if y is not None else ():
            axes.axhline(edge, color=colour, linewidth=thickness, zorder=2)


def corners(
    x: CellAxis,
    y: CellAxis,
    column: int,
    row: int,
    part: tuple[tuple[float, float], tuple[float, float]] = ((0.0, 1.0), (0.0, 1.0)),
    is_bar: bool = False,
) -> np.ndarray:
    """[corner, axis] of a part of a cell, counted from its lower left corner in shares of its sides."""
    left, right = (within(x, column, share) for share in part[0])
    bottom, top = part[1] if is_bar else (within(y, row, share) for share in part[1])
    return np.array([[left, bottom], [right, bottom], [right, top], [left, top]])


def within(axis: CellAxis, cell: int, share: float) -> float:
    """Position in a cell, as far from its lower edge on the drawn scale as `share` says."""
    low, high = axis.edges[cell], axis.edges[cell + 1]
    return float(low * (high / low) ** share if axis.scale == "log" else low + share * (high - low))


def draw_boundary(axes: Axes, diagram: PhaseDiagram | CellValues, boundary: Boundary, y: CellAxis) -> None:
    """Crossings that were measured, with their intervals cut off at the border of the diagram.

    Single edges are joined by a line, the two edges of a window or a gap are hollow and stand alone.
    """
    if (boundary.x_name, boundary.y_name) != (diagram.x_name, diagram.y_name):
        raise ValueError(f"boundary: is over {boundary.x_name} and {boundary.y_name}, the diagram is not")
    height_of = {value: float(centre) for value, centre in zip(diagram.y.tolist(), y.centres, strict=True)}
    heights = np.array([height_of.get(value, np.nan) if diagram.y_name else 0.5 for value in boundary.y.tolist()])
    single = boundary.at, boundary.low, boundary.high
    pairs = [
        tuple(ends[:, side] for ends in (boundary.edges, boundary.edges_low, boundary.edges_high)) for side in (0, 1)
    ]
    for (at, low, high), style, fill in [(single, "-o", "black"), *((pair, "o", "white") for pair in pairs)]:
        is_drawn = np.isfinite(at) & np.isfinite(heights)
        if not is_drawn.any():
            continue
        middle = at[is_drawn]
        low, high = (np.clip(end[is_drawn], *axes.get_xlim()) for end in (low, high))
        reach = np.maximum(np.nan_to_num(np.stack([middle - low, high - middle])), 0.0)  # one seed has no interval
        line = {"color": "black", "linewidth": 1.0, "markersize": 3.0, "capsize": 2.0, "elinewidth": 0.7}
        edge = "white" if fill == "black" else "black"
        axes.errorbar(
            middle, heights[is_drawn], xerr=reach, fmt=style, mfc=fill, markeredgecolor=edge, zorder=4, **line
        )


def boundary_remarks(boundary: Boundary | None) -> list[str]:
    """Rows in which there is not one edge."""
    if boundary is None:
        return []
    lines = []
    if np.isfinite(boundary.edges).any():
        lines.append("Hollow points: both edges of a window, inside which runs generalize, or of a gap.")
    for value, reason in zip(boundary.y.tolist(), boundary.reason.tolist(), strict=True):
        at = f" at {boundary.y_name} = {number_text(value)}" if boundary.y_name else ""
        lines += [f"No edge{at}: {reason}."] if reason else []
    return lines


def boundary_handle() -> Line2D:
    """The boundary in a legend."""
    return Line2D([], [], color="black", marker="o", markersize=3, linewidth=1, label="generalizes with chance 1/2")
