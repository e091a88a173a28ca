"""How do accuracy and loss go with the step in each group of runs, as a figure with bands over the runs?"""

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, NullFormatter, NullLocator, SymmetricalLogLocator

from grokjax.analysis.curves import Bands
from grokjax.report.cell_ticks import set_decades
from grokjax.report.curves import MEDIAN, Curves, dropouts, quantile_of
from grokjax.report.figure_file import check_format, save_figure, styled

MOST_PANELS = 4
"""More groups share one panel, a colour each."""
_COLOURS = {"train": "#d9822b", "test": "#2454a2"}
_OTHERS = ("#209a80", "#95371b", "#af83da", "#262626")
_DASHES = {"train": (0, (3, 1.5))}  # so that a greyscale print still tells train from test
_BANDS = ((0.05, 0.95, 0.13), (0.25, 0.75, 0.25))  # low, high, opacity
_PANEL = (2.6, 1.7)  # inches
_LEGEND = 2.0  # inches, beside panels that are shared
_TITLE_LETTER, _NAME_LETTER, _CAPTION_LETTER = 0.078, 0.055, 0.046  # inches
_DECADES = 100.0  # positive values further apart than this factor are drawn on a log scale, losses always
_LOSS = "The loss of classes is cross-entropy in the log1p form."
_CAPTION = "Median over runs; 25 to 75 % and 5 to 95 % of the runs."
_OVERLAY_CAPTION = "Median over runs; 25 to 75 % of the runs."


@styled
def draw_curves(
    groups: Sequence[Curves],
    title: str = "",
    path: str | Path | None = None,
    *,
    overlay: bool | None = None,
    notes: Sequence[str] = (),
) -> Figure:
    """Draw learning curves: medians over runs, bands of 25 to 75 % and of 5 to 95 % of the runs, on a log step axis.

    Args:
      groups: of `curves.group_curves`.
      title: above the figure.
      path: file to write, `.png`, `.svg` or `.pdf`; nothing is written without it.
      overlay: whether all groups share a panel, a colour each, instead of a panel each; by default when there are more
        than `MOST_PANELS`.
      notes: further sentences below the figure.

    Raises:
      ValueError: no group, or the suffix of `path` is none of a figure.
    """
    if not groups:
        raise ValueError("curves: no group of runs to draw")
    if path is not None:
        check_format(path)
    scales = {name: _scale(name, groups) for group in groups for name in group.panels}
    is_overlay = len(groups) > MOST_PANELS if overlay is None else overlay
    is_single = all(group.num_runs <= 1 for group in groups)
    caption = "" if is_single else _OVERLAY_CAPTION if is_overlay else _CAPTION
    losses = _LOSS if "loss" in scales and caption else ""
    lines = [*filter(None, [" ".join(filter(None, [caption, losses]))]), *notes]
    figure, panels = _canvas(scales, 1 if is_overlay else len(groups), title, lines, is_overlay)
    if is_overlay:
        _draw_overlay(figure, panels[:, 0], groups)
    else:
        for column, group in enumerate(groups):
            _draw_group(panels[:, column], group)
        names = _line_names(groups)
        handles = [Line2D([], [], color=_colour(name), linestyle=_dash(name), label=name) for name in names]
        if handles:
            panels[0, -1].legend(handles=handles, loc="best")
    panels[0, 0].set_xlim(0, _last_step(groups))
    for axes in panels.flat:
        if axes.get_yscale() == "log":
            set_decades(axes.yaxis, *axes.get_ylim())
    if path is not None:
        save_figure(figure, path)
    return figure


def wrapped(text: str, width: float, letter: float) -> list[str]:
    """Lines of a text in a room of `width` inches; a number stays beside its name."""
    kept = text.replace(" = ", "\u00a0=\u00a0")
    return [line.replace("\u00a0", " ") for line in textwrap.wrap(kept, max(8, int(width / letter)))]


def _last_step(groups: Sequence[Curves]) -> int:
    return max(
        [1, *(int(bands.steps[-1]) for group in groups for lines in group.panels.values() for bands in lines.values())]
    )


def _line_names(groups: Sequence[Curves]) -> list[str]:
    """Names of the lines that share a panel with others, or are of a group of examples: the rest is on the axis."""
    named = (name for group in groups for panel, lines in group.panels.items() for name in lines if name != panel)
    return list(dict.fromkeys(named))


def _scale(panel: str, groups: Sequence[Curves]) -> str:
    """The vertical scale: "share" for accuracies, "log" for losses and positive values over decades, else "linear"."""
    if panel == "accuracy":
        return "share"
    if panel in ("loss", "objective"):
        return "log"
    seen = [bands.values.ravel() for group in groups for bands in group.panels.get(panel, {}).values()]
    values = np.concatenate([*seen, np.zeros(0)])
    values = values[np.isfinite(values)]
    is_log = len(values) > 0 and values.min() > 0 and values.max() >= _DECADES * values.min()
    return "log" if is_log else "linear"


def _canvas(
    scales: Mapping[str, str], columns: int, title: str, lines: Sequence[str], is_overlay: bool
) -> tuple[Figure, np.ndarray]:
    """A figure and its panels [row, column] with shared axes, a row for each of `scales`, and sentences below them."""
    rows = len(scales)
    width = 4.0 + 2.2 if is_overlay else 0.5 + columns * _PANEL[0]
    titles = wrapped(title, width, _TITLE_LETTER)
    caption = [part for line in lines for part in wrapped(line, width, _CAPTION_LETTER)]
    foot = 0.06 + 0.1 * len(caption) if caption else 0.0
    height = 0.75 + 0.2 * len(titles) + rows * (_PANEL[1] + 0.3 * is_overlay) + foot
    figure = Figure(figsize=(width, height), layout="constrained")
    share = foot / height
    figure.get_layout_engine().set(rect=(0, share, 1, 1 - share))  # type: ignore[union-attr]
    figure.text(0.012, share, "\n".join(caption), fontsize=6.2, va="top", color="#444444", parse_math=False)
    panels = figure.subplots(rows, columns, sharex=True, sharey="row", squeeze=False)
    if titles:
        figure.suptitle("\n".join(titles), x=0.01, ha="left", fontsize=9, fontweight="bold", parse_math=False)
    for row, label in enumerate(scales):
        panels[row, 0].set_ylabel("\n".join(wrapped(label, _PANEL[1], _NAME_LETTER)), parse_math=False)
    for axes in panels.flat:
        axes.grid(color="#e4e4e4", linewidth=0.5)
        axes.set_axisbelow(True)
        axes.spines[["top", "right"]].set_visible(False)
    for row, scale in enumerate(scales.values()):
        for axes in panels[row]:
            if scale == "share":
                axes.set_ylim(-0.03, 1.03)
            else:
                axes.set_yscale(scale)
    for axes in panels[-1]:
        _set_steps(axes)
    return figure, panels


def _set_steps(axes: Axes) -> None:
    """A logarithmic axis that also holds step 0."""
    axes.set_xscale("symlog", linthresh=1, linscale=0.25)
    axes.set_xlabel("step (optimizer updates)")
    axes.xaxis.set_major_locator(SymmetricalLogLocator(base=10, linthresh=1))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda step, _: _step_text(step)))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())


def _step_text(step: float) -> str:
    return f"{step:,.0f}" if step < 1e5 else f"$10^{{{round(np.log10(step))}}}$"


def _draw_group(panels: np.ndarray, group: Curves) -> None:
    """One group in the panels of a column."""
    for axes, measured in zip(panels, group.panels.values(), strict=False):
        for name, bands in measured.items():
            _draw_bands(axes, bands, _colour(name), _dash(name), _BANDS if group.num_runs > 1 else ())
    runs = f"{group.num_runs:,} run{'s' if group.num_runs != 1 else ''}"
    lines = [*wrapped(group.title, _PANEL[0] - 0.5, _NAME_LETTER)]
    lines += wrapped(", ".join(filter(None, (runs, _dropouts(group)))), _PANEL[0] - 0.5, _NAME_LETTER)
    panels[0].set_title("\n".join(lines), loc="left", fontsize=7.5, parse_math=False)


def _draw_overlay(figure: Figure, panels: np.ndarray, groups: Sequence[Curves]) -> None:
    """All groups in one column: test, or the last line, full and with a band, everything else dashed and without."""
    colours = mpl.colormaps["viridis"](np.linspace(0.0, 0.92, len(groups)))
    handles = []
    for group, colour in zip(groups, colours, strict=True):
        for axes, measured in zip(panels, group.panels.values(), strict=False):
            for name, bands in measured.items():
                is_main = name == ("test" if "test" in measured else list(measured)[-1])
                _draw_bands(axes, bands, colour, "-" if is_main else _DASHES["train"], _BANDS[1:] if is_main else ())
        drop = _dropouts(group)
        label = f"{group.title or 'all'}: {group.num_runs:,} runs" + (f", {drop}" if drop else "")
        handles.append(Line2D([], [], color=colour, label="\n".join(wrapped(label, _LEGEND, _NAME_LETTER))))
    names = _line_names(groups)
    for name in names if len(names) > 1 else ():
        dash = "-" if name == "test" else _DASHES["train"]
        handles.append(Line2D([], [], color="#555555", linestyle=dash, label=name))
    figure.legend(handles=handles, loc="outside right upper", alignment="left")


def _draw_bands(axes: Axes, bands: Bands, colour: Any, dash: Any, shades: Sequence[tuple[float, float, float]]) -> None:
    for low, high, opacity in shades:
        ends = quantile_of(bands, low), quantile_of(bands, high)
        if ends[0] is not None and ends[1] is not None:
            shade = {"color": colour, "alpha": opacity, "linewidth": 0}
            axes.fill_between(bands.steps, _drawable(axes, ends[0]), _drawable(axes, ends[1]), **shade)
    middle = quantile_of(bands, MEDIAN)
    if middle is not None:
        axes.plot(bands.steps, _drawable(axes, middle), color=colour, linestyle=dash)


def _drawable(axes: Axes, values: np.ndarray) -> np.ndarray:
    """Values that are 0 or infinite have no place on a logarithmic axis."""
    if axes.get_yscale() != "log":
        return values
    return np.where((values > 0) & np.isfinite(values), values, np.nan)


def _dropouts(group: Curves) -> str:
    return dropouts(group.first) if group.first is not None else ""


def _colour(name: str) -> str:
    return _COLOURS.get(name, _OTHERS[sum(map(ord, name)) % len(_OTHERS)])


def _dash(name: str) -> Any:
    return _DASHES.get(name, "-")
