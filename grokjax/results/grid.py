"""A measure over the axes of a sweep: which place of a labelled array does each run have?"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import xarray as xr

_TAKEN = ("seed", "step", "run", "k")


def axis_groups(spec: Mapping[str, Any]) -> list[list[str]]:
    """The axes of a sweep, those that move together in one list."""
    return [list(group) for group in spec.get("groups") or [[path] for path in spec["axes"]]]


def grid(history: xr.Dataset, groups: Sequence[Sequence[str]], seed: np.ndarray, measure: str) -> xr.DataArray:
    """See `Results.grid`.

    Args:
      history: measures [run, k], settings and `step`.
      groups: of `axis_groups`.
      seed: [run] which seed of its cell a run is.
      measure: one of the history.

    Raises:
      ValueError: several runs have the same place.
    """
    values, steps = history[measure], history["step"].values
    short = short_names([path for group in groups for path in group])
    axes = [{short[path]: history[path].values for path in group} for group in groups] + [{"seed": seed}]
    points = {next(iter(axis)): _points(axis) for axis in axes}
    places = np.stack([index for _, index in points.values()])
    if len(np.unique(places, axis=1).T) < history.sizes["run"]:
        raise ValueError(f"runs differ in more than {', '.join(points)}, so a grid would hide some of them")
    all_steps = np.unique(steps[steps >= 0])
    run, k = np.nonzero(steps >= 0)
    shape = [len(next(iter(columns.values()))) for columns, _ in points.values()]
    cube = np.full((*shape, len(all_steps), *values.shape[2:]), np.nan)
    cube[(*places[:, run], np.searchsorted(all_steps, steps[run, k]))] = values.values[run, k]
    coordinates: dict[str, Any] = {
        name: (dim, column) for dim, (columns, _) in points.items() for name, column in columns.items()
    }
    dims = [*points, "step", *values.dims[2:]]
    return xr.DataArray(cube, coords={**coordinates, "step": all_steps}, dims=dims, name=measure)


def short_names(paths: Sequence[str]) -> dict[str, str]:
    """The last words of paths where these are unambiguous, else the paths themselves."""
    last = [path.split(".")[-1] for path in paths]
    return {
        path: word if last.count(word) == 1 and word not in _TAKEN else path
        for path, word in zip(paths, last, strict=True)
    }


def _points(axis: Mapping[str, np.ndarray]) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """The different points of settings [run] that move together, sorted by the first, and [run] the place of each."""
    codes = np.stack([np.unique(column, return_inverse=True)[1] for column in axis.values()])
    _, first, point = np.unique(codes, axis=1, return_index=True, return_inverse=True)
    return {name: column[first] for name, column in axis.items()}, point.ravel()
