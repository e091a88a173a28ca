"""Results as experiment trackers know them: something with a name, settings, and a course of numbers."""

import dataclasses
import hashlib
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from grokjax.analysis.columns import distinct

if TYPE_CHECKING:  # importing it is slow, and only annotations name it
    from grokjax.results.results import Results

CELL, RUN, SUMMARY = "cell", "run", "summary"


@dataclasses.dataclass(frozen=True)
class Exported:
    """One entry of a tracker.

    Attributes:
      key: unique among the entries of a sweep, the same at every export.
      name: for people.
      group: entries that belong together.
      settings: by dotted path.
      rows: (step, name -> number) of the measured steps, increasing.
      last: what is said once, of the whole: phases, events.
    """

    key: str
    name: str
    group: str
    settings: dict[str, Any]
    rows: list[tuple[int, dict[str, float]]]
    last: dict[str, Any]


def exported_runs(results: "Results", runs: pd.DataFrame) -> Iterator[Exported]:
    """One entry a run."""
    axes = _axes(results)
    for run in runs.to_dict("records"):
        label = _label({path: run[path] for path in axes})
        settings = {
            path: plain(run[path]) for path in [*axes, *(name for name in runs if str(name).startswith("seeds."))]
        }
        last = {
            name: plain(run[name])
            for name in (*_LAST, "phase", "status", "equal_to", "is_repeat")
            if name in run and is_known(run[name])
        }
        yield Exported(
            run["run_id"], f"{label} {run['run_id']}".strip(), label, settings, _rows(results, [run["run_id"]]), last
        )


def exported_cells(results: "Results", runs: pd.DataFrame) -> Iterator[Exported]:
    """One entry a cell: medians over its runs, `NAME_q25` and `NAME_q75`, and how many `runs` a step has.

    Equal histories count once.
    """
    axes, runs = _axes(results), distinct(runs)
    groups = runs.groupby(axes, sort=True, dropna=False) if axes else [((), runs)]
    for values, cell in groups:
        settings = dict(zip(axes, map(plain, values if isinstance(values, tuple) else (values,)), strict=True))
        phases = {f"phase/{phase}": int(count) for phase, count in cell["phase"].value_counts().items()}
        name = _label(settings) or results.name
        key = hashlib.sha256(name.encode()).hexdigest()[:16]
        yield Exported(key, name, results.name, settings, _rows(results, cell["run_id"].tolist()), phases)


_LAST = ("steps_to_fit", "steps_to_generalized", "log10_delay", "final_step")


def _axes(results: "Results") -> list[str]:
    return [path for path in results.spec["axes"] if not path.startswith("seeds.")]


def _label(settings: dict[str, Any]) -> str:
    return " ".join(f"{path.rpartition('.')[2]}={plain(value)}" for path, value in settings.items())


def _rows(results: "Results", run_ids: list[str]) -> list[tuple[int, dict[str, float]]]:
    history = results.history.sel(run_id=run_ids)
    names = [str(name) for name, column in history.data_vars.items() if column.dims == ("run", "k") and name != "step"]
    steps, rows = history["step"].values, []
    columns = {name: known_numbers(history[name].values) for name in names}
    for step in np.unique(steps[steps >= 0]).tolist():
        is_there = steps == step
        row: dict[str, float] = {} if len(run_ids) == 1 else {"runs": float(is_there.sum())}
        for name, column in columns.items():
            values = column[is_there]
            values = values[np.isfinite(values)]
            if not len(values):
                continue
            row[name] = float(np.median(values))
            if len(run_ids) > 1:
                row[f"{name}_q25"], row[f"{name}_q75"] = np.quantile(values, (0.25, 0.75)).tolist()
        rows.append((step, row))
    return rows


def known_numbers(values: np.ndarray) -> np.ndarray:
    """float64, NaN where nothing was measured: -1 stands for that among whole numbers."""
    return np.where(values == -1, np.nan, values.astype(np.float64)) if values.dtype.kind in "iu" else values


def plain(value: Any) -> float | int | str | bool:
    """A setting or a number as trackers take it."""
    if isinstance(value, (bool, np.bool_)):
        return bool(value)
    if isinstance(value, (int, np.integer)):
        return int(value)
    return float(value) if isinstance(value, (float, np.floating)) else str(value)


def is_known(value: Any) -> bool:
    """Whether a cell of the table holds something."""
    return not (isinstance(value, float) and np.isnan(value)) and value is not None and value is not pd.NA
