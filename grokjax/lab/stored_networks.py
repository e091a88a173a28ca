"""Stored networks of a folder at certain steps: which are wanted, and their parameters, cohort by cohort."""

import dataclasses
import functools
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import jax
import numpy as np
import xarray as xr

from grokjax.core.interfaces import Measure, Probe
from grokjax.core.words import FIT_PERCENT
from grokjax.lab.initial_params import initial_params_of
from grokjax.lab.replaying import replay
from grokjax.orders.order import Order
from grokjax.plan.cohorts import Cohort, find_cohorts
from grokjax.reader.measured_steps import MeasurePlan
from grokjax.reader.sweep import Sweep
from grokjax.results.orders_given import orders_given
from grokjax.results.reading import read_dataset
from grokjax.results.stored_params import StoredPlaces, nested_params, params_at, stored_places
from grokjax.results.stored_sweep import stored_sweep
from grokjax.store.layout import StoreError
from grokjax.train.feed import Feed
from grokjax.train.program import Memorized, Values

ALL, LAST = "all", "last"


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What is to be measured: an order's run after `step` updates."""

    order: Order
    step: int


def first_fit(run: xr.Dataset) -> int:
    """Step of the first look of one run at which the train set is fit; -1 when it never is."""
    correct, total = (run[f"look/train_clean/{name}"].values[0].astype(np.int64) for name in ("correct", "n"))
    steps = run["look_step"].values[0]
    is_fit = (steps >= 0) & (100 * correct >= FIT_PERCENT * total)
    return int(steps[np.argmax(is_fit)]) if is_fit.any() else -1


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


class StoredNetworks:
    """Parameters and data of the runs of a cohort, read where they are stored and made again where they are not.

    Attributes:
      feed: tables, values and program of the cohort.
      program: of one lane.
      replayed: run id -> whether its history came out equal, for runs trained again for want of stored weights.
    """

    replayed: dict[str, bool]

    def __init__(self, root: Path, sweep: Sweep, cohort: Cohort, part: Measure | Probe):
        """`part`: what will be taken; a measure becomes part of the program."""
        self._root, self._cohort = root, cohort
        measures = (part,) if isinstance(part, Measure) else ()
        plan = MeasurePlan(sweep.measure.every, sweep.measure.looks, measures)
        self.feed = Feed(cohort.run, cohort.signature, cohort.tasks, plan, None, sweep.steps)
        self.program = self.feed.program(1, 1)
        self._stored, self.replayed = stored_sweep(root), {}
        self._places = stored_places(root)
        self._memorized: dict[str, tuple[int, Any]] = {}

    def in_turn(self, wanted: Sequence[Wanted]) -> list[Wanted]:
        """Those of one file together, so that it is read once."""
        return sorted(wanted, key=self._place)

    def values(self, wanted: Sequence[Wanted]) -> Values:
        """What tells these runs from others, leading axis [snapshot]."""
        values = [
            self.feed.values(one.order.run, self._cohort.table(one.order.cell), initial_params_of(one.order.run))
            for one in wanted
        ]
        return jax.tree.map(lambda *leaves: np.stack(leaves), *values)

    def params(self, wanted: Wanted) -> Any:
        """Parameters of a snapshot; a run whose weights are not stored there is trained again, see `replayed`."""
        stored = self._place(wanted)
        if stored[0]:
            return nested_params(params_at(self._root, stored))
        result = replay(self._root, self._stored, wanted.order.run_id, wanted.step)
        self.replayed[wanted.order.run_id] = result.is_equal
        return result.lane.state.params

    def memorized(self, wanted: Wanted) -> Memorized:
        """What its run had memorized up to this step, as its lane would keep it.

        Read once for each run and then held, since the snapshots of a run do not follow one another.
        """
        run_id = wanted.order.run_id
        if run_id not in self._memorized:
            step = first_fit(self._dataset.sel(run=self._dataset["run_id"].values == run_id))
            self._memorized[run_id] = step, None if step < 0 else self.params(Wanted(wanted.order, step))
        step, params = self._memorized[run_id]
        if params is None or step > wanted.step:
            nothing = jax.tree.map(lambda leaf: np.full_like(leaf, np.nan), self.params(wanted))
            return Memorized(np.int32(-1), nothing)
        return Memorized(np.int32(step), params)

    @functools.cached_property
    def _dataset(self) -> xr.Dataset:
        return read_dataset(self._root)[0]

    def _place(self, wanted: Wanted) -> tuple[str, int]:
        return self._places.get(wanted.order.run_id, {}).get(wanted.step, ("", 0))
