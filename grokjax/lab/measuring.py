"""Any measure, taken afterwards from stored weights: the code of the compiled loop, on parameters of a folder."""

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from grokjax.core.interfaces import Measure
from grokjax.core.words import REPORTED_GROUPS
from grokjax.lab.replaying import replay
from grokjax.orders.order import Order
from grokjax.plan.cohorts import Cohort, find_cohorts
from grokjax.reader.measured_steps import MeasurePlan
from grokjax.reader.sweep import Sweep
from grokjax.results.orders_given import orders_given
from grokjax.results.stored_params import StoredPlaces, initial_params_of, nested_params, params_at, stored_places
from grokjax.results.stored_sweep import stored_sweep
from grokjax.store.files import Arrays
from grokjax.store.layout import StoreError
from grokjax.train.executables import number_format
from grokjax.train.feed import Feed
from grokjax.train.lane import fresh
from grokjax.train.look import fit, measure
from grokjax.train.program import Program, State, Tables, Values, run_of
from grokjax.train.step import data_of

_TOGETHER = 16  # snapshots that one call of a program measures
ALL, LAST = "all", "last"


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What is to be measured: an order's run after `step` updates."""

    order: Order
    step: int


def wanted_of(
    root: Path, sweep: Sweep, run_ids: Sequence[str], steps: int | str, ends: Mapping[str, int]
) -> Iterator[tuple[Cohort, list[Wanted]]]:
    """What is to be measured, cohort by cohort.

    Args:
      run_ids: of runs that have ended.
      steps: how many updates, or `last`, or `all` at which weights are stored.
      ends: run id -> updates of the run.

    Raises:
      StoreError: a run ends before `steps`.
    """
    places, chosen = stored_places(root), set(run_ids)
    for orders in orders_given(root, sweep):
        for cohort in find_cohorts(orders):
            wanted = []
            for order in (order for order in cohort.in_turn() if order.run_id in chosen):
                chosen.discard(order.run_id)
                wanted += [Wanted(order, step) for step in _steps(root, order.run_id, steps, ends, places)]
            if wanted:
                yield cohort, wanted


def _steps(root: Path, run_id: str, steps: int | str, ends: Mapping[str, int], places: StoredPlaces) -> list[int]:
    if steps == LAST:
        return [ends[run_id]]
    if steps == ALL:
        return sorted({*places.get(run_id, {}), ends[run_id]})
    if int(steps) > ends[run_id]:
        raise StoreError(f"{root}: run {run_id} ends after {ends[run_id]} updates, so there is no step {steps}.")
    return [int(steps)]


class Probe:
    """A measure of the runs of a cohort, in one compiled program.

    Attributes:
      replayed: run id -> whether its history came out equal, for runs trained again for want of stored weights.
    """

    replayed: dict[str, bool]

    def __init__(self, root: Path, sweep: Sweep, cohort: Cohort, part: Measure):
        self._root, self._cohort = root, cohort
        plan = MeasurePlan(sweep.measure.every, sweep.measure.looks, (part,))
        self._feed = Feed(cohort.run, cohort.signature, cohort.tasks, plan, None, sweep.steps)
        self._program = self._feed.program(1, 1)
        self._stored, self.replayed = stored_sweep(root), {}
        self._places = stored_places(root)
        self._measured = jax.jit(partial(_measured, self._program))

    def shapes(self, first: Wanted) -> dict[str, tuple[int, ...]]:
        """Shape of what the measure gives of a snapshot, beside `fit`, by name; nothing is computed or read."""
        values = self._values([first])
        with number_format(self._program):
            one = jax.tree.map(lambda leaf: leaf[0], values)
            lane = jax.eval_shape(partial(fresh, self._program), one, self._feed.tables)
            params = jax.tree.map(lambda leaf: jax.ShapeDtypeStruct((1, *leaf.shape), leaf.dtype), lane.state.params)
            shapes = jax.eval_shape(self._measured, values, params, np.zeros(1, np.int32), self._feed.tables)
        return {name: leaf.shape[1:] for name, leaf in shapes.items() if name.partition("/")[0] not in REPORTED_GROUPS}

    def measure(self, wanted: Sequence[Wanted]) -> Iterator[Arrays]:
        """Values in the form of a file of `measured/`, some snapshots at a time.

        A run whose weights are not stored at a step is trained again to there; see `replayed`.
        """
        wanted = sorted(wanted, key=self._place)  # those of one file together
        for start in range(0, len(wanted), _TOGETHER):
            some = wanted[start : start + _TOGETHER]
            padded = some + [some[-1]] * (min(_TOGETHER, len(wanted)) - len(some))  # one shape, one program
            with number_format(self._program):
                values = jax.tree.map(np.array, self._measured(*self._arguments(padded), self._feed.tables))
            rows = {f"rows/{name}": column[: len(some)] for name, column in values.items()}
            yield {
                "run_id": np.array([one.order.run_id for one in some]),
                "step": np.array([one.step for one in some], np.int64),
                **rows,
            }

    def _arguments(self, wanted: Sequence[Wanted]) -> tuple[Values, Any, np.ndarray]:
        params = [self._params(one) for one in wanted]
        steps = np.array([one.step for one in wanted], np.int32)
        return self._values(wanted), jax.tree.map(lambda *leaves: np.stack(leaves), *params), steps

    def _values(self, wanted: Sequence[Wanted]) -> Values:
        values = [
            self._feed.values(one.order.run, self._cohort.table(one.order.cell), initial_params_of(one.order.run))
            for one in wanted
        ]
        return jax.tree.map(lambda *leaves: np.stack(leaves), *values)

    def _place(self, wanted: Wanted) -> tuple[str, int]:
        return self._places.get(wanted.order.run_id, {}).get(wanted.step, ("", 0))

    def _params(self, wanted: Wanted) -> Any:
        place = self._place(wanted)
        if place[0]:
            return nested_params(params_at(self._root, place))
        result = replay(self._root, self._stored, wanted.order.run_id, wanted.step)
        self.replayed[wanted.order.run_id] = result.is_equal
        return result.lane.state.params


def _measured(program: Program, values: Values, params: Any, steps: jax.Array, tables: Tables) -> dict[str, jax.Array]:
    """[snapshot, ...] of each name, snapshot after snapshot."""

    def of_one(one: tuple[Values, Any, jax.Array]) -> dict[str, jax.Array]:
        own, weights, step = one
        data = data_of(program, run_of(program, own.leaves), own, tables)
        state = State(weights, None, step, None, jnp.full((), jnp.nan, program.dtype))
        seen = fit(program, own.leaves, data, state, tables)
        return seen | measure(program, own.leaves, data, state, seen, tables)

    return jax.lax.map(of_one, (values, params, steps))
