"""How large is a measure where, as a figure: a colour a cell, with the boundary of generalization on it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.collections import PolyCollection
from matplotlib.colors import LogNorm, Normalize
from matplotlib.figure import Figure

from grokjax.analysis.boundary import Boundary
from grokjax.analysis.cell_values import CellValues
from grokjax.report.cell_axis import cell_axis
from grokjax.report.cell_figure import (
    boundary_remarks,
    canvas,
    corners,
    draw_borders,
    draw_boundary,
    plot_size,
    set_axes,
)
from grokjax.report.cell_ticks import label_room
from grokjax.report.figure_file import check_format, save_figure, styled

_DECADES = 30.0  # positive values further apart than this factor are coloured on a log scale
_COLOURS = "cividis"  # told apart by every kind of colour vision, and in grey


@styled
def draw_values(
    cells: CellValues,
    title: str = "",
    path: str | Path | None = None,
    *,
    boundary: Boundary | None = None,
    units: Mapping[str, str] | None = None,
    warning: str = "",
    notes: Sequence[str] = (),
) -> Figure:
    """Draw the medians of a measure over one or two axes.

    Args:
      cells: of `analysis.cell_values.cell_values`.
      title: above the figure.
      path: file to write, `.png`, `.svg` or `.pdf`; nothing is written without it.
      boundary: where the chance to generalize crosses 1/2, over the same axes; drawn with its intervals.
      units: of the axes, by dotted path.
      warning: in a red box above the figure, such as PARTIAL.
      notes: further sentences below it.

    Raises:
      ValueError: the suffix of `path` is none of a figure, or `boundary` is over other axes.
    """
    if path is not None:
        check_format(path)
    x, y = cell_axis(cells.x), cell_axis(cells.y)
    size = plot_size(len(x), len(y) if cells.y_name else 4)
    lines = [*_remarks(cells, boundary), *boundary_remarks(boundary), *notes]
    figure, axes = canvas(size, label_room(x, y, size[0]), title, warning, lines)
    set_axes(axes, cells, (x, y), size[0], units or {})
    if not cells.y_name:
        axes.set_ylabel("")
        axes.set_yticks([])
    places = [(int(row), int(column)) for row, column in zip(*np.nonzero(np.isfinite(cells.median)), strict=True)]
    values = np.array([cells.median[place] for place in places])
    fields = PolyCollection(
        [corners(x, y, column, row, is_bar=not cells.y_name) for row, column in places],
        array=values,
        cmap=_COLOURS,
        norm=_norm(values),
        linewidth=0,
        zorder=1,
    )
    axes.add_collection(fields)
    missing = [(int(row), int(column)) for row, column in zip(*np.nonzero(~np.isfinite(cells.median)), strict=True)]
    if missing:
        crossed = {"facecolor": "white", "edgecolor": "#bbbbbb", "linewidth": 0, "hatch": "///"}
        blank = [corners(x, y, column, row, is_bar=not cells.y_name) for row, column in missing]
        axes.add_collection(PolyCollection(blank, zorder=1, **crossed))
    draw_borders(axes, x, y if cells.y_name else None, has_white=bool(missing))
    if boundary is not None:
        draw_boundary(axes, cells, boundary, y)
    figure.colorbar(fields, ax=axes, label=cells.value_name, shrink=0.9)
    if path is not None:
        save_figure(figure, path)
    return figure


def _norm(values: np.ndarray) -> Normalize:
    low, high = (float(values.min()), float(values.max())) if len(values) else (0.0, 1.0)
    return LogNorm(low, high) if low > 0 and high / low > _DECADES else Normalize(low, high)


def _remarks(cells: CellValues, boundary: Boundary | None) -> list[str]:
    runs = cells.n[cells.n > 0]
    most = f"{runs.min():,}" if runs.min() == runs.max() else f"{runs.min():,} to {runs.max():,}"
    lines = [f"Median of {cells.value_name} over {most} runs a cell."]
    if boundary is not None and np.isfinite([*boundary.at, *boundary.edges.ravel()]).any():
        lines.append("Black: where runs generalize with chance 1/2, with its interval over seeds and grid.")
    if cells.pooled:
        lines.append(f"Runs of a cell also differ in {', '.join(cells.pooled)}.")
    if cells.left_out:
        lines.append(f"{cells.left_out:,} runs without a value are left out.")
    if np.isposinf(cells.median).any():
        lines.append("Where half of the runs never got there, no value is drawn.")
    if (cells.n == 0).any():
        lines.append("Hatched: no run.")
    return lines
