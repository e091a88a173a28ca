"""All histories of a sweep as one labelled dataset, from its run files or from its consolidated Zarr store."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
import zarr.codecs

from grokjax.core.words import REPORTED_GROUPS
from grokjax.store.files import Arrays, as_cell
from grokjax.store.layout import StoreError

_BY_RUN = (
    "budget",
    "final_step",
    "stop_reason",
    "diverged_at",
    "is_audited",
    "steps_per_epoch",
    "minibatch",
    "label_noise",
)
_STEPS = {"step": "k", "look_step": "look"}


def assemble(files: Sequence[Arrays], defaults: Mapping[str, Any], order: Sequence[str] | None = None) -> xr.Dataset:
    """One dataset of many run files.

    Args:
      files: as packed by `records.pack_history`; a run id that comes twice keeps the longer run.
      defaults: value of a setting for runs stored before it was an axis, by dotted path.
      order: run ids in the order wanted; those that are not stored are left out. None: sorted by settings.

    Returns:
      Dimensions run, k (measured steps) and look; `step` [run, k] and `look_step` [run, look] are -1 past a run's end.
      Measures [run, k, ...] by `group/name`; everything that is looked at more often again as `look/group/name`.
    """
    parts = [_one_file(arrays, defaults) for arrays in files]
    if not parts:
        return xr.Dataset({"step": (("run", "k"), np.zeros((0, 0), np.int64))}, {"run_id": ("run", np.zeros(0, "U16"))})
    return take_longest(parts, defaults, order)


def take_longest(
    parts: Sequence[xr.Dataset], defaults: Mapping[str, Any], order: Sequence[str] | None = None
) -> xr.Dataset:
    """Join datasets; a run that several hold is taken from where it was trained longest. See `assemble`.

    Raises:
      StoreError: two of them hold different histories of one run.
    """
    whole = _join([_with_defaults(part, defaults) for part in parts])
    ids, steps = whole["run_id"].values, whole["final_step"].values
    longest: dict[str, int] = {}
    for index, (run_id, step) in enumerate(zip(ids, steps, strict=True)):
        known = longest.get(str(run_id))
        if known is not None:
            _refuse_conflict(whole, str(run_id), known, index)
        if known is None or step >= steps[known]:
            longest[str(run_id)] = index
    wanted = _sorted_ids(whole, longest, list(defaults)) if order is None else [one for one in order if one in longest]
    chosen = whole.isel(run=[longest[run_id] for run_id in wanted])
    # No empty places at the end: how many there are depends on the budgets of runs that are not chosen.
    used = {
        dim: int(np.max(np.count_nonzero(chosen[name].values >= 0, axis=1), initial=0)) for name, dim in _STEPS.items()
    }
    return chosen.isel({dim: slice(0, count) for dim, count in used.items()})


def _refuse_conflict(whole: xr.Dataset, run_id: str, one: int, other: int) -> None:
    """Two histories of one run must agree at every step that both were looked at."""
    steps = whole["look_step"].values
    _, here, there = np.intersect1d(steps[one], steps[other], return_indices=True)
    for name in ("look/train/correct", "look/test/correct", "look/train/loss"):
        values = whole[name].values
        if not np.array_equal(values[one][here], values[other][there], equal_nan=values.dtype.kind == "f"):
            raise StoreError(
                f"run {run_id} is stored twice with different {name.removeprefix('look/')}; keep one of them."
            )


def _with_defaults(part: xr.Dataset, defaults: Mapping[str, Any]) -> xr.Dataset:
    missing = {path: value for path, value in defaults.items() if path not in part}
    return part.assign(
        {path: ("run", np.array([as_cell(value)] * part.sizes["run"])) for path, value in missing.items()}
    )


def _one_file(arrays: Arrays, defaults: Mapping[str, Any]) -> xr.Dataset:
    runs = len(arrays["run_id"])
    data: dict[str, Any] = {name: ("run", arrays[name]) for name in _BY_RUN}
    for path, value in defaults.items():
        data[path] = ("run", arrays.get(f"settings/{path}", np.array([as_cell(value)] * runs)))
    for name in arrays:
        if name.startswith("settings/"):
            data[name.removeprefix("settings/")] = ("run", arrays[name])
    look_step, row_step = arrays["look_step"], arrays["row_step"]
    data["look_step"], data["step"] = (("run", "look"), look_step), (("run", "k"), row_step)
    look = np.argmax(look_step[:, None, :] == row_step[:, :, None], axis=2)  # each measured step is also a look
    for name, seen in _with_accuracies(arrays).items():
        seen = _blank(seen, look_step)
        data[f"look/{name}"] = (("run", "look"), seen)
        data[name] = (("run", "k"), _blank(np.take_along_axis(seen, look, axis=1), row_step))
    for name, values in arrays.items():
        if name.startswith("rows/"):
            name = name.removeprefix("rows/")
            extra = tuple(f"{name}_{axis}" for axis in range(values.ndim - 2))
            data[name] = (("run", "k", *extra), _blank(values, row_step))
    return xr.Dataset(data, coords={"run_id": ("run", arrays["run_id"])})


def _with_accuracies(arrays: Arrays) -> Arrays:
    looks = {name.removeprefix("looks/"): values for name, values in arrays.items() if name.startswith("looks/")}
    for group in REPORTED_GROUPS:
        total = looks[f"{group}/n"]
        with np.errstate(invalid="ignore"):
            looks[f"{group}/accuracy"] = np.where(total > 0, looks[f"{group}/correct"] / np.maximum(total, 1), np.nan)
    return looks


def _blank(values: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Values with NaN (whole numbers: -1) where nothing was seen."""
    seen = (steps >= 0).reshape(steps.shape + (1,) * (values.ndim - 2))
    return np.where(seen, values, np.nan if np.issubdtype(values.dtype, np.floating) else -1).astype(values.dtype)


def _join(parts: Sequence[xr.Dataset]) -> xr.Dataset:
    """Concatenate along run; shorter or absent measures are filled with NaN or -1, numbers among texts become texts."""
    sizes = {dim: max(part.sizes.get(dim, 0) for part in parts) for part in parts for dim in part.dims if dim != "run"}
    names = {name: part[name] for part in parts for name in part.variables}
    whole = xr.concat([_widen(part, sizes, names) for part in parts], "run", combine_attrs="override")
    mixed = [name for name, column in whole.variables.items() if column.dtype.kind == "O"]
    return whole.assign({name: whole[name].copy(data=whole[name].values.astype(str)) for name in mixed})


def _widen(part: xr.Dataset, sizes: Mapping[Any, int], names: Mapping[Any, xr.DataArray]) -> xr.Dataset:
    for name, like in names.items():
        if name not in part.variables:
            shape = [part.sizes["run"] if dim == "run" else part.sizes.get(dim, sizes[dim]) for dim in like.dims]
            part[name] = (like.dims, np.full(shape, _fill(like.dtype), like.dtype))
    pad = {dim: (0, size - part.sizes[dim]) for dim, size in sizes.items() if size > part.sizes[dim]}
    if not pad:
        return part
    fills = {name: _fill(part[name].dtype) for name in part.data_vars if set(pad) & set(part[name].dims)}
    padded = part[list(fills)].pad(pad, constant_values=fills)
    return part.drop_vars(list(fills)).merge(padded)


def _fill(dtype: np.dtype) -> Any:
    if dtype.kind == "f":
        return np.nan
    return -1 if dtype.kind == "i" else np.zeros((), dtype)[()]


def _sorted_ids(whole: xr.Dataset, longest: Mapping[str, int], paths: Sequence[str]) -> list[str]:
    columns = [whole[path].values for path in paths]
    return sorted(longest, key=lambda run_id: (*(_key(column[longest[run_id]]) for column in columns), run_id))


def _key(value: Any) -> tuple[int, Any]:
    return (1, str(value)) if isinstance(value, str) else (0, float(value))


def write_zarr(dataset: xr.Dataset, path: Path) -> None:
    """Store a dataset as Zarr v3; every chunk carries a checksum."""
    names = {name: str(name).replace("/", ".") for name in dataset.variables}
    stored = dataset.rename({name: new for name, new in names.items() if name != new})
    for name, new in names.items():
        stored[new].attrs["name"] = name
        if stored[new].dtype.kind == "U":
            stored[new] = stored[new].astype(object)
            stored[new].attrs["name"] = name
    codec = zarr.codecs.ZstdCodec(level=3, checksum=True)
    encoding = {name: {"compressors": (codec,)} for name in stored.variables}
    stored.to_zarr(path, mode="w", zarr_format=3, consolidated=False, encoding=encoding)


def read_zarr(path: Path) -> xr.Dataset:
    """The dataset that `write_zarr` stored."""
    with xr.open_zarr(path, consolidated=False) as stored:
        dataset = stored.load()
    for name in list(dataset.variables):
        if (
            dataset[name].dtype.kind in "OT"
        ):  # texts of any length, by which name NumPy knows them depends on its version
            dataset[name] = (
                dataset[name].dims,
                np.array(dataset[name].values.tolist(), dtype=str),
                dataset[name].attrs,
            )
    return dataset.rename(
        {name: dataset[name].attrs["name"] for name in dataset.variables if "name" in dataset[name].attrs}
    )
