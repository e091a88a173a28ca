"""One run alone, in a notebook without a folder."""

import contextlib
import dataclasses
import functools
from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd
import xarray as xr

from grokjax.analysis.table import event_columns
from grokjax.lab.initial_params import check_starts, initial_params_of
from grokjax.orders.identity import run_id
from grokjax.orders.pairing import paired
from grokjax.reader.run import Run
from grokjax.reader.sweep import MeasurePlan, Sweep
from grokjax.results.dataset import assemble
from grokjax.results.reading import looks_of
from grokjax.results.stored_params import nested_params
from grokjax.store.files import Arrays
from grokjax.store.layout import SEED_PATHS
from grokjax.store.records import flat_params, pack_history
from grokjax.train.devices import Pool, choose_pools, prepare_host_devices
from grokjax.train.executables import Traced
from grokjax.train.feed import Feed
from grokjax.train.program import MAP, Values
from grokjax.train.worker import LocalWorker


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


def train_one(
    run: Run, steps: int = 10_000, measure: dict[str, Any] | None = None, device: str | None = None
) -> TrainedRun:
    """Train one run in memory, without a folder: what `Run.train()` does.

    Args:
      steps: its budget, in updates.
      measure: as `measure:` of a sweep file; None for its default.

    Returns:
      `.history` (measures by step), `.summary` (phase and events), `.final` (Flax variables).
    """
    plan: Any = measure or {}
    sweep = Sweep(name="run", base=run, steps=steps, measure=plan)
    sweep.check()
    check_starts(sweep)
    return train_alone(dataclasses.replace(sweep.base, seeds=run.seeds), steps, sweep.measure, device)


def train_alone(run: Run, steps: int, measure: MeasurePlan, device: str | None = None) -> TrainedRun:
    """Train one run in memory, on one device."""
    prepare_host_devices()
    run = paired(run)
    signature = run.task.signature()
    feed = Feed(run, signature, [run.task], measure, None, steps)
    values = feed.values(run, 0, initial_params_of(run))
    with one_worker(feed, values, choose_pools(device, MAP)[0], 1, 1) as worker:
        worker.fill(0, None, values)
        while worker.active[0]:
            worker.start_segment(worker.steps + 5_000, False).result()
        lane = worker.take(0)
    name = run_id(run)
    packed = pack_history([name], [lane], [_seed_values(run)], steps, 0, [run])
    return TrainedRun(run, name, nested_params(flat_params(lane.state.params)), packed)


@contextlib.contextmanager
def one_worker(
    feed: Feed, values: Values, pool: Pool, lanes: int, block_lanes: int, known: Mapping[str, Any] | None = None
) -> Iterator[LocalWorker]:
    """A worker on lanes of its own; closed at the end. `known`: see `Feed.program`."""
    program = feed.program(lanes, block_lanes, known)
    worker = LocalWorker(Traced(program, pool).compile([pool], values, feed.tables, feed.schedule)[0])
    try:
        yield worker
    finally:
        worker.close()


def _seed_values(run: Run) -> dict[str, int]:
    return {path: int(getattr(run.seeds, path.split(".")[1])) for path in SEED_PATHS}
