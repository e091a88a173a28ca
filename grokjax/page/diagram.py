"""The cells of a diagram over any two columns: phases with their intervals, or the median of any measure."""

import math
from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pandas as pd

from grokjax.analysis.cell_values import cell_values
from grokjax.analysis.columns import find
from grokjax.analysis.diagram import PhaseDiagram, phase_diagram
from grokjax.analysis.rules import RULES
from grokjax.page.chosen import chosen_runs, num_values, plain
from grokjax.report.pictures import choose_axes, notes_on, partial_warning
from grokjax.report.points import is_scattered, point_axis
from grokjax.report.wording import banner, number_text, remarks
from grokjax.results.grid import axis_groups
from grokjax.results.growing import Snapshot
from grokjax.results.reading import rule_of

if TYPE_CHECKING:
    from grokjax.results.results import Results

MOST_CELLS = 40_000
Medians = dict[tuple[Any, Any], tuple[float | str | None, int]]
_UNREACHED = {math.inf: "never", -math.inf: "no fit"}
_MOST_EVENTS = ("steps_to_generalized", "steps_to_fit", "log10_delay")


def diagram_json(snapshot: Snapshot, where: str, x: str, y: str, colour: str) -> dict[str, Any]:
    """The diagram of the chosen runs.

    Args:
      x, y: columns, in short where that is clear; empty for the first and second axis of the sweep.
      colour: a column of numbers; empty for phases.

    Raises:
      ValueError: there is no such column, or nothing to draw.
    """
    offered = {
        "axes": axis_names(snapshot),
        "colours": colour_names(snapshot),
        "measures": sorted(snapshot.measures),
        "rules": list(RULES),
        "phases": phase_counts(snapshot),
    }
    if snapshot.has_arms:
        return offered
    runs = chosen_runs(snapshot, where)
    if not len(runs):
        return {"note": "No run yet." if not len(snapshot.runs) else "The filter leaves no run.", **offered}
    typed = [find(name, runs.columns) if name else None for name in (x, y)]
    try:
        names = [name for name in choose_axes(axis_groups(snapshot.spec), runs, *typed) if name]
    except ValueError as error:
        return {"note": str(error), **offered}
    if math.prod(num_values(runs, name) for name in names) > MOST_CELLS:
        raise ValueError(f"{' and '.join(names)} have too many values for one diagram; choose others, or a filter")
    diagram, rule = phase_diagram(runs, names[0], names[1] if len(names) > 1 else None), rule_of(dict(snapshot.spec))
    results = cast("Results", snapshot)  # it has what the sentences are made from
    medians, said = {}, [*remarks(diagram, rule), *notes_on(results, runs, rule)]
    if colour := find(colour, offered["colours"]) if colour else "":
        ended = runs.loc[(runs["status"] != "running").to_numpy(bool)]
        if len(ended) < len(runs):
            said.insert(0, f"{len(runs) - len(ended):,} runs that are still trained are in no median.")
        try:
            medians = _medians(ended, names, colour)
        except ValueError as error:  # no run has a value yet
            said.insert(0, f"No colour: {error}.")
    return {
        **offered,
        "x": _axis(diagram.x_name, diagram.x),
        "y": _axis(diagram.y_name, diagram.y) if diagram.y_name else None,
        "colour": colour,
        "cells": list(_cells(diagram, medians)),
        "is_scattered": bool(diagram.y_name) and is_scattered(diagram),
        "warning": partial_warning(results, runs) or banner(diagram),
        "remarks": said,
    }


def phase_counts(snapshot: Snapshot) -> dict[str, int]:
    """Runs of each phase; one that repeats another of its cell is no further run."""
    runs = snapshot.runs
    return dict(Counter(map(str, runs.loc[~runs["is_repeat"].to_numpy(bool), "phase"].tolist())))


def axis_names(snapshot: Snapshot) -> list[str]:
    """What a diagram may be drawn over: axes first, then every other setting or seed in which the runs differ."""
    others = [str(name) for name in snapshot.runs if "." in str(name) and "/" not in str(name)]
    varying = [name for name in others if num_values(snapshot.runs, name) > 1]
    return list(dict.fromkeys([*snapshot.spec["axes"], *varying]))


def colour_names(snapshot: Snapshot) -> list[str]:
    """The columns of numbers that are no settings: events first, then the last value of each measure."""
    runs = snapshot.runs
    named = [str(name) for name in runs if "/" in str(name) or str(name) in ("final_step", "post_peak_drop")]
    named += [str(name) for name in runs if str(name).startswith(("steps_to_", "min_", "max_", "log10_"))]
    numeric = [name for name in named if pd.api.types.is_numeric_dtype(runs[name])]
    return sorted(numeric, key=lambda name: (name not in _MOST_EVENTS, "/" not in name, name))


def _axis(name: str, values: np.ndarray) -> dict[str, Any]:
    """An axis with its values, their words, and where each lies on it from 0 to 1 when it is drawn to scale."""
    shares = None
    if np.issubdtype(values.dtype, np.number) and len(values) > 1:
        shares = [round(float(share), 5) for share in point_axis(values).share(values.astype(np.float64))]
    words = [number_text(value) for value in values.tolist()]
    return {"name": name, "values": [plain(value) for value in values.tolist()], "words": words, "shares": shares}


def _cells(diagram: PhaseDiagram, medians: Medians) -> Iterator[dict[str, Any]]:
    """The cells that have runs."""
    for row, column in zip(*np.nonzero(diagram.n), strict=True):
        phase = diagram.dominant[row, column]
        which = diagram.phases.index(phase)
        median, known = medians.get((diagram.x[column], diagram.y[row] if diagram.y_name else ""), (None, 0))
        counts = {name: int(n) for name, n in zip(diagram.phases, diagram.counts[row, column], strict=True) if n}
        yield {
            "x": int(column),
            "y": int(row),
            "n": int(diagram.n[row, column]),
            "phase": phase,
            "tied": bool(diagram.tied[row, column]),
            "counts": counts,
            "low": plain(round(float(diagram.low[row, column, which]), 4)),
            "high": plain(round(float(diagram.high[row, column, which]), 4)),
            "median": median,
            "known": known,
        }


def _medians(runs: pd.DataFrame, names: list[str], colour: str) -> Medians:
    """The median of a column over each cell as `grokjax phases --colour` has it, and over how many runs.

    A word stands where half of the runs never got there; nothing where no run has a value.
    """
    cells = cell_values(runs, colour, *names)
    medians: Medians = {}
    for row, vertical in enumerate(cells.y):
        for column, horizontal in enumerate(cells.x):
            median = float(cells.median[row, column])
            shown = _UNREACHED.get(median, plain(median))
            medians[horizontal, vertical] = shown, int(cells.n[row, column])
    return medians
