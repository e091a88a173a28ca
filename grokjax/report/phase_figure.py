"""Which phase holds where, as a figure for a paper: every cell is divided by the share of its runs in each phase."""

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
from grokjax.report.cell_figure import (
    boundary_handle,
    boundary_remarks,
    canvas,
    corners,
    draw_borders,
    draw_boundary,
    plot_size,
    set_axes,
    within,
)
from grokjax.report.cell_ticks import label_room
from grokjax.report.colours import PHASE_STYLES
from grokjax.report.figure_file import check_format, save_figure, styled
from grokjax.report.point_figure import draw_points
from grokjax.report.points import is_scattered
from grokjax.report.wording import axis_label, banner, phase_counts, phase_name, remarks

_POINTS = (4.2, 3.2)  # inches, where cells are points
_LETTERED = 0.2  # inches; in smaller cells a letter would touch the border


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
    size = plot_size(len(x), len(y) if diagram.y_name else 4)
    lines = [*remarks(diagram, rule), *_drawing_remarks(diagram, x, y), *boundary_remarks(boundary), *notes]
    figure, axes = canvas(size, label_room(x, y, size[0]), title, banner(diagram, finished, total), lines)
    set_axes(axes, diagram, (x, y), size[0], units or {})
    _draw_cells(axes, diagram, x, y)
    is_roomy = min(size[0] / len(x), size[1] / len(y)) >= _LETTERED
    if letters and is_roomy and diagram.y_name and boundary is None:
        _draw_letters(axes, diagram, x, y)
    if boundary is not None:
        draw_boundary(axes, diagram, boundary, y)
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
    figure, axes = canvas(_POINTS, (0.06 * longest, 0.0), title, banner(diagram, *counted), lines)
    draw_points(axes, diagram, letters)
    names = paper_names((diagram.x_name, diagram.y_name))
    axes.set_xlabel(axis_label(names[diagram.x_name], units.get(diagram.x_name, "")), parse_math=False)
    if diagram.y_name:
        axes.set_ylabel(axis_label(names[diagram.y_name], units.get(diagram.y_name, "")), parse_math=False)
    _draw_legend(figure, diagram, rule, has_boundary=False, has_blanks=False)
    if path is not None:
        save_figure(figure, path)
    return figure


def _drawing_remarks(diagram: PhaseDiagram, x: CellAxis, y: CellAxis) -> list[str]:
    """How to read divided cells, and a warning for axes of numbers that are neither linear nor logarithmic."""
    divided = ["Cells of several colours are divided by the share of runs."] if np.any(diagram.entropy > 0) else []
    named = ((diagram.x_name, diagram.x, x), (diagram.y_name, diagram.y, y))
    uneven = [name for name, values, cells in named if cells.scale == "even" and np.issubdtype(values.dtype, np.number)]
    return divided + ([f"Not to scale: {', '.join(uneven)}."] if uneven else [])


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
    blank = [corners(x, y, int(cell) % len(x), int(cell) // len(x)) for cell in empty]
    crossed = {"facecolor": "white", "edgecolor": "#bbbbbb", "linewidth": 0, "hatch": "///", "zorder": 1}
    if blank:
        axes.add_collection(PolyCollection(blank, label="no run", **crossed))
    has_white = bool(blank) or "undecided" in diagram.phases
    draw_borders(axes, x, y if diagram.y_name else None, has_white)


def _hatch_colour(phase: str) -> str:
    """Half transparent, so that the field keeps its colour."""
    return PHASE_STYLES[phase].ink + "80"


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
                fields[phase].append(corners(x, y, column, row, part, is_bar=not diagram.y_name))
    return fields


def _draw_letters(axes: Axes, diagram: PhaseDiagram, x: CellAxis, y: CellAxis) -> None:
    for row, column in zip(*np.nonzero((diagram.n > 0) & (diagram.entropy == 0)), strict=True):
        style = PHASE_STYLES[str(diagram.dominant[row, column])]
        centre = (within(x, column, 0.5), within(y, row, 0.5))
        axes.text(*centre, style.letter, color=style.ink, fontsize=6, ha="center", va="center", alpha=0.75, zorder=3)


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
        handles.append(boundary_handle())
    legend = figure.legend(handles=handles, loc="outside right upper", title="phase, runs", alignment="left")
    legend.get_frame().set_linewidth(0)
