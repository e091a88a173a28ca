"""Which phase holds where, as a figure for a paper: every cell is divided by the share of its runs in each phase."""

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from grokjax.analysis.boundary import Boundary
from grokjax.analysis.diagram import PhaseDiagram
from grokjax.analysis.rules import Rule
from grokjax.report.axis_names import paper_names
from grokjax.report.cell_axis import CellAxis, cell_axis
from grokjax.report.cell_ticks import label_room, set_scale, set_ticks
from grokjax.report.colours import PHASE_STYLES
from grokjax.report.figure_file import check_format, save_figure, styled
from grokjax.report.point_figure import draw_points
from grokjax.report.points import is_scattered
from grokjax.report.wording import axis_label, banner, number_text, phase_counts, phase_name, remarks

_CELL = 0.36  # inches, as far as the limits below allow
_WIDTHS, _HEIGHTS = (2.6, 5.6), (1.4, 4.6)
_POINTS = (4.2, 3.2)  # inches, where cells are points
_LETTERED = 0.2  # inches; in smaller cells a letter would touch the border
_CAPTION_LINE, _CAPTION_LETTER = 0.108, 0.051  # inches
_WARNING = "#b3261e"


@styled
def draw_phases(
    diagram: PhaseDiagram,
    title: str = "",
    path: str | Path | None = None,
    *,
    rule: str | Rule = "default",
    finished: int | None = None,
    total: int | None = None,
    units: Mapping[str, str] | None = None,
    notes: Sequence[str] = (),
    boundary: Boundary | None = None,
    letters: bool = True,
) -> Figure:
    """Draw a phase diagram over one or two axes.

    Args:
      diagram: of `analysis.diagram.phase_diagram`.
      title: above the diagram, for example the name of the sweep.
      path: file to write, `.png`, `.svg` or `.pdf`; nothing is written without it.
      rule: that gave the phases; named below the diagram.
      finished, total: runs that ended, of all runs of the sweep; says PARTIAL when they differ.
      units: of the axes, by dotted path.
      notes: further sentences below the diagram.
      boundary: where the chance to generalize crosses 1/2, over the same axes; drawn with its intervals.
      letters: whether large cells in which all runs agree carry the letter of their phase.

    Raises:
      ValueError: the suffix of `path` is none of a figure, or `boundary` is over other axes.
    """
    if path is not None:
        check_format(path)
    if is_scattered(diagram) and boundary is None:
        return _draw_scattered(diagram, title, path, rule, (finished, total), units or {}, notes, letters)
    x, y = cell_axis(diagram.x), cell_axis(diagram.y)
    size = _plot_size(len(x), len(y) if diagram.y_name else 4)
    lines = [*remarks(diagram, rule), *_drawing_remarks(diagram, x, y), *_boundary_remarks(boundary), *notes]
    figure, axes = _canvas(size, label_room(x, y, size[0]), title, banner(diagram, finished, total), lines)
    _set_axes(axes, diagram, (x, y), size[0], units or {})
    _draw_cells(axes, diagram, x, y)
    is_roomy = min(size[0] / len(x), size[1] / len(y)) >= _LETTERED
    if letters and is_roomy and diagram.y_name and boundary is None:
        _draw_letters(axes, diagram, x, y)
    if boundary is not None:
        _draw_boundary(axes, diagram, boundary, y)
    _draw_legend(figure, diagram, rule, has_boundary=boundary is not None)
    if path is not None:
        save_figure(figure, path)
    return figure


def _draw_scattered(
    diagram: PhaseDiagram,
    title: str,
    path: str | Path | None,
    rule: str | Rule,
    counted: tuple[int | None, int | None],
    units: Mapping[str, str],
    notes: Sequence[str],
    letters: bool,
) -> Figure:
    """The same of cells that fill no lattice; see `draw_phases`."""
    divided = " Points of several colours are divided by the share of runs." if np.any(diagram.entropy > 0) else ""
    lines = [*remarks(diagram, rule), f"Every point is one draw, at its values.{divided}", *notes]
    longest = max(map(len, diagram.phases)) if not diagram.y_name else 0
    figure, axes = _canvas(_POINTS, (0.06 * longest, 0.0), title, banner(diagram, *counted), lines)
    draw_points(axes, diagram, letters)
    names = paper_names((diagram.x_name, diagram.y_name))
    axes.set_xlabel(axis_label(names[diagram.x_name], units.get(diagram.x_name, "")), parse_math=False)
    if diagram.y_name:
        axes.set_ylabel(axis_label(names[diagram.y_name], units.get(diagram.y_name, "")), parse_math=False)
    _draw_legend(figure, diagram, rule, has_boundary=False, has_blanks=False)
    if path is not None:
        save_figure(figure, path)
    return figure


def _plot_size(columns: int, rows: int) -> tuple[float, float]:
    """Width and height of the field in inches."""
    width, height = np.clip(columns * _CELL, *_WIDTHS), np.clip(rows * _CELL, *_HEIGHTS)
    return float(width), float(height)


def _canvas(
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


def _drawing_remarks(diagram: PhaseDiagram, x: CellAxis, y: CellAxis) -> list[str]:
    """How to read divided cells, and a warning for axes of numbers that are neither linear nor logarithmic."""
    divided = ["Cells of several colours are divided by the share of runs."] if np.any(diagram.entropy > 0) else []
    named = ((diagram.x_name, diagram.x, x), (diagram.y_name, diagram.y, y))
    uneven = [name for name, values, cells in named if cells.scale == "even" and np.issubdtype(values.dtype, np.number)]
    return divided + ([f"Not to scale: {', '.join(uneven)}."] if uneven else [])


def _set_axes(
    axes: Axes, diagram: PhaseDiagram, cells: tuple[CellAxis, CellAxis], width: float, units: Mapping[str, str]
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


def _draw_cells(axes: Axes, diagram: PhaseDiagram, x: CellAxis, y: CellAxis) -> None:
    """One collection a phase, labelled with its name; the strips of a cell stand in the order of the legend."""
    fields = cell_fields(diagram, x, y)
    for phase in diagram.phases:
        style = PHASE_STYLES[phase]
        axes.add_collection(
            PolyCollection(
                fields[phase],
                label=phase,
                facecolor=style.colour,
                edgecolor=_hatch_colour(phase),
                hatch=style.hatch or None,
                linewidth=0,
                zorder=1,
            )
        )
    empty = np.flatnonzero(diagram.n.ravel() == 0)
    blank = [_corners(x, y, int(cell) % len(x), int(cell) // len(x)) for cell in empty]
    crossed = {"facecolor": "white", "edgecolor": "#bbbbbb", "linewidth": 0, "hatch": "///", "zorder": 1}
    if blank:
        axes.add_collection(PolyCollection(blank, label="no run", **crossed))
    has_white = bool(blank) or "undecided" in diagram.phases
    _draw_borders(axes, x, y if diagram.y_name else None, has_white)


def _hatch_colour(phase: str) -> str:
    """Half transparent, so that the field keeps its colour."""
    return PHASE_STYLES[phase].ink + "80"


def _draw_borders(axes: Axes, x: CellAxis, y: CellAxis | None, has_white: bool) -> None:
    """White lines between cells, so that strips inside a cell are not taken for cells; with a core on white fields."""
    lines = [("white", 1.4 if len(x) <= 30 else 0.4)] + [("#8a8a8a", 0.3)] * has_white
    for colour, thickness in lines:
        for edge in x.edges[1:-1]:
            axes.axvline(edge, color=colour, linewidth=thickness, zorder=2)
        for edge in y.edges[1:-1] if y is not None else ():
            axes.axhline(edge, color=colour, linewidth=thickness, zorder=2)


def cell_fields(diagram: PhaseDiagram, x: CellAxis, y: CellAxis) -> dict[str, list[np.ndarray]]:
    """By phase the rectangles [corner, axis] of its shares, in the units of the axes.

    A cell over two axes is divided from left to right, a bar over one axis from bottom to top.
    """
    fields: dict[str, list[np.ndarray]] = {phase: [] for phase in diagram.phases}
    for row, column in zip(*np.nonzero(diagram.n), strict=True):
        reached = np.concatenate([[0.0], np.cumsum(diagram.counts[row, column]) / diagram.n[row, column]])
        for index, phase in enumerate(diagram.phases):
            start, end = reached[index], reached[index + 1]
            if end > start:
                part = ((start, end), (0.0, 1.0)) if diagram.y_name else ((0.0, 1.0), (start, end))
                fields[phase].append(_corners(x, y, column, row, part, is_bar=not diagram.y_name))
    return fields


def _corners(
    x: CellAxis,
    y: CellAxis,
    column: int,
    row: int,
    part: tuple[tuple[float, float], tuple[float, float]] = ((0.0, 1.0), (0.0, 1.0)),
    is_bar: bool = False,
) -> np.ndarray:
    """[corner, axis] of a part of a cell, counted from its lower left corner in shares of its sides."""
    left, right = (_within(x, column, share) for share in part[0])
    bottom, top = part[1] if is_bar else (_within(y, row, share) for share in part[1])
    return np.array([[left, bottom], [right, bottom], [right, top], [left, top]])


def _within(axis: CellAxis, cell: int, share: float) -> float:
    """Position in a cell, as far from its lower edge on the drawn scale as `share` says."""
    low, high = axis.edges[cell], axis.edges[cell + 1]
    return float(low * (high / low) ** share if axis.scale == "log" else low + share * (high - low))


def _draw_letters(axes: Axes, diagram: PhaseDiagram, x: CellAxis, y: CellAxis) -> None:
    for row, column in zip(*np.nonzero((diagram.n > 0) & (diagram.entropy == 0)), strict=True):
        style = PHASE_STYLES[str(diagram.dominant[row, column])]
        centre = (_within(x, column, 0.5), _within(y, row, 0.5))
        axes.text(*centre, style.letter, color=style.ink, fontsize=6, ha="center", va="center", alpha=0.75, zorder=3)


def _draw_boundary(axes: Axes, diagram: PhaseDiagram, boundary: Boundary, y: CellAxis) -> None:
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


def _boundary_remarks(boundary: Boundary | None) -> list[str]:
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


def _draw_legend(
    figure: Figure, diagram: PhaseDiagram, rule: str | Rule, has_boundary: bool, has_blanks: bool = True
) -> None:
    counts, runs = phase_counts(diagram), int(diagram.n.sum())
    handles: list[Patch | Line2D] = []
    for phase in diagram.phases:
        style = PHASE_STYLES[phase]
        text = f"{style.letter}  {phase_name(phase, rule)}  {counts[phase]:,} ({100 * counts[phase] / runs:.0f} %)"
        edge = _hatch_colour(phase) if style.hatch else "#555555"
        patch = Patch(facecolor=style.colour, edgecolor=edge, hatch=style.hatch or None, linewidth=0.4, label=text)
        handles.append(patch)
    if has_blanks and np.any(diagram.n == 0):
        handles.append(Patch(facecolor="white", edgecolor="#bbbbbb", hatch="///", linewidth=0.4, label="no run"))
    if has_boundary:
        handles.append(_boundary_handle())
    legend = figure.legend(handles=handles, loc="outside right upper", title="phase, runs", alignment="left")
    legend.get_frame().set_linewidth(0)


def _boundary_handle() -> Line2D:
    return Line2D([], [], color="black", marker="o", markersize=3, linewidth=1, label="generalizes with chance 1/2")
