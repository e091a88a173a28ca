"""One run alone: in a notebook without a folder, or a stored run trained again and compared bit for bit."""

import contextlib
import dataclasses
import difflib
import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from grokjax.analysis.table import event_columns
from grokjax.plan.cohorts import Cohort, find_cohorts
from grokjax.spec.identity import run_id
from grokjax.spec.run import Run
from grokjax.spec.sweep import MeasurePlan, Sweep
from grokjax.store.dataset import assemble
from grokjax.store.files import Arrays
from grokjax.store.head import read_head
from grokjax.store.layout import Layout, StoreError, UnknownRunError
from grokjax.store.opening import SEED_PATHS
from grokjax.store.programs import Programs
from grokjax.store.reading import looks_of, read_file
from grokjax.store.records import flat_params, label_noise, pack_history
from grokjax.store.stored_params import initial_params_of, nested_params
from grokjax.train.devices import Pool, choose_pools, prepare_host_devices
from grokjax.train.executables import Traced
from grokjax.train.feed import Feed
from grokjax.train.program import MAP, Lane, Values
from grokjax.train.worker import Worker


@dataclasses.dataclass(frozen=True)
class TrainedRun:
    """A run trained in memory.

    Attributes:
      run: what was trained.
      run_id: its identity.
      final: Flax variables after the last update.
      packed: its history as stored in a run file.
    """

    run: Run
    run_id: str
    final: dict[str, Any]
    packed: Arrays

    @functools.cached_property
    def history(self) -> xr.Dataset:
        """Measures [k] by `group/name`, with `step` [k]."""
        dataset = assemble([self.packed], _seed_values(self.run)).isel(run=0)
        return dataset[[name for name in dataset.variables if "look" not in dataset[name].dims]]

    @functools.cached_property
    def summary(self) -> pd.Series:
        """Phase and events under the default rule."""
        dataset = assemble([self.packed], _seed_values(self.run))
        return event_columns(looks_of(dataset, {"loss": self.run.loss.kind})).iloc[0]


@dataclasses.dataclass(frozen=True)
class Replay:
    """A stored run trained again.

    Attributes:
      steps: how far.
      compared: numbers compared with the stored history.
      largest_difference: of any of them; 0 with `is_equal` false means that only their bits differ.
      first_difference: name and step of the first number whose bits differ; empty when none does.
      losses: trained loss at every update, before it.
      lane: the run after its last update.
    """

    steps: int
    compared: int
    largest_difference: float
    first_difference: str
    losses: np.ndarray
    lane: Lane

    @property
    def is_equal(self) -> bool:
        """Whether every bit is the same."""
        return not self.first_difference


def train_alone(run: Run, steps: int, measure: MeasurePlan, device: str | None = None) -> TrainedRun:
    """Train one run in memory, on one device."""
    prepare_host_devices()
    signature = run.task.signature()
    feed = Feed(run, signature, [run.task], measure, None, steps)
    values = feed.values(run, 0, initial_params_of(run))
    with _one_worker(feed, values, choose_pools(device, MAP)[0], 1, 1) as worker:
        worker.fill(0, 0, values)
        while worker.active[0]:
            worker.start_segment(worker.steps + 5_000, False).result()
        lane = worker.take(0)
    name = run_id(run)
    packed = pack_history([name], [lane], [_seed_values(run)], steps, 0, [label_noise(run.task)])
    return TrainedRun(run, name, nested_params(flat_params(lane.state.params)), packed)


def replay(root: Path, sweep: Sweep, name: str, steps: int | None = None, device: str | None = None) -> Replay:
    """Train a stored run again, alone in the program that trained it, and compare with its stored history.

    Args:
      root: the sweep's folder.
      sweep: as stored there.
      name: run id.
      steps: how far; None for as far as it is stored.

    Raises:
      StoreError: there is no such run.
    """
    prepare_host_devices()
    cohort, index = find_run(sweep, name)
    stored, place = _stored_history(root, name)
    steps = int(stored["final_step"][place]) if steps is None else steps
    feed = Feed(cohort.run, cohort.signature, cohort.tasks, sweep.measure, sweep.stop, sweep.steps)
    values = feed.values(sweep.run(index), cohort.table(index // sweep.num_seeds), initial_params_of(sweep.run(index)))
    program = Programs(Layout(root).plan).get(cohort.key) or {"executor": MAP, "block_lanes": 1, "block_rows": None}
    pool = choose_pools(device, program["executor"])[0]
    lanes = program["block_lanes"] * len(pool.devices)
    losses = []
    with _one_worker(feed, values, pool, lanes, program["block_lanes"], program["block_rows"]) as worker:
        worker.fill(0, index, values)
        while worker.active[0] and worker.steps[0] < steps:
            worker.start_segment(worker.steps + 1, False).result()
            losses.append(worker.losses()[0])
        worker.start_segment(worker.steps, False).result()  # the look at the last step
        lane = worker.take(0)
    history = pack_history([name], [lane], [{}], sweep.steps, 0)
    return _compare(history, stored, place, np.array(losses[: int(lane.state.step)]), lane)


def trace(result: Replay, sweep: Sweep, name: str) -> Arrays:
    """What an independent program needs to train the same run: plain arrays.

    `param/<path>` initial parameters; `inputs`, `targets` the whole table, targets as given to the learner;
    `true_targets`; `train_index` the examples of the train set in train order; `loss` one per step, before the update.
    """
    _, index = find_run(sweep, name)
    run = sweep.run(index)
    table, data = run.task.table(), result.lane.data
    signature = run.task.signature()
    feed = Feed(run, signature, [run.task], sweep.measure, None, sweep.steps)
    values = feed.values(run, 0, initial_params_of(run))
    with _one_worker(feed, values, choose_pools(None, MAP)[0], 1, 1) as worker:
        worker.fill(0, 0, values)
        initial = flat_params(worker.take(0).state.params)
    return {
        **{f"param/{path}": leaf for path, leaf in initial.items()},
        "inputs": table.inputs,
        "targets": np.asarray(data.split.labels),
        "true_targets": table.targets,
        "train_index": np.asarray(data.split.order)[: int(data.n_train)],
        "loss": result.losses,
    }


def find_run(sweep: Sweep, name: str) -> tuple[Cohort, int]:
    """Cohort and number of a run by its id.

    Raises:
      UnknownRunError: the sweep has no such run.
    """
    ids = []
    for cohort in find_cohorts(sweep):
        for index in cohort.runs:
            ids.append(run_id(sweep.run(int(index))))
            if ids[-1] == name:
                return cohort, int(index)
    close = difflib.get_close_matches(name, ids, 1)
    hint = f"; did you mean {close[0]!r}?" if close else "; `grokjax table` has the ids."
    raise UnknownRunError(f"sweep {sweep.name} has no run {name!r}{hint}")


@contextlib.contextmanager
def _one_worker(
    feed: Feed, values: Values, pool: Pool, lanes: int, block_lanes: int, rows: int | None = None
) -> Iterator[Worker]:
    program = feed.program(lanes, block_lanes, rows)
    worker = Worker(Traced(program, pool).compile([pool], values, feed.tables, feed.schedule)[0])
    try:
        yield worker
    finally:
        worker.close()


def _seed_values(run: Run) -> dict[str, int]:
    return {path: int(getattr(run.seeds, path.split(".")[1])) for path in SEED_PATHS}


def _stored_history(root: Path, name: str) -> tuple[Arrays, int]:
    head, _ = read_head(Layout(root))
    found: tuple[Arrays, int] | None = None
    for file in sorted(head.files if head else {}):
        if head is not None and file.startswith("runs/"):
            arrays = read_file(root, file, head)
            places = np.flatnonzero(arrays["run_id"] == name)
            if len(places) and (found is None or arrays["final_step"][places[0]] >= found[0]["final_step"][found[1]]):
                found = arrays, int(places[0])
    if found is None:
        raise StoreError(f"{root}: run {name} has not finished here.")
    return found


def _compare(new: Arrays, stored: Arrays, place: int, losses: np.ndarray, lane: Lane) -> Replay:
    compared, largest, first = 0, 0.0, ""
    for kind, steps_name in (("looks", "look_step"), ("rows", "row_step")):
        here, there = new[steps_name][0], stored[steps_name][place]
        common, left, right = np.intersect1d(here[here >= 0], there[there >= 0], return_indices=True)
        for name in (one for one in new if one.startswith(f"{kind}/")):
            a, b = new[name][0][left], stored[name][place][right]
            compared += a.size
            same = a.view(np.uint8).reshape(len(common), -1) == b.view(np.uint8).reshape(len(common), -1)
            if not np.all(same):
                step = int(common[np.argmin(np.all(same, axis=1))])
                first = first or f"{name.removeprefix(kind + '/')} at step {step}"
                with np.errstate(invalid="ignore"):
                    largest = max(largest, float(np.nanmax(np.abs(a.astype(np.float64) - b.astype(np.float64)))))
    return Replay(int(lane.state.step), compared, largest, first, losses, lane)
