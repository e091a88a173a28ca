"""What is wrong with the text of a sweep, and what would it amount to? Asked as `grokjax plan` asks."""

import dataclasses
from pathlib import Path
from typing import Any

from grokjax.drive.preparation import forecast
from grokjax.drive.trainable import load_sweep
from grokjax.plan.plan import Plan
from grokjax.reader.errors import Problem, SpecError
from grokjax.reader.sealed import sealed
from grokjax.report.plan_text import time_text
from grokjax.report.wording import number_text

FILE = "sweep.yaml"
MOST_RUNS = 1_000_000
"""Of a sweep that is planned while somebody types."""
_MOST_VALUES = 200
_SHOWN_COHORTS = 20


def check_text(text: str, folder: str, is_timed: bool = False) -> dict[str, Any]:
    """Problems of a sweep file with this text, or else its plan; nothing that the text names is read or imported.

    Args:
      folder: into which the file is written.
      is_timed: whether to compile its programs and time scratch lanes, as `grokjax plan` does.
    """
    with sealed():
        path = Path(folder, FILE)
        path.write_text(text, encoding="utf-8")
        try:
            sweep = load_sweep(path)
            if sweep.num_runs > MOST_RUNS:
                return {"problems": [], "plan": {"runs": sweep.num_runs, "name": sweep.name}}
            return {"problems": [], "plan": _plan(forecast(sweep, "cpu", with_probe=is_timed))}
        except SpecError as error:
            return {"problems": [_problem(problem, folder) for problem in error.problems], "plan": None}


def _problem(problem: Problem, folder: str) -> dict[str, Any]:
    """A problem with its line; the folder of the text is nobody's business."""
    line = problem.line if problem.file else None
    bare = dataclasses.replace(problem, file="", line=None)
    return {"key": problem.key, "line": line, "text": str(bare).replace(f"{folder}/", "")}


def _plan(plan: Plan) -> dict[str, Any]:
    about, sweep = plan.to_json(), plan.sweep
    axes = [(path, values.tolist()) for path, values in sweep.points.axis_values.items()]
    cohorts = [
        {"static": {path: list(map(number_text, values)) for path, values in cohort["static"].items()}}
        for cohort in about["cohorts"][:_SHOWN_COHORTS]
    ]
    return {
        "name": sweep.name,
        "runs": about["runs"],
        "later_runs": about["later_runs"],
        "cells": about["cells"],
        "seeds": about["seeds"],
        "steps": about["steps"],
        "run_steps": (about["runs"] + about["later_runs"]) * about["steps"],
        "memory_bytes_per_run": about["memory_bytes_per_run"],
        "disk_bytes": about["disk_bytes"],
        "time": None if plan.forecast_seconds is None else f"{time_text(plan)}; on the CPU of this machine",
        "num_cohorts": len(about["cohorts"]),
        "cohorts": cohorts,
        "axes": [{"path": path, "count": len(values), "values": _values(values)} for path, values in axes],
    }


def _values(values: list[Any]) -> list[dict[str, Any]]:
    return [{"word": number_text(value)} for value in values[:_MOST_VALUES]]
