"""What is shown of numbers of the table: a measure over two axes, and two numbers of each run against each other."""

import re
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from grokjax.analysis.association import rank_correlation
from grokjax.analysis.boundary import boundary
from grokjax.analysis.cell_values import cell_values
from grokjax.analysis.censoring import event_values
from grokjax.analysis.columns import distinct, find, rows, seed_ids, series
from grokjax.analysis.falls import steepest_fall
from grokjax.report.pictures import choose_axes, partial_warning
from grokjax.report.scatter_figure import draw_scatter
from grokjax.report.value_figure import draw_values
from grokjax.report.wording import number_text, repeats_remark

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
    return f"{cells.value_name}: medians {span} over {int(cells.n.sum()):,} runs\nwritten: {out}\n"


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
    found = rank_correlation(left, right, seeds)
    interval = "" if np.isnan(found.low) else f" [{found.low:.2f}, {found.high:.2f}]"
    text = (
        f"Spearman's rank correlation of {names[0]} and {names[1]}: {found.estimate:.2f}{interval} "
        f"over {len(known):,} runs, {len(np.unique(seeds)):,} seeds"
    )
    unknown = int(np.count_nonzero(~is_known))
    notes = [f"{text}; the interval draws seeds anew."]
    notes += [f"{unknown:,} runs without a value are left out."] if unknown else []
    if out is not None:
        phases = series(known, "phase").tolist()
        draw_scatter(left, right, phases, names, name, out, partial_warning(results, runs), notes)
    left_out = f"; {unknown:,} runs without a value left out" if unknown else ""
    return f"{text}{left_out}\n" + (f"written: {out}\n" if out is not None else "")


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
