"""Values that were measured afterwards, from stored weights, put among those that were measured while runs trained."""

from collections.abc import Sequence

import numpy as np
import xarray as xr

from grokjax.store.files import Arrays


def with_measured(dataset: xr.Dataset, files: Sequence[Arrays]) -> xr.Dataset:
    """Histories with what was measured afterwards at its steps; what a run measured itself stays.

    Args:
      dataset: histories, dimension run first.
      files: of `measured/`: `run_id`, `step` and `rows/NAME`, leading axis [measurement]. Runs that the dataset does
        not hold, and steps beyond the end of a run, are left out.
    """
    for arrays in files:
        dataset = _with_file(dataset, arrays)
    return dataset


def _with_file(dataset: xr.Dataset, arrays: Arrays) -> xr.Dataset:
    position = {run_id: index for index, run_id in enumerate(dataset["run_id"].values.tolist())}
    runs = np.array([position.get(run_id, -1) for run_id in arrays["run_id"].tolist()], np.int64)
    ends = dataset["final_step"].values
    known = (runs >= 0) & (arrays["step"] <= np.append(ends, -1)[runs])
    if not known.any():
        return dataset
    runs, steps = runs[known], arrays["step"][known]
    dataset = _with_rows(dataset, runs, steps)
    rows = np.argmax(dataset["step"].values[runs] == steps[:, None], axis=1)
    changed = {}
    for name, values in ((name.removeprefix("rows/"), values[known]) for name, values in arrays.items() if "/" in name):
        changed[name] = _filled(dataset, name, runs, rows, values)
    return dataset.assign(changed)


def _filled(
    dataset: xr.Dataset, name: str, runs: np.ndarray, rows: np.ndarray, values: np.ndarray
) -> tuple[tuple, np.ndarray]:
    """Dimensions and values of a measure, filled where nothing was measured."""
    if name in dataset:
        dims, column = dataset[name].dims, dataset[name].values.copy()
    else:
        dims = ("run", "k", *(f"{name}_{axis}" for axis in range(values.ndim - 1)))
        column = np.full((*dataset["step"].shape, *values.shape[1:]), _nothing(values), values.dtype)
    sizes = np.maximum(column.shape[2:], values.shape[1:]).astype(int)
    column = _widened(column, (*column.shape[:2], *sizes))
    values = _widened(values, (len(values), *sizes))
    before = column[runs, rows]
    is_empty = np.isnan(before) if column.dtype.kind == "f" else before == -1
    column[runs, rows] = np.where(is_empty, values, before)
    return dims, column


def _with_rows(dataset: xr.Dataset, runs: np.ndarray, steps: np.ndarray) -> xr.Dataset:
    """The dataset with a row for each of these steps of these runs, in the order of the steps."""
    old = dataset["step"].values
    wanted = [set(row[row >= 0].tolist()) for row in old]
    for run, step in zip(runs.tolist(), steps.tolist(), strict=True):
        wanted[run].add(step)
    width = max(map(len, wanted))
    if all(len(row) == np.count_nonzero(kept >= 0) for row, kept in zip(wanted, old, strict=True)):
        return dataset
    new = np.full((len(old), width), -1, np.int64)
    for place, row in enumerate(wanted):
        new[place, : len(row)] = sorted(row)
    source = np.stack([_places(kept, row) for kept, row in zip(old, new, strict=True)])
    is_old = (new >= 0) & (np.take_along_axis(old, source, axis=1) == new)
    moved = {}
    for name, column in dataset.data_vars.items():
        if column.dims[:2] == ("run", "k") and name != "step":
            values = column.values[np.arange(len(old))[:, None], source]
            mask = is_old.reshape(is_old.shape + (1,) * (values.ndim - 2))
            moved[name] = (column.dims, np.where(mask, values, _nothing(values)).astype(values.dtype))
    others = dataset.drop_vars([name for name, column in dataset.data_vars.items() if "k" in column.dims])
    return others.assign({"step": (("run", "k"), new)} | moved)


def _widened(values: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """An array with nothing at its ends, as histories of networks of several sizes have it."""
    padding = [(0, wide - size) for wide, size in zip(shape, values.shape, strict=True)]
    return np.pad(values, padding, constant_values=_nothing(values))


def _places(old: np.ndarray, new: np.ndarray) -> np.ndarray:
    """[new step] where it stands among the old steps; any place for one that is not there."""
    kept = old[old >= 0]
    return np.minimum(np.searchsorted(kept, new), max(len(kept) - 1, 0))


def _nothing(values: np.ndarray) -> float | int:
    return np.nan if values.dtype.kind == "f" else -1
