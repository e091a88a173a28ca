"""The file from which peers train runs of a sweep: initial parameters, splits, and when runs are looked at and end."""

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import jax
import numpy as np

from benchmarks.rig.workloads import settings_of
from grokjax.orders.order import grid_orders
from grokjax.plan.cohorts import find_cohorts
from grokjax.reader.sweep import Sweep
from grokjax.store.records import flat_params
from grokjax.train.feed import Feed
from grokjax.train.lane import fresh


def write_map(path: Path, sweep: Sweep, runs: Sequence[int]) -> None:
    """Write some runs of a sweep that makes one cohort of full-batch runs and sweeps no more than decay and data.

    Args:
      runs: numbers of the runs; the file keeps their order.
    """
    (cohort,) = find_cohorts(grid_orders(sweep))
    feed = Feed(cohort.run, cohort.signature, cohort.tasks, sweep.measure, sweep.stop, sweep.steps)
    begin = jax.jit(partial(fresh, feed.program(1, 1)))
    lanes = [jax.tree.map(np.asarray, begin(feed.values(grid_orders(sweep)[run].run), feed.tables)) for run in runs]
    params = [flat_params(lane.state.params) for lane in lanes]
    np.savez(
        path,
        settings=json.dumps(settings_of(cohort.run)),
        inputs=feed.tables.inputs[0],
        targets=feed.tables.targets[0],
        order=np.stack([lane.data.split.order for lane in lanes]),
        n_train=np.stack([lane.data.n_train for lane in lanes]),
        weight_decay=np.array([grid_orders(sweep)[run].run.optimizer.weight_decay for run in runs], np.float32),
        looks=feed.schedule.steps,
        release=feed.schedule.release[0],
        **{f"param/{name}": np.stack([one[name] for one in params]) for name in params[0]},
    )
