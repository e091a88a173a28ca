"""A stored run trained again, alone, and compared with its stored history bit for bit."""

import dataclasses
from pathlib import Path

import numpy as np

from grokjax.core.words import nearest
from grokjax.lab.history_difference import difference
from grokjax.lab.initial_params import initial_params_of
from grokjax.lab.single import one_worker
from grokjax.orders.order import Order
from grokjax.plan.cohorts import Cohort, find_cohorts
from grokjax.reader.sweep import Sweep
from grokjax.results.orders_given import orders_given
from grokjax.results.stored_sweep import refuse_changed_sources
from grokjax.store.committed import is_old, read_file, read_spec
from grokjax.store.files import Arrays
from grokjax.store.head import read_head
from grokjax.store.layout import Layout, StoreError, UnknownRunError
from grokjax.store.programs import Programs
from grokjax.store.records import flat_params, pack_history
from grokjax.train.devices import choose_pools, prepare_host_devices
from grokjax.train.feed import Feed
from grokjax.train.program import MAP, Lane
from grokjax.train.worker import LocalWorker


@dataclasses.dataclass(frozen=True)
class Replay:
    """A stored run trained again.

    Attributes:
      order: whose run it is.
      steps: how far.
      compared: numbers compared with the stored history.
      largest_difference: of any of them; 0 with `is_equal` false means that only their bits differ.
      first_difference: what differs first and at which step; empty when nothing does.
      losses: trained loss at every update, before it.
      lane: the run after its last update.
    """

    order: Order
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


def replay(root: Path, sweep: Sweep, name: str, steps: int | None = None, device: str | None = None) -> Replay:
    """Train a stored run again, alone in the program that trained it, and compare with its stored history.

    Args:
      root: the sweep's folder.
      sweep: as stored there.
      name: run id.
      steps: how far at most; None for its end, at the latest where the budget of the stored one ended.

    Raises:
      StoreError: there is no such run.
    """
    prepare_host_devices()
    cohort, order = find_run(root, sweep, name)
    stored = _stored_history(root, name)
    limit = int(stored["budget"]) if steps is None else steps
    feed = Feed(cohort.run, cohort.signature, cohort.tasks, sweep.measure, sweep.stop, sweep.steps)
    values = feed.values(order.run, cohort.table(order.cell), initial_params_of(order.run))
    programs = Programs(Layout(root).plan, is_old=is_old(read_spec(root)))
    known = programs.get(cohort.key)
    executor, block_lanes = (known["executor"], known["block_lanes"]) if known else (MAP, 1)
    pool = choose_pools(device, executor)[0]
    with one_worker(feed, values, pool, block_lanes * len(pool.devices), block_lanes, known) as worker:
        worker.fill(0, order, values)
        losses = _train(worker, limit)
        lane = worker.take(0)
    packed = pack_history([name], [lane], [{}], int(stored["budget"]), 0)
    differs = difference({key: column[0] for key, column in packed.items()}, stored, limit, feed.schedule.steps)
    step = int(lane.state.step)
    return Replay(order, step, differs.compared, differs.largest, differs.first, np.array(losses[:step]), lane)


def _train(worker: LocalWorker, limit: int) -> list[np.ndarray]:
    """Train lane 0 to its end or to a limit; gives the trained loss of every update."""
    losses = []
    while worker.active[0] and worker.steps[0] < limit:
        worker.start_segment(worker.steps + 1, False).result()
        losses.append(worker.losses()[0])
    worker.start_segment(worker.steps, False).result()  # the look at the last step
    return losses


def trace(result: Replay, sweep: Sweep) -> Arrays:
    """What an independent program needs to train the same run: plain arrays.

    `param/<path>` initial parameters; `inputs`, `targets` the whole table, targets as given to the learner;
    `true_targets`; `train_index` the examples of the train set in train order; `loss` one per step, before the update.
    """
    run = result.order.run
    table, data = run.task.table(), result.lane.data
    signature = run.task.signature()
    feed = Feed(run, signature, [run.task], sweep.measure, None, sweep.steps)
    values = feed.values(run, 0, initial_params_of(run))
    with one_worker(feed, values, choose_pools(None, MAP)[0], 1, 1) as worker:
        worker.fill(0, result.order, values)
        initial = flat_params(worker.take(0).state.params)
    return {
        **{f"param/{path}": leaf for path, leaf in initial.items()},
        "inputs": table.inputs,
        "targets": np.asarray(data.split.labels),
        "true_targets": table.targets,
        "train_index": np.asarray(data.split.order)[: int(data.n_train)],
        "loss": result.losses,
    }


def find_run(root: Path, sweep: Sweep, name: str) -> tuple[Cohort, Order]:
    """Cohort and order of a run by its id.

    Raises:
      UnknownRunError: the sweep has no such run.
      StoreError: other code trained its runs.
    """
    ids = []
    for orders in orders_given(root, sweep):
        for cohort in find_cohorts(orders):
            for order in cohort.in_turn():
                if order.run_id == name:
                    return cohort, order
                ids.append(order.run_id)
    refuse_changed_sources(root, read_spec(root), sweep)
    close = nearest(name, ids)
    hint = f"; did you mean {close!r}?" if close else "; `grokjax table` has the ids."
    raise UnknownRunError(f"sweep {sweep.name} has no run {name!r}{hint}")


def _stored_history(root: Path, name: str) -> Arrays:
    """Everything of a finished run in its run file, without the run axis; of a continued one, the longest."""
    head, _ = read_head(Layout(root))
    history: Arrays | None = None
    for file in sorted(head.files if head else {}):
        if head is not None and file.startswith("runs/"):
            arrays = read_file(root, file, head)
            for index in np.flatnonzero(arrays["run_id"] == name):
                if history is None or arrays["final_step"][index] >= history["final_step"]:
                    history = {key: column[index] for key, column in arrays.items()}
    if history is None:
        raise StoreError(f"{root}: run {name} has not finished here.")
    return history
