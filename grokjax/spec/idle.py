"""Which axes and seeds change no run? What a run computes is traced without being computed, and held against them.

A number is idle when nothing that an update gives depends on it, any other setting when another value of it gives the
same program, in every cell of the sweep. What only the values of other settings tell, parts say: `Part.idle_settings`.
Sweeps whose cells are too many to ask each of them are taken as they are.
"""

import dataclasses
import functools
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jax.interpreters import partial_eval

from grokjax.core.interfaces import Params
from grokjax.core.part import Part
from grokjax.core.schedules import at_step
from grokjax.core.streams import stream, substreams
from grokjax.spec.axes import Axis
from grokjax.spec.errors import Collector, wrong
from grokjax.spec.paths import fields_of, replaced, value_at
from grokjax.spec.run import Run

_ROWS = 2  # of the example block
_MOST_CELLS = 2000
_TRACED = ("model", "loss", "optimizer", "regularizers")
_STREAMS = ("split", "init", "order", "noise")
_MARK = object()
RunsOf = Callable[[Sequence[Axis]], Iterable[Run]]


@dataclasses.dataclass(frozen=True)
class Trace:
    """What a run computes.

    Attributes:
      text: of everything that an update gives.
      used: [leaf] whether it depends on each number of the run, in tree order.
    """

    text: str
    used: tuple[bool, ...]


def check_idle(axes: Sequence[Axis], runs_of: RunsOf) -> None:
    """Refuse axes over a setting that changes nothing in any cell.

    Args:
      axes: of the sweep.
      runs_of: axes -> one run for each different combination of their points.
    """
    problems = Collector()
    for axis in axes:
        for path, values in zip(axis.paths, axis.values, strict=True):
            related = [other for other in axes if _slot(other) & _slot(axis)]
            if _is_examined(path, values) and _holds_for_all(runs_of(related), partial(_is_idle, path, values)):
                with problems.collecting():
                    raise wrong(f"axes.{path}", "changes nothing: no run of this sweep depends on it")
    problems.finish()


def check_idle_seeds(axes: Sequence[Axis], fixed: Iterable[str], num_seeds: int, runs_of: RunsOf) -> None:
    """Refuse a stream of seeds that is an axis and feeds nothing, and seeds that give equal runs."""
    named = {path.removeprefix("seeds.") for axis in axes for path in axis.paths if path.startswith("seeds.")}
    free = [name for name in _STREAMS if name not in named and name not in set(fixed)] if num_seeds > 1 else []
    if "split" in free or not (named or free):
        return
    related = [axis for axis in axes if _slot(axis) - {"optimizer", "loss", "seeds"}]
    idle = {name for name in _STREAMS[1:] if _holds_for_all(runs_of(related), partial(_is_deaf, name))}
    for name in sorted(named & idle):
        raise wrong(f"axes.seeds.{name}", f"changes nothing: {_WHY_IDLE[name]}")
    if free and set(free) <= idle:
        why = " and ".join(_WHY_IDLE[name] for name in free)
        raise wrong("seeds", f"{num_seeds} seeds give equal runs: {why}, and the other streams are fixed or axes")


_WHY_IDLE = {
    "init": "no initial parameters are drawn",
    "order": "the full train set is used in every update, so there is no order to vary",
    "noise": "there is no label noise, no dropout and no regularizer that draws",
}


def _holds_for_all(runs: Iterable[Run], rule: Callable[[Run], bool]) -> bool:
    """Whether a rule holds for every run; not when there are too many to say so."""
    return all(index < _MOST_CELLS and rule(run) for index, run in enumerate(runs))


def _slot(axis: Axis) -> set[str]:
    return {fields_of(path)[0] for path in axis.paths}


def _is_examined(path: str, values: Sequence[Any]) -> bool:
    """Whether an axis is over one setting of a part that a trace shows; whole parts are compared as they are."""
    inside = fields_of(path)[0] in _TRACED and fields_of(path)[-1] not in _TRACED and not path[-1].isdigit()
    return inside and len(values) > 1 and not any(isinstance(value, Part | tuple) for value in values)


def _is_idle(path: str, values: Sequence[Any], run: Run) -> bool:
    """Whether another value of a setting gives the same run."""
    *owners, last = fields_of(path)
    owner = value_at(run, ".".join(owners))
    if last in (owner.idle_settings() if isinstance(owner, Part) else ()):
        return True
    try:
        place = _leaf(run, path)
        if place is not None and all(isinstance(value, int | float) for value in values):
            return not traced(run).used[place]
        other = next(value for value in values if value != value_at(run, path))
        return traced(run).text == traced(replaced(run, path, other)).text
    except Exception:  # what a part's own code raises is said by `check_programs`
        return False


def _leaf(run: Run, path: str) -> int | None:
    """Position of a number among those of the run; None when it is static."""
    leaves = jax.tree.leaves(replaced(run, path, _MARK))
    return next((place for place, leaf in enumerate(leaves) if leaf is _MARK), None)


def _is_deaf(name: str, run: Run) -> bool:
    """Whether a stream of seeds changes nothing that this run computes."""
    if name == "order":
        return run.minibatch is None
    if name == "noise" and run.task.counts(run.task.signature()).n_corrupt > 0:
        return False
    if getattr(run.model, "dropout", None) == 0:  # masks are drawn, and drop nothing
        run = replaced(run, "model.dropout", None)
    try:
        place = _leaf(run, f"seeds.{name}")
        return place is not None and not traced(run).used[place]
    except Exception:  # what a part's own code raises is said by `check_programs`
        return False


def traced(run: Run) -> Trace:
    """Trace the initial parameters of a run, and one update from any parameters and optimizer state."""
    leaves, structure = jax.tree.flatten(run)
    return _traced(structure, tuple(isinstance(leaf, int) for leaf in leaves))


@functools.lru_cache(maxsize=64)
def _traced(structure: Any, is_whole: tuple[bool, ...]) -> Trace:
    """`traced`, from what shapes a run's program: the tree without its numbers, of which some are whole."""
    run: Run = jax.tree.unflatten(structure, [1 if whole else 1.0 for whole in is_whole])
    dtype = np.dtype(run.precision.params)
    numbers = [jax.ShapeDtypeStruct((), np.uint32 if whole else dtype) for whole in is_whole]
    with jax.enable_x64(run.precision.params == "float64"):
        outcome, arguments = _update(run, structure)
        closed = jax.make_jaxpr(outcome)(numbers, *arguments)
    kept, used = partial_eval.dce_jaxpr(closed.jaxpr, [True] * len(closed.jaxpr.outvars))
    constants = "".join(_texts_of_constants(closed))
    return Trace(f"{run.task.signature()}{kept}{constants}", tuple(used[: len(numbers)]))


def _texts_of_constants(closed: Any) -> Iterator[str]:
    """Arrays that the traced code closes over, those of programs inside it too; a printed program hides them."""
    for one in closed.consts:
        array = np.asarray(one)
        yield repr((array.shape, array.dtype.str, array.tobytes()))
    for equation in closed.jaxpr.eqns:
        for inner in jax.tree.leaves(tuple(equation.params.values()), is_leaf=lambda one: hasattr(one, "consts")):
            if hasattr(inner, "consts") and hasattr(inner, "jaxpr"):
                yield from _texts_of_constants(inner)


def _update(run: Run, structure: Any) -> tuple[Callable[..., Any], tuple[Any, ...]]:
    """A function of a run's numbers and further arguments, and the shapes of the latter.

    The arguments are parameters, optimizer state, inputs [example, ...], targets [example, ...] and the step.
    """
    signature = run.task.signature()
    params = jax.eval_shape(lambda: run.model.init(stream(jnp.zeros((), jnp.uint32), "init"), signature))
    # All of it inside the trace: a number made outside would start a device before anyone has said how many there are.
    state = jax.eval_shape(lambda params: _transform(at_step(run, jnp.zeros((), jnp.int32))).init(params), params)
    inputs = jax.ShapeDtypeStruct((_ROWS, *signature.input_shape), signature.input_dtype)
    targets = jax.ShapeDtypeStruct((_ROWS, *signature.target_shape), signature.target_dtype)

    def outcome(
        numbers: list, params: Params, state: Any, inputs: jax.Array, targets: jax.Array, step: jax.Array
    ) -> Any:
        one = jax.tree.unflatten(structure, numbers)
        drawn = None if one.init is not None else one.model.init(stream(one.seeds.init, "init"), signature)
        now = at_step(one, step)

        def objective(params: Params) -> jax.Array:
            dropout, noise = (stream(now.seeds.noise, purpose, step) for purpose in ("dropout", "noise"))
            dropout = substreams(dropout, jnp.arange(_ROWS))
            outputs = now.model.logits(now.model.prepare(params, signature), inputs, signature, dropout)
            penalties = [part.penalty(params, noise, step) for part in now.regularizers]
            return jnp.sum(now.loss.loss(outputs, targets)) + sum(penalties)

        updates, after = _transform(now).update(jax.grad(objective)(params), state, params)
        moved = optax.apply_updates(params, updates)
        for part in now.regularizers:
            moved = part.project(moved)
        return drawn, _transform(now).init(params), moved, after

    return outcome, (params, state, inputs, targets, jax.ShapeDtypeStruct((), np.int32))


def _transform(run: Run) -> optax.GradientTransformation:
    return optax.chain(*(part.gradient() for part in run.regularizers), run.optimizer.transform())
