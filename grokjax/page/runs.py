"""Single runs: the table of them, their curves, and all that is known of one."""

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from grokjax.analysis.columns import find, nearest
from grokjax.page.chosen import Cell, chosen_runs, num_values, plain
from grokjax.reader.errors import printable
from grokjax.reader.yaml_text import flow
from grokjax.report.wording import number_text
from grokjax.results.growing import Snapshot
from grokjax.store.files import read_json_lines
from grokjax.store.layout import Layout

ROWS = 100
"""Rows of a page of the table."""
MOST_CURVES = 60
_MOST_EVENTS = 200
_SHOWN = ("phase", "status", "final_step", "steps_to_fit", "steps_to_generalized", "train/accuracy", "test/accuracy")


def table_json(
    snapshot: Snapshot,
    where: str,
    cell: Cell = (),
    sort: str = "",
    descending: bool = False,
    first: int = 0,
    also: str = "",
) -> dict[str, Any]:
    """A page of the table of the chosen runs.

    Args:
      sort: a column; empty for the order of the settings.
      first: place of the first row that is wanted.
      also: a further column; empty for none.

    Raises:
      ValueError: there is no such column.
    """
    runs = chosen_runs(snapshot, where, cell)
    axes = [path for path in snapshot.spec["axes"] if path in runs]
    seeds = [name for name in ("seeds.split", "seeds.init") if name not in axes and num_values(snapshot.runs, name) > 1]
    columns = ["run_id", *axes, *seeds[:1], *(name for name in _SHOWN if name in runs)]
    columns += [find(also, runs.columns)] if also and also not in columns else []
    if sort:
        runs = runs.sort_values(find(sort, runs.columns), ascending=not descending, kind="stable")
    shown = runs.iloc[first : first + ROWS]
    rows = [[plain(value) for value in row] for row in shown[columns].astype(object).to_numpy().tolist()]
    return {"columns": columns, "rows": rows, "first": first, "total": len(runs)}


def curves_json(snapshot: Snapshot, run_ids: Sequence[str], measure: str) -> dict[str, Any]:
    """A measure of some runs against the step, the first `MOST_CURVES` of them.

    Raises:
      ValueError: there is no such run or measure.
    """
    if measure not in snapshot.measures:
        raise ValueError(f"there is no measure {printable(measure[:40])}{nearest(measure, snapshot.measures)}")
    phase_of = dict(zip(snapshot.runs["run_id"].tolist(), snapshot.runs["phase"].tolist(), strict=True))
    if unknown := [run_id for run_id in run_ids if run_id not in phase_of]:
        raise ValueError(f"there is no run {printable(unknown[0][:40])}")
    curves = {run_id: snapshot.curve(run_id, measure) for run_id in run_ids[:MOST_CURVES]}
    steps = sorted({step for taken, _ in curves.values() for step in taken})
    series = []
    for run_id, (taken, values) in curves.items():
        at = dict(zip(taken, values, strict=True))
        series.append({"run_id": run_id, "phase": phase_of[run_id], "values": [plain(at.get(step)) for step in steps]})
    return {"measure": measure, "steps": steps, "series": series, "left_out": max(0, len(run_ids) - MOST_CURVES)}


def run_json(root: Path, snapshot: Snapshot, run_id: str) -> dict[str, Any]:
    """Settings, measures, events of one run, and the commands that are about it.

    Raises:
      ValueError: there is no such run.
    """
    rows = snapshot.runs.loc[(snapshot.runs["run_id"] == run_id).to_numpy(bool)]
    if not len(rows):
        raise ValueError(f"there is no run {printable(run_id[:40])}")
    row = {str(name): plain(value) for name, value in rows.iloc[0].items()}
    own = {name: value for name, value in row.items() if _is_setting(name)}
    settings = own | {path: value for path, value in snapshot.spec.get("settings", {}).items() if path not in own}
    measures = {name: value for name, value in row.items() if not _is_setting(name) and value not in (None, "")}
    folder, is_over = shlex.quote(str(root)), row["status"] != "running"
    commands = [f"grokjax replay {folder} {run_id}", f"grokjax export {folder} {run_id} --format npz"]
    return {
        "run_id": run_id,
        "phase": row["phase"],
        "settings": [[name, _text(value)] for name, value in settings.items()],
        "measures": [[name, _text(value)] for name, value in measures.items()],
        "events": _events(root, run_id),
        "commands": [*(commands if is_over else []), f"grokjax events {folder} --run {run_id}"],
    }


def _is_setting(name: str) -> bool:
    return "." in name and "/" not in name


def _text(value: Any) -> str:
    """A value as a sweep file has it; numbers in short."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return number_text(value)
    return value if isinstance(value, str) else flow(value)


def _events(root: Path, run_id: str) -> list[dict[str, Any]]:
    """What happened to the run, oldest first."""
    if not Layout(root).events.is_file():  # a pipe would be waited for
        return []
    events = [event for event in read_json_lines(Layout(root).events) if event.get("run_id") == run_id]
    return [_event(event) for event in events[-_MOST_EVENTS:]]


def _event(event: Mapping[str, Any]) -> dict[str, Any]:
    facts = {name: value for name, value in event.items() if name not in ("time", "event", "run_id")}
    words = printable(" ".join(f"{name}={value}" for name, value in facts.items()))
    return {"time": event.get("time", 0), "event": printable(str(event.get("event", ""))), "words": words}
