"""One row per run: settings, status, events, final value of every scalar measure."""

from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from grokjax.analysis.table import LABELS, event_columns
from grokjax.core.words import REPORTED_GROUPS
from grokjax.results.named_values import Records, aliases_of, records_of, with_names
from grokjax.results.reading import looks_of, rule_of
from grokjax.results.repeats import with_repeats
from grokjax.store.layout import SEED_PATHS


def run_table(
    dataset: xr.Dataset, spec: dict[str, Any], events: pd.DataFrame, records: Records | None = None
) -> pd.DataFrame:
    """The table of a sweep.

    Args:
      dataset: histories, dimension run first, with settings as stored.
      spec: spec.json of the folder.
      events: one row per run of `dataset`, from `analysis.table.event_columns`.
      records: of the values that are whole parts, from `named_values.records_of`; of this folder alone unless given.
    """
    if records is None:
        records = records_of([spec], dataset, spec["axes"])
    dataset = with_names(dataset, records)
    runs = dataset.sizes["run"]
    columns: dict[str, Any] = {"run_id": dataset["run_id"].values}
    stop_reason = dataset["stop_reason"].values if runs else np.zeros(0, "U8")
    columns["status"] = np.where(
        stop_reason == "diverged", "diverged", np.where(stop_reason == "running", "running", "done")
    )
    columns["stop_reason"] = stop_reason
    columns["budget"] = dataset["budget"].values if runs else np.zeros(0, np.int64)
    for name in LABELS:
        columns[name] = events[name].to_numpy()
    columns["final_step"] = dataset["final_step"].values if runs else np.zeros(0, np.int64)
    columns |= _passes(dataset) if runs else {"examples_seen": np.zeros(0, np.int64), "epochs": np.zeros(0)}
    for path in _settings(spec):
        columns[path] = dataset[path].values if runs else np.zeros(0)
    for group in REPORTED_GROUPS:
        columns[f"n_{group}"] = dataset[f"look/{group}/n"].values[:, 0] if runs else np.zeros(0, np.int64)
    if runs:
        columns["diverged_at"] = dataset["diverged_at"].values
        columns["is_audited"] = dataset["is_audited"].values
    table = pd.DataFrame(columns)
    rest = events.drop(columns=[name for name in events if name in table])
    table = pd.concat([table, rest, _final_measures(dataset, set(table) | set(rest))], axis=1)
    steps = [name for name in table if str(name).startswith("steps_to_")]
    # Whole numbers, empty where an event did not come; a copy, since hundreds of measures leave a table in pieces.
    table = table.astype(dict.fromkeys(steps, "Int64")).copy()
    table.attrs["aliases"] = aliases_of(records)
    return table


def judged_table(dataset: xr.Dataset, spec: dict[str, Any]) -> pd.DataFrame:
    """The table of a sweep under its own rule, which also says which runs are no further evidence."""
    table = run_table(dataset, spec, event_columns(looks_of(dataset, spec["constants"]), rule_of(spec)))
    return with_repeats(table, dataset, [path for path in spec["axes"] if not path.startswith("seeds.")])


def as_csv(table: pd.DataFrame) -> str:
    """A table as text. A cell of text that a spreadsheet would take for a formula gets an apostrophe before it."""
    texts = [name for name in table if not pd.api.types.is_numeric_dtype(table[name])]
    return table.assign(**{name: table[name].map(_no_formula) for name in texts}).to_csv(index=False)


def _no_formula(value: Any) -> Any:
    return f"'{value}" if isinstance(value, str) and value.startswith(("=", "+", "-", "@", "\t", "\r")) else value


def _settings(spec: dict[str, Any]) -> list[str]:
    """Paths of what tells runs apart: the axes in the order of the sweep, then the seeds."""
    seeds = [path for path in SEED_PATHS if path not in spec["axes"]]
    known = [*spec["axes"], *seeds]
    return [*known, *(path for path in spec["base"] if path not in known)]


def _passes(dataset: xr.Dataset) -> dict[str, np.ndarray]:
    """How many train examples the updates of each run took in, and how often that is the whole train set.

    Both are NaN where the examples of an update change with the step.
    """
    steps, per_epoch = dataset["final_step"].values, dataset["steps_per_epoch"].values
    n_train, minibatch = dataset["look/train/n"].values[:, 0].astype(np.int64), dataset["minibatch"].values
    # The last minibatch of an epoch holds what is left, so whole epochs are counted as such.
    seen = steps // per_epoch * n_train + np.minimum(steps % per_epoch * minibatch, n_train)
    if np.any(minibatch < 0):
        seen = np.where(minibatch < 0, np.nan, seen)
    return {"examples_seen": seen, "epochs": seen / n_train}


def _final_measures(dataset: xr.Dataset, known: set[str]) -> pd.DataFrame:
    """Last value of every scalar measure that the table does not have yet."""
    if not dataset.sizes["run"]:
        return pd.DataFrame()
    rows = np.count_nonzero(dataset["step"].values >= 0, axis=1)
    last = np.maximum(rows - 1, 0)
    # Sorted, since a stored dataset comes back in another order.
    last_values = {
        str(name): _where_seen(np.take_along_axis(values.values, last[:, None], axis=1)[:, 0], rows > 0)
        for name, values in sorted(dataset.data_vars.items(), key=lambda item: str(item[0]))
        if values.dims == ("run", "k") and "/" in str(name) and str(name) not in known and not str(name).endswith("/n")
    }
    return pd.DataFrame(last_values)


def _where_seen(values: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """Values, NaN where nothing was measured: -1 stands for that among whole numbers."""
    seen = seen & (values != -1) if values.dtype.kind == "i" else seen
    return values if seen.all() else np.where(seen, values, np.nan)
