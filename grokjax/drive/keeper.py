"""One cohort being trained into a folder: what ended is committed, the batched state is saved from time to time."""

import time
from collections.abc import Mapping, Sequence

import numpy as np

from grokjax.drive.standing import Standing
from grokjax.orders.order import Order
from grokjax.plan.cohorts import Cohort
from grokjax.store.files import arrays_to_bytes, write_atomically, write_record
from grokjax.store.records import DIVERGED, pack_orders, stop_reason
from grokjax.train.program import MAP, Lane
from grokjax.train.trainer import EndedRun, Saved, Segment, Trainer, Weights
from grokjax.train.worker import unstack

COMMIT_SECONDS = 2.0
"""Finished runs and snapshots wait at most this long for others to share a file with."""


class Keeper:
    """Stores what the lanes of a cohort hand over."""

    def __init__(self, standing: Standing, cohort: Cohort):
        self._standing, self._folder, self._sweep = standing, standing.folder, standing.sweep
        self._cohort, self._progress = cohort, standing.progress
        self._pending: list[EndedRun] = []
        self._snapshots: list[Weights] = []
        self._copies: dict[int, tuple[list[Order | None], Lane]] = {}
        self._is_copying = False
        self._committed = self._saved = self._began = time.monotonic()
        self._cost = 0.0, 0
        self._seconds_before = self._progress.seconds

    def keep(self, segment: Segment, running_steps: Sequence[int]) -> None:
        """Count a segment, and commit what ended once enough has gathered.

        Args:
          running_steps: updates done by each run that holds a lane now.
        """
        now = time.monotonic()
        self._count(segment, running_steps, now)
        self._snapshots += segment.weights
        self._pending += segment.ended
        if (self._pending or self._snapshots) and now - self._committed > COMMIT_SECONDS:
            self.commit()
        self._folder.commit_save()
        self._progress.is_saving, self._progress.forecast_seconds = self._folder.is_saving, None
        write_record(self._folder.layout.live, self._progress.to_json())
        self._standing.options.watch(self._progress)

    def copy_when_due(self, trainer: Trainer, pool: int) -> None:
        """When a save is due, copy the lanes of a resting pool; it begins once every busy one has given its copy."""
        is_due = time.monotonic() - self._saved > self._standing.options.save_seconds and not self._folder.is_saving
        if not (is_due or self._is_copying):
            return
        self._is_copying = True
        copied = None if pool in self._copies else trainer.copy(pool)
        if copied is not None:
            self._copies[pool] = copied

    def save_when_copied(self, trainer: Trainer) -> None:
        """Save once every pool that holds runs has given its copy."""
        if self._is_copying and self._copies.keys() >= set(trainer.busy_pools()):
            self._saved = time.monotonic()
            copies, self._copies, self._is_copying = self._copies, {}, False
            self.save(_in_order(copies, trainer.waiting()))

    def commit(self) -> None:
        """Commit snapshots and the runs that ended, in this order: a committed run is never trained again."""
        self._committed = time.monotonic()
        if self._snapshots:
            snapshots, self._snapshots = self._snapshots, []
            self._folder.add_snapshots(snapshots)
        if not self._pending:
            return
        ended, self._pending = self._pending, []
        self._folder.add_runs(ended, self._sweep.steps, self._cohort.number, self._standing.plan.stores_weights)
        for run in ended:
            step, reason = int(run.lane.state.step), stop_reason(run.lane, self._sweep.steps)
            pool, lane = run.place
            self._folder.log("ended", run_id=run.order.run_id, step=step, reason=reason, pool=pool, lane=lane)

    def save(self, saved: Saved) -> None:
        """Save the batched state in the background. What came before it was copied is committed first."""
        self.commit()
        if saved.lanes or saved.waiting:
            self._write_live_curves(saved)
            self._folder.start_save(saved, self._cohort.key)

    def end(self, trainer: Trainer, is_complete: bool) -> None:
        """Commit everything; without an end of the cohort also the batched state. All pools rest."""
        self.commit()
        self._log_cost()
        if not is_complete:
            copies = {pool: trainer.copy(pool, at_once=True) for pool in trainer.busy_pools()}
            known = {pool: copied for pool, copied in copies.items() if copied is not None}
            self.save(_in_order(known, trainer.waiting()))
        self._folder.commit_save(wait=True)
        write_record(self._folder.layout.live, self._progress.to_json())

    def _log_cost(self) -> None:
        """What the cohort has cost since this start: seconds of compiled segments, over the devices, and updates."""
        seconds, run_steps = self._cost
        self._folder.log("trained", cohort=self._cohort.key, seconds=round(seconds, 3), run_steps=run_steps)

    def _count(self, segment: Segment, running_steps: Sequence[int], now: float) -> None:
        progress = self._progress
        progress.useful += segment.report.useful
        self._cost = self._cost[0] + segment.report.seconds, self._cost[1] + segment.report.useful
        progress.executed += segment.report.executed
        progress.busy_seconds += segment.report.seconds
        progress.seconds = self._seconds_before + now - self._began
        progress.done += len(segment.ended)
        progress.diverged += sum(stop_reason(run.lane, self._sweep.steps) == DIVERGED for run in segment.ended)
        progress.ended = {run.order.run_id: run for run in segment.ended}
        progress.running = len(running_steps)
        progress.queued = progress.total - progress.done - progress.running
        steps = self._sweep.steps
        progress.steps_left = progress.queued * steps + sum(steps - step for step in running_steps)
        if progress.executor == MAP:
            progress.executed = progress.useful

    def _write_live_curves(self, saved: Saved) -> None:
        """Histories so far of the runs in a lane, for readers only; nothing is ever restored from here."""
        busy = [
            (order, unstack(lanes, lane))
            for orders, lanes in zip(saved.orders, saved.lanes, strict=True)
            for lane, order in enumerate(orders)
            if order is not None
        ]
        if not busy:
            return
        orders, lanes = [order for order, _ in busy], [lane for _, lane in busy]
        arrays = pack_orders(orders, lanes, self._sweep.steps, self._cohort.number)
        arrays["stop_reason"] = np.full(len(busy), "running")
        write_atomically(self._folder.layout.live_curves, arrays_to_bytes(arrays))


def _in_order(copies: Mapping[int, tuple[list[Order | None], Lane]], waiting: Mapping[str, Lane]) -> Saved:
    """Copies of all pools as one batched state."""
    in_order = [copies[pool] for pool in sorted(copies)]
    return Saved([orders for orders, _ in in_order], [lanes for _, lanes in in_order], waiting)
