"""From a sweep to stored results: read this first.

sweep -> cohorts -> lanes of a device -> finished runs -> history and table
"""

import contextlib
import dataclasses
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path
from typing import Any

import jax

from grokjax.core.units import bytes_text
from grokjax.drive.claim_check import check_claims
from grokjax.drive.consolidation import consolidate
from grokjax.drive.opening import open_for_writing, refuse_strangers
from grokjax.drive.preparation import RUN_SECONDS, Ready, disk_left, prepare, sweep_plan, time_cohort
from grokjax.drive.progress import Progress
from grokjax.drive.session import Session
from grokjax.drive.starts import Starts, is_finished
from grokjax.drive.trainable import check_trainable
from grokjax.lab.opened import OpenedResults, open_results
from grokjax.lab.single import TrainedRun, train_alone
from grokjax.plan.cohorts import Cohort
from grokjax.plan.plan import CohortPlan, Plan
from grokjax.reader.errors import first_line
from grokjax.reader.identity import run_ids
from grokjax.reader.measured_steps import cadence_steps
from grokjax.reader.run import Run
from grokjax.reader.sweep import Sweep
from grokjax.results.stored_params import check_starts
from grokjax.results.stored_sweep import as_recorded
from grokjax.store.files import write_record
from grokjax.store.folder import SweepFolder
from grokjax.store.lock import exclusive
from grokjax.store.provenance import provenance
from grokjax.store.records import DIVERGED
from grokjax.train.devices import Pool, choose_executor, choose_pools, prepare_host_devices
from grokjax.train.equal_runs import check_products
from grokjax.train.preflight import MemoryLimitError, device_facts, device_memory, is_out_of_memory
from grokjax.train.program import Lane
from grokjax.train.stop import Stop
from grokjax.train.trainer import Trainer
from grokjax.train.worker import Worker

LONG = 200_000
"""Run-steps of a cohort from which its time is forecast before it is trained."""
NARROWER = 4  # attempts of a cohort, each in half as many lanes
TICK = 0.2
PATIENCE = 20.0
"""Seconds after which `max_seconds` ends a compilation; one left behind is not cached, so a short one is waited for."""


class DiskLimitError(RuntimeError):
    """The results of a sweep do not fit on the disk."""


@dataclasses.dataclass
class Options:
    """How a sweep is run; nothing here changes what comes out, save executor and, with `vmap`, lanes (to rounding).

    A folder keeps the program of its first start, so these two are refused when they change later.

    Attributes:
      lanes: lanes of one device; None chooses.
      executor: `map`, `vmap`, or None for what suits the device.
      device: `cpu`, `gpu`, `gpu:N`, `tpu`, or None for JAX's default.
      max_seconds: stop after this time, resumable.
      save_seconds: time between saves of the batched state.
      stop: asked after every segment; a text ends the start, resumable, with that reason.
      watch: called at every change of stage and after every segment.
    """

    lanes: int | None = None
    executor: str | None = None
    device: str | None = None
    max_seconds: float | None = None
    save_seconds: float = 30.0
    stop: Callable[[], str | None] = lambda: None
    watch: Callable[[Progress], None] = lambda progress: None


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
    sweep = as_recorded(sweep, root)
    check_products(sweep, check_device(options))
    check_starts(sweep)
    refuse_strangers(root)
    with exclusive(root / "LOCK"):
        return run_locked(sweep, root, options)


def check_device(options: Options) -> str:
    """The platform that will train, such as `cpu`; raises `DeviceError` where the device is missing."""
    prepare_host_devices()
    return choose_pools(options.device, options.executor)[0].devices[0].platform


def run_locked(sweep: Sweep, root: Path, options: Options, ids: Sequence[str] | None = None) -> Progress:
    """`run_sweep` for a caller that holds the folder's lock.

    Args:
      ids: run ids of the sweep in its order, when the caller knows them.
    """
    compiler = ThreadPoolExecutor(1, thread_name_prefix="compiler")
    try:
        with contextlib.closing(open_for_writing(root, sweep)) as folder:
            if not folder.head.is_complete:
                options = dataclasses.replace(options, executor=folder.programs.executor(options.executor))
            pools = choose_pools(options.device, options.executor)
            return Start(sweep, ids or run_ids(sweep), folder, pools, options, compiler).train_all()
    finally:
        compiler.shutdown(wait=False, cancel_futures=True)  # XLA cannot be interrupted, and nobody waits for it


class Start:
    """One start of a sweep: what is stored already, how far it is, when to stop."""

    def __init__(
        self,
        sweep: Sweep,
        ids: Sequence[str],
        folder: SweepFolder,
        pools: list[Pool],
        options: Options,
        compiler: ThreadPoolExecutor,
    ):
        self.sweep, self.ids, self.folder, self.pools, self.options = sweep, ids, folder, pools, options
        self._compiler = compiler
        self.executor = choose_executor(pools[0].devices[0], options.executor)
        self._memory = device_memory(pools[0])  # before there are lanes: the next cohort has what these free
        self.plan: Plan = sweep_plan(sweep, pools, self.executor, self._memory, options.lanes)
        self.stored = folder.runs
        self.progress = Progress(sweep.num_runs, len(self.plan.cohorts), self.executor, len(pools))
        self._count_diverged()
        self._width, self._narrowed = 0, dict[str, int]()
        self._ahead = dict[str, Future[Ready]]()
        self._began = time.monotonic()
        for planned in self.plan.cohorts:
            if self._queue_of(planned.cohort):
                folder.programs.check_lanes(planned.cohort.key, options.lanes)
        self._check_disk()
        folder.note_start(provenance(device_facts(pools)))

    def _count_diverged(self) -> None:
        self.progress.diverged = sum(one.stop_reason == DIVERGED for one in self.stored.values())

    def train_all(self) -> Progress:
        """Train what is left and put the results together; whoever says `Stop` meanwhile gets the reason back."""
        try:
            if self.folder.head.is_complete:
                self.folder.clear_checkpoints()  # the last start may have been killed right after its last commit
                return self.is_done()
            for planned in self.plan.cohorts:
                self.train(planned)
                if self.progress.reason:
                    return self.tell("stopped")
            self.tell("consolidating")
            consolidate(self.folder, self.ids)
            return self.tell("done")
        except Stop as stop:
            self.progress.reason = str(stop)
            return self.tell("stopped")

    def train(self, planned: CohortPlan) -> None:
        """Train what is left of a cohort; when a device runs out of memory meanwhile, in half as many lanes."""
        done, said = self.progress.done, ""
        for _ in range(NARROWER):
            try:
                return self._train(planned)
            except jax.errors.JaxRuntimeError as error:
                if not is_out_of_memory(error):
                    raise
                said = first_line(error)
            if self._width < 2:
                break
            self._narrow(planned.cohort.key, said)
            self.progress.done = done
        raise MemoryLimitError(f"a device ran out of memory with {self._width} lanes ({said}); make the model smaller.")

    def _narrow(self, cohort: str, reason: str) -> None:
        """Half as many lanes from here on. With `vmap` that is another program, in which bits are equal to rounding."""
        self._narrowed[cohort] = self._width // 2
        self.folder.commit_save(wait=True)
        self.folder.reread()
        self.stored = self.folder.runs
        self._count_diverged()
        self.folder.warn(
            "width_changed",
            f"{self._width // 2} lanes of a device in place of {self._width}, since it ran out of memory ({reason})",
        )

    def _train(self, planned: CohortPlan) -> None:
        cohort, sweep, folder, ids = planned.cohort, self.sweep, self.folder, self.ids
        queue = self._queue_of(cohort)
        self.progress.done += len(cohort.runs) - len(queue)
        self.progress.cohort = cohort.number
        if not queue:
            return
        self.tell("compiling")
        ahead, narrowed = self._ahead.pop(cohort.key, None), self._narrowed.get(cohort.key)
        ready = self._compiled(self._compile(planned, queue, narrowed) if ahead is None or narrowed else ahead)
        feed, values_of, compiled = ready
        known = folder.programs.get(cohort.key)
        self._note_width(compiled[0].program.lanes // len(self.pools[0].devices), planned, known)
        self.progress.compiled_programs += 1
        self.progress.reason = self.options.stop() or ""  # a signal that came while compiling
        if self.progress.reason:
            return
        folder.note_program(cohort.key, compiled[0].program.facts() | {"executor": self.executor})
        left = folder.restore(jax.tree.structure(compiled[0].lane), cohort.key)
        self._forecast(ready, queue, left)
        self._compile_next(cohort.number)
        workers = [Worker(one) for one in compiled]
        snapshots = cadence_steps(sweep.weights, sweep.steps).tolist() if sweep.weights else []
        starts = Starts(values_of, ids, feed, folder, self.stored, left, workers[0])
        queue.sort(key=lambda index: ids[index] not in left)  # stable: runs that were under way come first
        trainer = Trainer(workers, queue, starts.start_of, snapshots)
        session = Session(
            folder, sweep, cohort, ids, self.progress, self.options.save_seconds, self.plan.stores_weights
        )
        self.tell("training")
        try:
            for segment in trainer.segments():
                session.take(trainer, segment)
                self.progress.forecast_seconds = None
                self.options.watch(self.progress)
                self.progress.reason = self.progress.reason or self._reason_to_stop() or ""
                trainer.stopping = bool(self.progress.reason)
        finally:
            for worker in workers:
                worker.close()
        session.end(trainer, is_complete=not self.progress.reason)

    def _compile(self, planned: CohortPlan, queue: Sequence[int], narrowed: int | None = None) -> Future[Ready]:
        """The programs of a cohort, in a thread of their own."""
        lanes, known = narrowed or self.options.lanes, self.folder.programs.get(planned.cohort.key)
        is_narrowed, memory = narrowed is not None, self._memory
        return self._compiler.submit(
            prepare, self.sweep, planned, queue, self.pools, self.executor, lanes, known, is_narrowed, memory
        )

    def _compiled(self, under_way: Future[Ready]) -> Ready:
        """Wait for a compilation. Nothing is trained meanwhile, so that nothing needs saving.

        Raises:
          Stop: it is time to stop; the compilation is left to itself.
        """
        began = time.monotonic()
        while not under_way.done():
            is_long = time.monotonic() - began > PATIENCE
            if reason := self._reason_to_stop() if is_long else self.options.stop():
                raise Stop(reason)
            wait([under_way], TICK)
        return under_way.result()

    def _compile_next(self, number: int) -> None:
        """Compile the cohort after this one while this one trains; what goes wrong is told when its turn comes."""
        for planned in self.plan.cohorts:
            queue = self._queue_of(planned.cohort) if planned.cohort.number > number else []
            if queue:
                self._ahead[planned.cohort.key] = self._compile(planned, queue)
                return

    def _note_width(self, width: int, planned: CohortPlan, known: Mapping[str, Any] | None) -> None:
        self._width = width
        if width < planned.width and known is None and not self.options.lanes:
            self.folder.warn(
                "width_changed", f"{width} lanes of a device in place of {planned.width}, by the compiler's own account"
            )

    def _forecast(self, ready: Ready, queue: Sequence[int], left: Mapping[str, Lane]) -> None:
        """Tell how long a cohort will take, unless asking takes as long."""
        steps = sum(self.sweep.steps - self._steps_done(self.ids[index], left) for index in queue)
        if steps < LONG:
            return
        told = time_cohort(self.plan, ready, queue, RUN_SECONDS, steps / len(queue))
        if told.seconds >= 1:
            self.progress.forecast_seconds, self.progress.cpu_share = told

    def _steps_done(self, run_id: str, left: Mapping[str, Lane]) -> int:
        """Updates of a run that need not be done again."""
        if run_id in left:
            return int(left[run_id].state.step)
        stored = self.stored.get(run_id)
        return stored.final_step if stored is not None and self.folder.has_weights(stored.file) else 0

    def _check_disk(self) -> None:
        """Refuse a sweep whose results the disk cannot hold."""
        if self.folder.head.is_complete:
            return
        queued = sum(len(self._queue_of(planned.cohort)) for planned in self.plan.cohorts)
        needed = disk_left(self.plan, queued)
        free = shutil.disk_usage(self.folder.layout.root).free
        self.progress.disk_bytes = needed
        if needed > free:
            raise DiskLimitError(
                f"{self.folder.layout.root}: {queued:,} runs need {bytes_text(needed)} on disk, but "
                f"{bytes_text(free)} are free; look, measure and keep weights less often, or choose another --out."
            )

    def _queue_of(self, cohort: Cohort) -> list[int]:
        """Runs of a cohort that are not finished, in the queue's order."""
        runs = [int(index) for index in cohort.runs]
        return [index for index in runs if not is_finished(self.stored.get(self.ids[index]), self.sweep.steps)]

    def is_done(self) -> Progress:
        """Nothing is left to train; the live file keeps what the last start said."""
        self.progress.stage, self.progress.done = "done", self.sweep.num_runs
        self.options.watch(self.progress)
        return self.progress

    def tell(self, stage: str) -> Progress:
        """Enter a stage."""
        self.progress.stage, self.progress.ended = stage, {}
        write_record(self.folder.layout.live, self.progress.to_json())
        self.options.watch(self.progress)
        return self.progress

    def _reason_to_stop(self) -> str | None:
        limit = self.options.max_seconds
        if limit is not None and time.monotonic() - self._began > limit:
            return "max-seconds"
        return self.options.stop()


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


def train_one(
    run: Run, steps: int = 10_000, measure: dict[str, Any] | None = None, device: str | None = None
) -> TrainedRun:
    """Train one run in memory, without a folder.

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
