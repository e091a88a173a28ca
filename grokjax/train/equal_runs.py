"""Which runs of a sweep would be the same run? Those are refused, since each would be counted as evidence of its own.

An axis or a stream of seeds is refused when it changes nothing in any cell. Where it does so in some cells only, as
`seeds.noise` beside a label noise of 0 and of .2, all are trained, and equal histories are counted once afterwards.
Axes over data are compared point by point, since shares of a table are rounded to whole examples; random draws that are
equal are only told.
"""

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

from grokjax.core.data_warning import DataWarning
from grokjax.core.part import Part
from grokjax.core.words import STREAMS
from grokjax.reader.axes import Axis
from grokjax.reader.errors import Collector, SpecError, wrong
from grokjax.reader.paths import fields_of, replaced, value_at
from grokjax.reader.run import Run
from grokjax.reader.shown_values import shown_value
from grokjax.reader.sweep import Sweep
from grokjax.train.reads import identity_of_training

_MOST_CELLS = 2000  # of a question that must be asked of each; sweeps with more are taken as they are
_MOST_POINTS = 5000  # of axes over data, so many of which are compared with one another
_DATA = {"task", "minibatch", "curriculum"}
_WHY_IDLE = {
    "split": "the task's split is fixed",
    "init": "no initial parameters are drawn",
    "order": "the full train set is used in every update, so there is no order to vary",
    "noise": "there is no label noise, no input noise, no dropout and no regularizer that draws",
}


def check_equal_runs(sweep: Sweep) -> None:
    """Refuse what would train runs that are equal to others.

    Raises:
      SpecError: with every axis and stream of seeds that changes nothing, and the values that are equal.
    """
    _check_data(sweep)
    problems = Collector()
    for axis in sweep.axes:
        for path, values in zip(axis.paths, axis.values, strict=True):
            if len(values) > 1 and _holds_for_all(_runs_of(sweep, path), partial(_is_idle, path, values)):
                with problems.collecting():
                    raise wrong(f"axes.{path}", f"changes nothing: {_why_idle(path)}")
    problems.finish()
    _check_seeds(sweep)


def _check_seeds(sweep: Sweep) -> None:
    """Refuse several seeds when the streams that they feed change nothing in any cell."""
    if sweep.num_seeds < 2:
        return
    taken = {path.removeprefix("seeds.") for path in sweep.axis_names} | {name for name, _ in sweep.seeds.streams}
    free = [name for name in STREAMS if name not in taken]
    runs = _runs_of(sweep, "seeds.split")
    if _holds_for_all(runs, lambda run: all(_is_idle(f"seeds.{name}", (0, 1), run) for name in free)):
        why = " and ".join(_WHY_IDLE[name] for name in free)
        rule = f"{sweep.num_seeds} seeds give equal runs: {why}, and the other streams are fixed or axes"
        raise wrong("seeds", rule)


def _check_data(sweep: Sweep) -> None:
    """Refuse points of axes over data that give the same examples: a share of a table is rounded to whole examples."""
    axes = [axis for axis in sweep.axes if _slots(axis) & _DATA]
    cells = sweep.points.distinct(axes)
    if not axes or len(cells) > _MOST_POINTS:
        return
    drawn = [path for axis in axes if axis.group == "random" for path in axis.paths]
    seen: dict[Any, int] = {}
    warned = ""
    for cell in cells.tolist():
        first = seen.setdefault(_identity(sweep.points.run(cell)), cell)
        if first == cell:
            continue
        refusal = _equal_cells(sweep, axes, first, cell)
        first_point, second_point = sweep.points[first], sweep.points[cell]
        if all(first_point[path] == second_point[path] for path in drawn):
            raise refusal
        warned = warned or str(refusal)
    if warned:  # a draw cannot be left out
        warnings.warn(f"equal runs count once:\n{warned}", DataWarning, stacklevel=2)


def _equal_cells(sweep: Sweep, axes: Sequence[Axis], first: int, second: int) -> SpecError:
    """What is said of two cells that are one."""
    first_point, second_point = sweep.points[first], sweep.points[second]
    paths = [path for axis in axes for path in axis.paths]
    differing = [path for path in paths if first_point[path] != second_point[path]]
    values = [
        " and ".join(str(shown_value(cell[path], path)) for cell in (first_point, second_point)) for path in differing
    ]
    same = [f"{path}={shown_value(first_point[path], path)}" for path in paths if path not in differing]
    where = f" at {', '.join(same)}" if same else ""
    run = sweep.points.run(first)
    counts = run.task.counts(run.task.signature())
    trained = f"{counts.n_train} train examples, {counts.n_corrupt} labels drawn anew"
    rule = f"{', '.join(values)} give the same runs{where}: {trained}"
    return wrong(f"axes.{differing[0]}", rule, hint="leave one out, or exclude one of the two cells")


def _runs_of(sweep: Sweep, path: str) -> Iterator[Run]:
    """One run for each combination of the axes on which it may depend whether the setting at a path is read."""
    slot = fields_of(path)[0]
    unrelated = {"optimizer", "loss"} if slot == "seeds" else set()

    def is_related(axis: Axis) -> bool:
        if slot == "seeds":
            return bool(_slots(axis) - unrelated)
        return slot in _slots(axis) or bool({slot} & _DATA and _slots(axis) & _DATA)

    cells = sweep.points.distinct([axis for axis in sweep.axes if is_related(axis)])
    return (sweep.points.run(int(cell)) for cell in cells)


def _holds_for_all(runs: Iterable[Run], rule: Callable[[Run], bool]) -> bool:
    """Whether a rule holds for every run; not when there are too many to say so."""
    return all(index < _MOST_CELLS and rule(run) for index, run in enumerate(runs))


def _slots(axis: Axis) -> set[str]:
    """The fields of a run that an axis changes."""
    return {fields_of(path)[0] for path in axis.paths}


def _is_idle(path: str, values: Sequence[Any], run: Run) -> bool:
    """Whether every value of a setting gives the same run."""
    *owners, last = fields_of(path)
    owner = value_at(run, ".".join(owners)) if owners else run
    if last in (owner.idle_settings() if isinstance(owner, Part) else ()):
        return True
    identity = _identity(run)
    return all(_identity(replaced(run, path, value)) == identity for value in values)


def _identity(run: Run) -> Any:
    try:
        return identity_of_training(run)
    except Exception:  # what a part's own code raises is said by `Sweep.check`; here it is equal to nothing
        return object()


def _why_idle(path: str) -> str:
    words = path.split(".")
    return _WHY_IDLE[words[1]] if words[0] == "seeds" and len(words) > 1 else "no run of this sweep depends on it"
