"""A sweep with more seeds, steps, values or draws: every run of the old one is one of the new one."""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from grokjax.orders.order import Grid, grid_orders
from grokjax.reader.axes import Axis, read_axes
from grokjax.reader.errors import wrong
from grokjax.reader.measured_steps import Cadence
from grokjax.reader.paths import value_at
from grokjax.reader.plans import read_seeds, read_texts
from grokjax.reader.sweep import Sweep

_GROUPS = ("zip", "random")


def extended(
    sweep: Sweep,
    seeds: int | Sequence[int] | None,
    steps: int | None,
    axes: Mapping[str, Any],
    exclude: Any = None,
) -> Sweep:
    """The extended sweep.

    Args:
      seeds: number of seeds, of which new ones follow the largest old one; or a list of all of them.
      steps: new budget of every run; the steps measured so far stay the measured ones.
      axes: path -> form, of an axis that is there already, or of a new one; `zip` or `random` -> form of a group;
        `random.count` -> number of draws, `random.1.count` of the second group.
      exclude: conditions in place of those that are there; None keeps them.

    Raises:
      SpecError: something of the old sweep would be lost.
    """
    old = sweep
    if sweep.compare is not None and axes:
        raise wrong("--axis", "a comparison is extended by seeds and steps; another grid is another comparison")
    if seeds is not None:
        sweep = dataclasses.replace(sweep, seeds=_more_seeds(sweep, seeds))
    if steps is not None:
        sweep = _more_steps(sweep, steps)
    for path, form in axes.items():
        sweep = _more_points(sweep, path, form)
    if exclude is not None:
        sweep = _excluding(sweep, exclude, old)
    sweep.check()
    return sweep


def _more_seeds(sweep: Sweep, wanted: int | Sequence[int]) -> Any:
    old = sweep.seeds.values
    if isinstance(wanted, int):
        if wanted < len(old):
            raise wrong("--seeds", f"must be at least the {len(old)} seeds that are there", wanted)
        taken = {*old, *(sweep.compare.tuning_seeds.values if sweep.compare is not None else ())}
        new = [seed for seed in range(max(old) + 1 + wanted + len(taken)) if seed not in taken][: wanted - len(old)]
    else:
        listed = read_seeds(list(wanted)).values
        lost = [seed for seed in old if seed not in listed]
        if lost:
            raise wrong("--seeds", "must list every seed that is there", ", ".join(map(str, lost)))
        new = [seed for seed in listed if seed not in old]
    return dataclasses.replace(sweep.seeds, values=(*old, *new))


def _more_steps(sweep: Sweep, steps: int) -> Sweep:
    if steps < sweep.steps:
        raise wrong("--steps", f"must be at least the {sweep.steps} steps that are there", steps)

    if steps == sweep.steps:
        return sweep  # nothing is longer, so nothing needs a horizon that remembers the shorter budget

    def anchored(cadence: Cadence | None) -> Cadence | None:
        if cadence is None or cadence.form not in ("log", "linear") or cadence.horizon is not None:
            return cadence
        return dataclasses.replace(cadence, horizon=sweep.steps)

    measure = dataclasses.replace(
        sweep.measure, every=anchored(sweep.measure.every), looks=anchored(sweep.measure.looks)
    )
    return dataclasses.replace(sweep, steps=steps, measure=measure, weights=anchored(sweep.weights))


def _more_points(sweep: Sweep, path: str, form: Any) -> Sweep:
    """The sweep with the axes that a form describes in place of those over the same settings, or besides them."""
    key = f"--axis {path}"
    if path.split(".")[0] in _GROUPS and path not in _GROUPS:
        path, form = "random", _more_draws(sweep, path, form)
    for new in read_axes({path: form}, _example(sweep)):
        old = [axis for axis in sweep.axes if set(axis.paths) & set(new.paths)]
        if not old:
            _refuse_unless_at_base(sweep, new, key)
            sweep = dataclasses.replace(sweep, axes=(*sweep.axes, new))
            continue
        if set(old[0].paths) != set(new.paths):
            raise wrong(key, _together(sweep, old[0]))
        kept = _points(new, old[0].paths)
        lost = [point for point in _points(old[0], old[0].paths) if point not in kept]
        if lost:
            shown = ", ".join(map(str, lost[0] if len(lost[0]) > 1 else [point[0] for point in lost]))
            raise wrong(key, f"must keep every {'draw' if old[0].group == 'random' else 'value'} that is there", shown)
        sweep = dataclasses.replace(sweep, axes=tuple(new if axis is old[0] else axis for axis in sweep.axes))
    return sweep


def _more_draws(sweep: Sweep, path: str, count: Any) -> Mapping[str, Any]:
    """The form of a group of random draws with another count."""
    words = path.split(".")
    groups = [axis for axis in sweep.axes if axis.group == "random"]
    index = int(words.pop(1)) if len(words) == 3 and words[1].isdigit() else 0
    if words != ["random", "count"]:
        raise wrong(f"--axis {path}", "names no axis", hint="random.count=N, or a whole group: random={...}, zip={...}")
    if index >= len(groups):
        there = (
            f"has {len(groups)} group{'s'[: len(groups) - 1]} of random draws, numbered from 0"
            if groups
            else "draws nothing at random"
        )
        raise wrong(f"--axis {path}", f"sweep {sweep.name} {there}")
    if len(groups) > 1 and path == "random.count":
        raise wrong(f"--axis {path}", f"there are {len(groups)} groups of draws; say which: random.0.count=N")
    old, form = groups[index], groups[index].form
    if not isinstance(count, int) or isinstance(count, bool) or count < len(old):
        raise wrong(f"--axis {path}", f"must be a whole number, at least the {len(old)} draws that are there", count)
    return {**form, "count": count}


def _example(sweep: Sweep) -> Any:
    """A run of the sweep: paths into parts that are an axis lead somewhere in it."""
    return dataclasses.replace(sweep.points.run(0), seeds=sweep.base.seeds) if sweep.axes else sweep.base


def _points(axis: Axis, paths: Sequence[str]) -> list[tuple[Any, ...]]:
    """The points of an axis, their values in the order of `paths`."""
    columns = [axis.values[axis.paths.index(path)] for path in paths]
    return list(zip(*columns, strict=True))


def _refuse_unless_at_base(sweep: Sweep, new: Axis, key: str) -> None:
    """A new axis must pass through the runs that are there."""
    lost = [point for point in _points_so_far(sweep, new.paths) if point not in _points(new, new.paths)]
    if lost:
        raise wrong(key, "must hold the value that all runs have so far", ", ".join(map(str, lost[0])))


def _points_so_far(sweep: Sweep, paths: Sequence[str]) -> list[tuple[Any, ...]]:
    """What the runs of a sweep have at settings that are no axis: one point, but in parts and seeds that differ."""
    holding = [axis for axis in sweep.axes if any(path.startswith(f"{part}.") for part in axis.paths for path in paths)]
    grid = Grid(sweep.points, sweep.seeds)
    seeds = range(grid.num_seeds) if any(path.split(".")[0] == "seeds" for path in paths) else (0,)
    runs = [grid.run(point, seed) for point in sweep.points.distinct(holding).tolist() for seed in seeds]
    return [tuple(value_at(run, path) for path in paths) for run in runs]


def _together(sweep: Sweep, axis: Axis) -> str:
    if len(axis.paths) == 1:
        return f"{axis.paths[0]} is an axis by itself; give it alone"
    group = axis.group or "zip"
    more = "random.count=N draws more, or " if group == "random" else ""
    return f"{', '.join(axis.paths)} move together; {more}give the whole group: {group}={{...}}"


def _excluding(sweep: Sweep, conditions: Any, old: Sweep) -> Sweep:
    """The sweep with other exclusions, which leave out no run of the old one."""
    changed = dataclasses.replace(sweep, exclude=read_texts(conditions, "--exclude"))
    lost = len({order.run_id for order in grid_orders(old)} - {order.run_id for order in grid_orders(changed)})
    if lost:
        raise wrong("--exclude", f"leaves out {lost} of the {old.num_runs} runs that are there", conditions)
    return changed
