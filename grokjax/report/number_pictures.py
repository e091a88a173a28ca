"""What is shown of numbers of the table: over two axes, along one, and two numbers of each run against each other."""

import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from grokjax.analysis.association import rank_correlation
from grokjax.analysis.boundary import boundary
from grokjax.analysis.cell_values import cell_values
from grokjax.analysis.censoring import event_values
from grokjax.analysis.chance import fewest_seeds
from grokjax.analysis.columns import distinct, find, rows, seed_ids, series
from grokjax.analysis.falls import steepest_fall
from grokjax.analysis.value_lines import ValueLines, value_lines
from grokjax.report.line_figure import draw_lines
from grokjax.report.pictures import choose_axes, partial_warning
from grokjax.report.scatter_figure import draw_scatter
from grokjax.report.value_figure import draw_values
from grokjax.report.wording import number_text, repeats_remark

_LEVEL = 0.95  # of the interval

if TYPE_CHECKING:  # importing it is slow, and only the functions' arguments name it
    from grokjax.results.results import Results


def show_values(
    results: "Results", runs: pd.DataFrame, value: str, x: str | None, y: str | None, out: Path, name: str
) -> str:
    """A measure over two axes, with the boundary of generalization on it, as a figure; gives a sentence on it.

    Args:
      runs: of the results, with their phases; possibly a selection.
      value: a column of numbers.
      x, y: axes; None for the first and second axis of the sweep that are not seeds.

    Raises:
      ValueError: there is no such column, or it holds no numbers.
    """
    x, y = choose_axes(results.groups, runs, x, y)
    cells = cell_values(runs, value, x, y)
    has_numbers = np.issubdtype(cells.x.dtype, np.number)
    edge = boundary(runs, x, y) if has_numbers and len(cells.x) > 1 else None
    notes = [*filter(None, [repeats_remark(runs)])]
    draw_values(cells, name, out, boundary=edge, warning=partial_warning(results, runs), notes=notes)
    known = cells.median[np.isfinite(cells.median)]
    span = f"from {number_text(float(known.min()))} to {number_text(float(known.max()))}" if len(known) else "nowhere"
    partial = partial_warning(results, runs)
    text = f"{cells.value_name}: medians {span} over {int(cells.n.sum()):,} runs"
    return "\n".join([*filter(None, [partial]), text, f"written: {out}"]) + "\n"


def show_lines(
    results: "Results", runs: pd.DataFrame, value: str, x: str, by: str | None, out: Path | None, name: str
) -> str:
    """A number along an axis, a line for each value of another: a row of text a point, and a figure if `out` names one.

    Args:
      runs: of the results, with their phases; possibly a selection.
      value: a column of numbers.
      x, by: axes; None for a single line.

    Raises:
      ValueError: there is no such column, or it holds no numbers.
    """
    lines = value_lines(runs, value, x, by)
    warning = partial_warning(results, runs)
    if out is not None:
        draw_lines(lines, name, out, warning, [*filter(None, [repeats_remark(runs)])])
    texts = [warning] if warning else []
    for row, column in np.ndindex(lines.n.shape):
        if lines.n[row, column] + lines.unknown[row, column]:
            texts.append(_point_text(lines, row, column))
    pooled = [f"runs of a point also differ in {', '.join(lines.pooled)}"] if lines.pooled else []
    left_out = [f"{lines.left_out:,} runs without a value of an axis left out"] if lines.left_out else []
    return "\n".join([*texts, *pooled, *left_out, *([f"written: {out}"] if out is not None else [])]) + "\n"


def _point_text(lines: ValueLines, row: int, column: int) -> str:
    """`form = ticket, keep = 0.4: median 52 [12, never] over 10 runs, 2 never`."""
    by = f"{lines.by_name} = {number_text(lines.by[row])}, " if lines.by_name else ""
    n, never, unknown = (int(part[row, column]) for part in (lines.n, lines.never, lines.unknown))
    median, low, high = (
        "never" if np.isposinf(part[row, column]) else number_text(float(part[row, column]))
        for part in (lines.median, lines.low, lines.high)
    )
    interval = "" if np.isnan(lines.low[row, column]) else f" [{low}, {high}]"
    middle = f"median {median}{interval} over {n:,} runs" if n else "no value"
    counts = [f"{never:,} never"] * bool(never) + [f"{unknown:,} without a value"] * bool(unknown)
    return ", ".join([f"{by}{lines.x_name} = {number_text(lines.x[column])}: {lines.value_name} {middle}", *counts])


def show_scatter(results: "Results", runs: pd.DataFrame, x: str, y: str, out: Path | None, name: str) -> str:
    """Two numbers of each run against each other: their rank correlation in words, and a figure where `out` names one.

    Args:
      runs: of the results, with their phases; possibly a selection.
      x, y: columns of numbers, or `fall(MEASURE)`, the step at which a measure falls fastest.

    Raises:
      ValueError: there is no such column or measure, or it holds no numbers.
    """
    runs = distinct(runs)
    names, values = zip(*(_number_of(results, runs, word) for word in (x, y)), strict=True)
    is_known = ~np.isnan(values[0]) & ~np.isnan(values[1])
    if not is_known.any():
        raise ValueError(f"no run has a value of {names[0]} and of {names[1]}")
    left, right, known = values[0][is_known], values[1][is_known], rows(runs, is_known)
    seeds = seed_ids(known, but=results.spec["axes"])
    text = f"{_correlation_text(left, right, seeds, names)} over {len(known):,} runs, {len(np.unique(seeds)):,} seeds"
    unknown = int(np.count_nonzero(~is_known))
    axes = [
        path for path in results.spec["axes"] if not path.startswith("seeds.") and len(set(known[path].tolist())) > 1
    ]
    pooled = f"Pooled over {', '.join(axes)}: what these do to both numbers is in it." if axes else ""
    notes = [f"{text}; an interval draws seeds anew.", *filter(None, [pooled])]
    notes += [f"{unknown:,} runs without a value are left out."] if unknown else []
    notes += ["Triangles: never."] if np.isposinf([*left, *right]).any() else []
    if out is not None:
        phases = series(known, "phase").tolist()
        draw_scatter(left, right, phases, names, name, out, partial_warning(results, runs), notes)
    left_out = f"; {unknown:,} runs without a value left out" if unknown else ""
    lines = [f"{text}{left_out}", *filter(None, [pooled]), *([f"written: {out}"] if out is not None else [])]
    return "\n".join(lines) + "\n"


def _correlation_text(left: np.ndarray, right: np.ndarray, seeds: np.ndarray, names: Sequence[str]) -> str:
    """The rank correlation in words; with few seeds a bootstrap would be far too sure of it."""
    about = f"Spearman's rank correlation of {names[0]} and {names[1]}"
    known = rank_correlation(left, right, seeds)
    if np.isnan(known.estimate):
        return f"{about}: none, {names[0] if np.ptp(left) == 0 else names[1]} does not vary"
    if len(np.unique(seeds)) < fewest_seeds(_LEVEL):
        return f"{about}: {known.estimate:.2f} (no interval from fewer than {fewest_seeds(_LEVEL)} seeds)"
    return f"{about}: {known.estimate:.2f} [{known.low:.2f}, {known.high:.2f}]"


def _number_of(results: "Results", runs: pd.DataFrame, word: str) -> tuple[str, np.ndarray]:
    """Full name and [run] values of what may be an axis of a scatter plot."""
    fall = re.fullmatch(r"fall\((.+)\)", word)
    if fall is None:
        name = find(word, runs.columns)
        if not pd.api.types.is_numeric_dtype(runs[name]):
            raise ValueError(f"{name} holds no numbers")
        return name, event_values(runs, name).astype(np.float64)
    looks, values = results.measured(fall[1])
    place = {run_id: index for index, run_id in enumerate(results.runs["run_id"].tolist())}
    chosen = [place[run_id] for run_id in runs["run_id"].tolist()]
    return f"step of the steepest fall of {fall[1]}", steepest_fall(looks.steps[chosen], values[chosen])[:, 1]
