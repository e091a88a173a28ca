"""From a sweep to stored results: its cohorts one after another, each by `loop.train_cohort`, then put together.

sweep -> cohorts -> lanes of a device -> finished runs -> history and table
"""

import contextlib
import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax
import numpy as np

from grokjax.drive.claim_check import check_claims
from grokjax.drive.consolidation import consolidate
from grokjax.drive.fleet import Fleet, LocalFleet, Programs
from grokjax.drive.keeper import Keeper
from grokjax.drive.loop import train_cohort
from grokjax.drive.measuring import measure_ended
from grokjax.drive.opening import open_for_writing, refuse_strangers
from grokjax.drive.options import Options, check_device
from grokjax.drive.preparation import RUN_SECONDS, Ready, time_cohort
from grokjax.drive.progress import Progress
from grokjax.drive.standing import Standing
from grokjax.drive.starts import Starts, taken_first
from grokjax.drive.trainable import check_trainable
from grokjax.lab.initial_params import check_starts
from grokjax.lab.opened import OpenedResults, open_results
from grokjax.lab.stored_networks import ALL
from grokjax.orders.order import Order, distinct_runs
from grokjax.plan.cohorts import Cohort
from grokjax.plan.plan import CohortPlan
from grokjax.reader.errors import first_line, wrong
from grokjax.reader.measured_steps import cadence_steps
from grokjax.reader.sweep import Sweep
from grokjax.results.stored_sweep import as_recorded
from grokjax.store.layout import StoreError
from grokjax.store.lock import exclusive
from grokjax.train.preflight import MemoryLimitError, is_out_of_memory
from grokjax.train.products import warn_of_pairs
from grokjax.train.program import Lane
from grokjax.train.stop import Stop

LONG = 200_000
"""Run-steps of a cohort from which its time is forecast before it is trained."""
_MOST_ASKED = 1000  # orders whose run ids are looked for in a folder
NARROWER = 4  # attempts of a cohort, each in half as many lanes


class FailedRunsError(RuntimeError):
    """Runs were given up; the others are trained."""


def run_sweep(sweep: Sweep, root: Path, options: Options | None = None) -> Progress:
    """Train every run of a sweep that its folder does not hold yet; the same call again resumes.

    Args:
      sweep: what to run.
      root: the sweep's folder, made if need be.

    Raises:
      LockedError: another process works on the folder.
      StoreError: the folder holds another sweep, or was trained with another executor or other lanes.
      SpecError: what the runs start from is not stored; nothing was written.
      DeviceError, MemoryLimitError, DiskLimitError: the device is missing or too small, or the disk is.
    """
    options = options or Options()
    if options.share != (0, 1) and sweep.compare is not None:
        raise wrong("--shard", "arms are tuned on the results of all runs, so a comparison cannot be shared out")
    sweep = as_recorded(sweep, root)
    if options.workers is None:
        check_device(options)
    check_starts(sweep)
    refuse_strangers(root)
    with exclusive(root / "LOCK"):
        return run_locked(sweep, root, options)


def run_locked(sweep: Sweep, root: Path, options: Options) -> Progress:
    """`run_sweep` for a caller that holds the folder's lock."""
    with contextlib.closing(open_for_writing(root, sweep)) as folder:
        if not folder.head.is_complete:
            options = dataclasses.replace(options, executor=folder.programs.executor(options.executor))
        with contextlib.closing(fleet_of(options)) as fleet:
            warn_of_pairs(sweep, fleet.devices.platform)
            standing = Standing(sweep, folder, fleet.devices, options)
            standing.check_lanes()
            _check_sources(standing)
            if not folder.head.is_complete:
                standing.check_disk()
            folder.note_start(fleet.provenance())
            return _train_all(standing, fleet)


def fleet_of(options: Options) -> Fleet:
    """What trains, by the options."""
    if options.workers is None:
        return LocalFleet(options)
    from grokjax.drive.remote.ray_fleet import RayFleet  # of an extra

    return RayFleet(options)


def _check_sources(standing: Standing) -> None:
    """Refuse a folder whose runs started from other networks than `init.from` leads to now.

    A sweep's file names the folder that it starts from, and that may have been trained anew or be another of its name.

    Raises:
      StoreError: no run that is wanted is there, though others are.
    """
    ledger, first = standing.folder.ledger, standing.rounds[0]
    if not ledger or not any(run.init is not None for run in (first[0].run, standing.sweep.base)):
        return
    some = np.linspace(0, len(first) - 1, min(len(first), _MOST_ASKED)).astype(int)
    if not any(first[number].run_id in ledger for number in some.tolist()):
        raise StoreError(
            f"{standing.folder.layout.root} holds runs that started from other networks than `init.from` leads to now; "
            "bring that folder back as it was, or give another --out."
        )


def train_sweep(sweep: Sweep, root: str | Path | None = None, **options: Any) -> OpenedResults:
    """Train a sweep and open its results: what `Sweep.run()` does.

    Args:
      root: its folder, `results/NAME` unless given.
      options: see `Options`.
    """
    sweep.check()
    check_trainable(sweep)
    check_claims(sweep)
    folder = Path("results") / sweep.name if root is None else Path(root)
    run_sweep(sweep, folder, Options(**options))
    return open_results(folder)


def _train_all(standing: Standing, fleet: Fleet) -> Progress:
    """Train what is left and put the results together; whoever says `Stop` meanwhile gets the reason back."""
    folder, progress = standing.folder, standing.progress
    if folder.head.is_complete and not standing.sweep.measure.probes:
        folder.clear_checkpoints()  # the last process may have been killed right after its last commit
        progress.stage = "done"  # live.json keeps what the last one said
        standing.options.watch(progress)
        return progress
    try:
        while True:
            _train_round(standing, fleet)
            if progress.reason:
                return standing.tell("stopped")
            _refuse_failed(standing, fleet)
            if standing.options.share != (0, 1):  # the other runs of the sweep are trained elsewhere
                _probe(standing)
                return standing.tell("stopped" if progress.reason else "done")
            if not standing.take_on_round():
                break
        _consolidate(standing)
        try:
            _probe(standing)
        finally:  # also where a probe refuses a network: what was trained is then as complete as without it
            _consolidate(standing)
        return standing.tell("stopped" if progress.reason else "done")
    except Stop as stop:
        progress.reason = str(stop)
        return standing.tell("stopped")


def _refuse_failed(standing: Standing, fleet: Fleet) -> None:
    """Say which runs were given up, once the others are trained.

    Raises:
      FailedRunsError: some were.
    """
    if fleet.failed:
        standing.tell("stopped")
        some = ", ".join(fleet.failed[:5]) + (", ..." if len(fleet.failed) > 5 else "")
        raise FailedRunsError(
            f"{len(fleet.failed)} runs failed: their workers died with them, at last when each was alone: {some}. "
            "All others of this round are stored; the same command tries these again."
        )


def _train_round(standing: Standing, fleet: Fleet) -> None:
    """Train the cohorts of a round, until there is a reason to stop."""
    with fleet.programs(standing) as programs:
        for planned in standing.plan.cohorts:
            _train_in_fewer_lanes(standing, programs, planned)
            if standing.progress.reason:
                return


def _consolidate(standing: Standing) -> None:
    """Put the results together, unless they are."""
    if not standing.folder.head.is_complete:
        standing.tell("consolidating")
        consolidate(standing.folder, distinct_runs(standing.rounds))


def _probe(standing: Standing) -> None:
    """Compute the probes that the sweep names of every stored network, as far as that was not done."""
    probes = standing.sweep.measure.probes
    if probes:
        standing.tell("probing")
        run_ids = [orders[int(number)].run_id for orders in standing.rounds for number in orders.in_turn()]
        measure_ended(standing.folder, standing.sweep, probes, run_ids, ALL, standing.reason_to_stop)
        standing.progress.reason = standing.reason_to_stop()


def _train_in_fewer_lanes(standing: Standing, programs: Programs, planned: CohortPlan) -> None:
    """Train what is left of a cohort; each time a device runs out of memory, in half as many lanes.

    With `vmap` fewer lanes are another program, in which bits are equal to rounding.
    """
    narrowed, width, reason = None, 0, ""
    for _ in range(NARROWER):
        ready, first = None, standing.first_left(planned.cohort)
        standing.progress.cohort = planned.cohort.number
        if first is None:
            return
        try:
            standing.tell("compiling")
            ready = programs.programs_of(planned, first, narrowed)
            _train(standing, programs, planned, ready, narrowed)
            return
        except jax.errors.JaxRuntimeError as error:
            if not is_out_of_memory(error):
                raise
            reason = first_line(error)
        width = 0 if ready is None else _width(standing, ready)
        if width < 2:
            break
        narrowed = width // 2
        standing.folder.commit_save(wait=True)
        standing.count()
        why = f"{narrowed} lanes of a device in place of {width}, since it ran out of memory ({reason})"
        standing.folder.warn("width_changed", why)
    raise MemoryLimitError(f"a device ran out of memory with {width} lanes ({reason}); make the model smaller.")


def _train(standing: Standing, programs: Programs, planned: CohortPlan, ready: Ready, narrowed: int | None) -> None:
    """Train the runs of a cohort that wait, in programs that are compiled."""
    cohort, sweep, folder, progress = planned.cohort, standing.sweep, standing.folder, standing.progress
    _note_width(standing, planned, ready, narrowed)
    progress.compiled_programs += 1
    progress.reason = standing.options.stop() or ""  # a signal that came while compiling
    if progress.reason:
        return
    folder.note_program(cohort.key, ready.program.facts() | {"executor": standing.devices.executor})
    taken = folder.restore(jax.tree.structure(ready.lane), cohort.key)
    taken = {run_id: lane for run_id, lane in taken.items() if not folder.ledger.is_done(run_id, sweep.steps)}
    _forecast(standing, ready, cohort, taken)
    programs.begin_after(cohort.number)
    snapshots = cadence_steps(sweep.weights, sweep.steps).tolist() if sweep.weights else []
    starts = Starts(ready.values_of, ready.feed, folder, taken)
    trainer = programs.trainer(ready, taken_first(standing.left(cohort), taken), starts, snapshots)
    standing.tell("training")
    try:
        progress.reason = train_cohort(trainer, Keeper(standing, cohort), standing.reason_to_stop)
    finally:
        trainer.close()


def _width(standing: Standing, ready: Ready) -> int:
    """Lanes of one device."""
    return ready.program.lanes // standing.devices.of_pool


def _note_width(standing: Standing, planned: CohortPlan, ready: Ready, narrowed: int | None) -> None:
    """Say when the compiler needs more memory than shapes tell."""
    width, known = _width(standing, ready), standing.folder.programs.get(planned.cohort.key)
    if width < planned.width and known is None and narrowed is None and not standing.options.lanes:
        standing.folder.warn(
            "width_changed", f"{width} lanes of a device in place of {planned.width}, by the compiler's own account"
        )


def _forecast(standing: Standing, ready: Ready, cohort: Cohort, taken: Mapping[str, Lane]) -> None:
    """Tell how long a cohort will take, unless asking takes as long."""
    budget, runs, steps = standing.sweep.steps, 0, 0
    for order in standing.left(cohort):
        runs, steps = runs + 1, steps + budget - _steps_done(standing, order, taken)
    if steps < LONG or not ready.compiled:
        return
    forecast = time_cohort(standing.plan, ready, cohort, RUN_SECONDS, runs, steps / runs)
    if forecast.seconds >= 1:
        standing.progress.forecast_seconds, standing.progress.cpu_share = forecast


def _steps_done(standing: Standing, order: Order, taken: Mapping[str, Lane]) -> int:
    """Updates of a run that need not be done again."""
    ledger = standing.folder.ledger
    if not ledger and not taken:
        return 0  # without its run id, which takes longer to make than the order
    if order.run_id in taken:
        return int(taken[order.run_id].state.step)
    stored = ledger.get(order.run_id)
    return stored.final_step if stored is not None and standing.folder.has_weights(stored.file) else 0
