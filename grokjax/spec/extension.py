"""A sweep with more seeds, more steps or a finer axis: every run of the old one is a run of the new one."""

import dataclasses
from typing import Any

from grokjax.spec.axes import read_axes
from grokjax.spec.errors import wrong
from grokjax.spec.measured_steps import Cadence
from grokjax.spec.paths import value_at
from grokjax.spec.sweep import Sweep


def extended(sweep: Sweep, seeds: int | None, steps: int | None, axes: dict[str, Any]) -> Sweep:
    """The extended sweep.

    Args:
      seeds: number of seeds; the new ones follow the largest old one.
      steps: new budget of every run; the steps measured so far stay the measured ones.
      axes: path -> form; of an axis that is there already, or of a new one.

    Raises:
      SpecError: something of the old sweep would be lost.
    """
    if seeds is not None:
        sweep = dataclasses.replace(sweep, seeds=_more_seeds(sweep, seeds))
    if steps is not None:
        sweep = _more_steps(sweep, steps)
    for path, form in axes.items():
        sweep = _finer_axis(sweep, path, form)
    sweep.check()
    return sweep


def _more_seeds(sweep: Sweep, count: int) -> Any:
    old = sweep.seeds.values
    if count < len(old):
        raise wrong("--seeds", f"must be at least the {len(old)} seeds that are there", count)
    new = [seed for seed in range(max(old) + 1 + count) if seed not in old]
    return dataclasses.replace(sweep.seeds, values=(*old, *new[: count - len(old)]))


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


def _finer_axis(sweep: Sweep, path: str, form: Any) -> Sweep:
    (new,) = read_axes({path: form}, sweep.base)
    places = [place for place, axis in enumerate(sweep.axes) if path in axis.paths]
    if not places:
        if value_at(sweep.base, path) not in new.values[0]:
            raise wrong(f"--axis {path}", "must hold the value that all runs have so far", value_at(sweep.base, path))
        return dataclasses.replace(sweep, axes=(*sweep.axes, new))
    old = sweep.axes[places[0]]
    if len(old.paths) > 1:
        raise wrong(f"--axis {path}", f"moves together with {', '.join(one for one in old.paths if one != path)}")
    lost = [value for value in old.values[0] if value not in new.values[0]]
    if lost:
        raise wrong(f"--axis {path}", "must keep every value that is there", ", ".join(map(str, lost)))
    axes = (*sweep.axes[: places[0]], new, *sweep.axes[places[0] + 1 :])
    return dataclasses.replace(sweep, axes=axes)
