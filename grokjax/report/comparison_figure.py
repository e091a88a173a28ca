"""A comparison of arms as a figure: updates to generalization of every run, and the tuning curve of every arm."""

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from grokjax.report.figure_file import styled

if TYPE_CHECKING:  # importing it imports JAX
    from grokjax.lab.arms import CaseReport, ComparisonReport

_WIDTH, _ROW = 3.6, 0.32
_BASE, _OTHER = "#7a7a7a", "#2454a2"


@styled
def comparison_figure(report: "ComparisonReport") -> Figure:
    """A row of two panels for each case: the arms on shared seeds, and how each was tuned.

    Left: a point for each run, hollow at the budget where it never generalized; square and whiskers are the restricted
    mean with its interval. Right: each setting of each arm, best marked.
    """
    arms = len(report.tuning_runs)
    height = len(report.cases) * (0.9 + _ROW * arms)
    figure = Figure(figsize=(2 * _WIDTH + 0.6, height + 0.5), layout="constrained")
    panels = figure.subplots(len(report.cases), 2, squeeze=False, sharey="row")
    for number, case in enumerate(report.cases):
        _draw_arms(panels[number, 0], report, case, number)
        _draw_tuning(panels[number, 1], report, case)
        name = ", ".join(f"{path} = {value}" for path, value in case.case.items())
        panels[number, 0].set_title(name or f"{report.seeds} shared seeds", loc="left")
        panels[number, 1].set_title("tuning: mean over seeds of each setting", loc="left")
    partial = "" if report.is_complete else "PARTIAL, "
    figure.suptitle(f"{report.name}: {partial}{arms} arms against {report.baseline}", fontsize=9)
    return figure


def _draw_arms(axes: Axes, report: "ComparisonReport", case: "CaseReport", number: int) -> None:
    names = list(case.tuned)
    runs = report.runs[(report.runs["stage"] == "comparing") & (report.runs["case"] == number)]
    results = {result.name: result for result in case.results}
    for row, name in enumerate(names):
        colour = _BASE if name == report.baseline else _OTHER
        steps = runs.loc[runs["arm"] == name, "steps"].dropna().to_numpy()
        came = np.isfinite(steps)
        axes.scatter(steps[came], np.full(came.sum(), row + 0.18), s=9, color=colour, alpha=0.6, linewidth=0)
        never = np.full(np.count_nonzero(~came), report.budget)
        axes.scatter(never, np.full(len(never), row + 0.18), s=11, facecolor="none", edgecolor=colour, linewidth=0.7)
        if name in results:
            mean = results[name].mean
            axes.errorbar(
                [mean.estimate],
                [row - 0.12],
                xerr=[[mean.estimate - mean.low], [mean.high - mean.estimate]],
                fmt="s",
                color=colour,
                markersize=3.5,
                capsize=2,
            )
    _finish(axes, names, report.budget)


def _draw_tuning(axes: Axes, report: "ComparisonReport", case: "CaseReport") -> None:
    for row, (name, arm) in enumerate(case.tuned.items()):
        colour = _BASE if name == report.baseline else _OTHER
        means = arm.curve["mean"].to_numpy()
        axes.scatter(means, np.full(len(means), row), s=9, color=colour, alpha=0.5, linewidth=0)
        axes.scatter([means.min()], [row], marker="|", s=60, color=colour)
    _finish(axes, list(case.tuned), report.budget)


def _finish(axes: Axes, names: list[str], budget: int) -> None:
    axes.set_xscale("log")
    axes.axvline(budget, color="#bbbbbb", linewidth=0.6, linestyle=":")
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlabel("updates to 99 % of the test set (dotted: budget)")
    axes.grid(axis="x", color="#e8e8e8", linewidth=0.5)
    axes.set_axisbelow(True)
