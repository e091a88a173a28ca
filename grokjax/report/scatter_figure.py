"""Do two numbers of a run go together, as a figure: a point a run, coloured by its phase."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from grokjax.report.cell_figure import canvas
from grokjax.report.colours import PHASE_STYLES
from grokjax.report.figure_file import check_format, save_figure, styled

_SIZE = (3.4, 2.8)  # inches
_DECADES = 30.0  # positive numbers further apart than this factor are drawn on a log scale


@styled
def draw_scatter(
    x: np.ndarray,
    y: np.ndarray,
    phases: Sequence[str],
    names: tuple[str, str],
    title: str = "",
    path: str | Path | None = None,
    warning: str = "",
    notes: Sequence[str] = (),
) -> Figure:
    """Draw one point a run.

    Args:
      x, y: [run]; +inf stands at the border, as a triangle.
      phases: [run] labels.
      names: of the two numbers.
      title: above the figure.
      path: file to write, `.png`, `.svg` or `.pdf`; nothing is written without it.
      warning: in a red box above the figure, such as PARTIAL.
      notes: sentences below it.

    Raises:
      ValueError: the suffix of `path` is none of a figure.
    """
    if path is not None:
        check_format(path)
    figure, axes = canvas(_SIZE, (0.3, 0.0), title, warning, list(notes))
    axes.set_xscale(_scale(x))
    axes.set_yscale(_scale(y))
    is_drawn = np.isfinite(x) & np.isfinite(y)
    for phase, style in PHASE_STYLES.items():
        own = is_drawn & (np.asarray(phases, object) == phase)
        if own.any():
            axes.scatter(x[own], y[own], s=14, color=style.colour, edgecolor="#444444", linewidth=0.4, label=phase)
    never_x, never_y = np.isposinf(x) & np.isfinite(y), np.isposinf(y) & np.isfinite(x)
    mark = {"s": 16, "facecolor": "white", "edgecolor": "#444444", "linewidth": 0.6, "clip_on": False}
    if never_x.any():
        axes.scatter(np.ones(never_x.sum()), y[never_x], marker=">", transform=axes.get_yaxis_transform(), **mark)
    if never_y.any():
        axes.scatter(x[never_y], np.ones(never_y.sum()), marker="^", transform=axes.get_xaxis_transform(), **mark)
    axes.set_xlabel(names[0], parse_math=False)
    axes.set_ylabel(names[1], parse_math=False)
    if is_drawn.any():
        figure.legend(loc="outside right upper", title="phase", alignment="left").get_frame().set_linewidth(0)
    if path is not None:
        save_figure(figure, path)
    return figure


def _scale(values: np.ndarray) -> str:
    known = values[np.isfinite(values)]
    is_wide = len(known) > 0 and known.min() > 0 and known.max() / known.min() > _DECADES
    return "log" if is_wide else "linear"
