"""Random draws in a figure: a point at the values of each draw, divided by the share of its runs in each phase."""

import numpy as np
from matplotlib.axes import Axes
from matplotlib.path import Path

from grokjax.analysis.diagram import PhaseDiagram
from grokjax.report.cell_ticks import set_decades
from grokjax.report.colours import PHASE_STYLES
from grokjax.report.points import PointAxis, point_axis

_AREA = 52.0  # square points
_MOST_LETTERS = 80  # more points would hide each other's letters
_CORNERS = 24  # of a whole circle


def draw_points(axes: Axes, diagram: PhaseDiagram, letters: bool) -> None:
    """Draw the points of a diagram over two axes, or over one in a lane for each phase; sets scales, limits and ticks.

    Args:
      axes: without anything in it.
      diagram: whose cells are points.
      letters: whether points of a single phase carry its letter, where there are few.
    """
    _set_axis(axes, "x", point_axis(diagram.x))
    if diagram.y_name:
        _set_axis(axes, "y", point_axis(diagram.y))
    else:
        axes.set_ylim(-0.5, len(diagram.phases) - 0.5)
        axes.set_yticks(range(len(diagram.phases)), [name.replace("_", " ") for name in diagram.phases])
    axes.grid(color="#e8e8e8", linewidth=0.5)
    axes.set_axisbelow(True)
    points = _points(diagram)
    for index, phase in enumerate(diagram.phases):
        whole = np.array([point[:2] for point in points if point[2][index] == 1.0]).reshape(-1, 2)
        style = PHASE_STYLES[phase]
        marker = {"s": _AREA, "facecolor": style.colour, "edgecolor": "#444444", "linewidth": 0.4, "zorder": 2}
        if len(whole):
            axes.scatter(whole[:, 0], whole[:, 1], marker="o", label=phase, **marker)
        for x, y, shares in points:
            if 0 < shares[index] < 1:
                start = float(shares[:index].sum())
                corners = _sector(start, start + float(shares[index]))
                size = _AREA * float(np.abs(corners).max()) ** 2  # Matplotlib scales a marker to its farthest corner
                axes.scatter([x], [y], marker=Path(corners), **{**marker, "s": size})
        for x, y in whole if letters and len(points) <= _MOST_LETTERS else ():
            axes.text(x, y, style.letter, color=style.ink, fontsize=5, ha="center", va="center", zorder=3)


def _points(diagram: PhaseDiagram) -> list[tuple[float, float, np.ndarray]]:
    """x, y and shares [phase] of each point; over one axis a point for each phase of a value, in its lane."""
    places = zip(*np.nonzero(diagram.n), strict=True)
    if diagram.y_name:
        return [
            (float(diagram.x[column]), float(diagram.y[row]), diagram.shares[row, column]) for row, column in places
        ]
    lanes = np.eye(len(diagram.phases))
    return [
        (float(diagram.x[column]), float(phase), lanes[phase])
        for row, column in places
        for phase in np.flatnonzero(diagram.counts[row, column]).tolist()
    ]


def _sector(start: float, end: float) -> np.ndarray:
    """[corner, 2] of the part of a unit circle between two shares of its turn, from the top clockwise."""
    turn = 2 * np.pi * np.linspace(start, end, max(3, round(_CORNERS * (end - start))))
    return np.concatenate([[[0.0, 0.0]], np.stack([np.sin(turn), np.cos(turn)], axis=1)])


def _set_axis(axes: Axes, which: str, along: PointAxis) -> None:
    axis = axes.xaxis if which == "x" else axes.yaxis
    (axes.set_xscale if which == "x" else axes.set_yscale)(along.scale)
    (axes.set_xlim if which == "x" else axes.set_ylim)(along.low, along.high)
    if along.scale == "log":
        set_decades(axis, along.low, along.high)
