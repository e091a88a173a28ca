"""Several sweeps as one: which settings tell their runs apart, and what does each run have there?"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import xarray as xr

from grokjax.analysis.history import is_near
from grokjax.results.dataset import take_longest
from grokjax.results.grid import axis_groups

Opened = tuple[xr.Dataset, dict[str, Any]]


def combine(opened: Sequence[Opened]) -> Opened:
    """One dataset and one description of several, each given with its spec.json.

    What is an axis of any of them, or differs between them, is an axis of the whole. Runs that several hold are taken
    once, from where they were trained longest. `steps` is the smallest budget, up to which all go.

    Raises:
      StoreError: two of them hold different histories of one run.
    """
    specs = [spec for _, spec in opened]
    paths = [*dict.fromkeys([path for spec in specs for path in spec["base"]] + differing(specs))]
    parts = [_completed(dataset, spec, paths) for dataset, spec in opened]
    base = {path: value_of(specs[0], path) for path in paths}
    whole = take_longest(parts, base)
    twice = sum(part.sizes["run"] for part in parts) - whole.sizes["run"]
    axes = [path for path in paths if not path.startswith("seeds.") or any(path in spec["axes"] for spec in specs)]
    totals = sum(spec["num_runs"] for spec in specs) - twice
    about = {"axes": axes, "groups": _groups(specs, axes), "base": base, "num_runs": totals}
    return whole, {**specs[0], **about, "steps": min(spec["steps"] for spec in specs)}


def until(dataset: xr.Dataset, step: int) -> xr.Dataset:
    """The same runs as if nothing after `step` had been seen, and had been meant to: then all can be compared there.

    Runs that went on have the stop reason `passed` and end at their last look at or before `step`; what lies between
    the two counts as not seen. Measures of those without a row near enough to `step` are left out (`PASSED_GAP`).
    """
    if not dataset.sizes["run"]:
        return dataset
    passed = (dataset["final_step"].values > step) | (dataset["diverged_at"].values > step)
    looks, rows = (np.where(dataset[name].values <= step, dataset[name].values, -1) for name in ("look_step", "step"))
    rows[passed & ~is_near(rows.max(axis=1, initial=-1), step)] = -1
    by_run = {
        "final_step": np.where(passed, looks.max(axis=1, initial=-1), dataset["final_step"].values),
        "diverged_at": np.where(passed, -1, dataset["diverged_at"].values),
        "stop_reason": np.where(passed, "passed", dataset["stop_reason"].values),
        "budget": np.full(len(passed), step, np.int64),
    }
    steps = {"look_step": (("run", "look"), looks), "step": (("run", "k"), rows)}
    return dataset.assign({name: ("run", values) for name, values in by_run.items()} | steps)


def _groups(specs: Sequence[dict[str, Any]], axes: Sequence[str]) -> list[list[str]]:
    """Axes that move together in every sweep that has them stay together; all others stand alone."""
    known = [axis_groups(spec) for spec in specs]
    kept: list[list[str]] = []
    for path in axes:
        holding = [group for groups in known for group in groups if path in group]
        together = holding[0] if holding and all(group == holding[0] for group in holding) else [path]
        kept += [together] if together not in kept else []
    return kept


def differing(specs: Sequence[dict[str, Any]]) -> list[str]:
    """Settings in which the base runs of sweeps differ; a whole part where its kinds differ."""
    settings = [spec["settings"] for spec in specs]
    paths: list[str] = []
    for path in dict.fromkeys(path for one in settings for path in one):
        is_part = any(other.startswith(f"{path}.") for one in settings for other in one)
        values = [one.get(path) for one in settings]
        if is_part:
            values = [str(value).partition(" ")[0] for value in values]
        is_inside = any(path.startswith(f"{part}.") for part in paths)
        if not is_inside and any(value != values[0] for value in values):
            paths.append(path)
    return paths


def value_of(spec: dict[str, Any], path: str) -> Any:
    """What a sweep's base run has at a path; empty text where it has no such setting."""
    value = spec["base"].get(path, spec["settings"].get(path))
    return "" if value is None else value


def _completed(dataset: xr.Dataset, spec: dict[str, Any], paths: Sequence[str]) -> xr.Dataset:
    missing = [path for path in paths if path not in dataset]
    return dataset.assign({path: ("run", np.array([value_of(spec, path)] * dataset.sizes["run"])) for path in missing})
