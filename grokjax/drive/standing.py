"""Where a sweep stands while it is driven: what it is, what its folder holds already, what is left, when to stop."""

import shutil
import time
from collections.abc import Sequence

from grokjax.core.units import bytes_text
from grokjax.drive.options import Options
from grokjax.drive.preparation import disk_left, sweep_plan
from grokjax.drive.progress import Progress
from grokjax.drive.starts import is_finished
from grokjax.plan.cohorts import Cohort
from grokjax.plan.plan import Plan
from grokjax.reader.sweep import Sweep
from grokjax.store.files import write_record
from grokjax.store.folder import SweepFolder
from grokjax.store.records import DIVERGED
from grokjax.train.devices import Pool, choose_executor
from grokjax.train.preflight import device_memory


class DiskLimitError(RuntimeError):
    """The results of a sweep do not fit on the disk."""


class Standing:
    """Where a sweep stands.

    Attributes:
      sweep: what is driven.
      ids: [run] run id by number.
      folder: where it is stored.
      pools: devices that train it.
      options: how it is run.
      executor: `map` or `vmap`.
      memory: bytes of one device before there are lanes; the next cohort has what those of this one free.
      plan: its cohorts.
      progress: as shown and written to live.json.
    """

    def __init__(self, sweep: Sweep, ids: Sequence[str], folder: SweepFolder, pools: list[Pool], options: Options):
        self.sweep, self.ids, self.folder, self.pools, self.options = sweep, ids, folder, pools, options
        self.executor = choose_executor(pools[0].devices[0], options.executor)
        self.memory = device_memory(pools[0])
        self.plan: Plan = sweep_plan(sweep, pools, self.executor, self.memory, options.lanes)
        self.progress = Progress(sweep.num_runs, len(self.plan.cohorts), self.executor, len(pools))
        self._began = time.monotonic()
        self.count_diverged()

    def queue_of(self, cohort: Cohort) -> list[int]:
        """Runs of a cohort that are not finished, in the queue's order."""
        runs, stored = [int(index) for index in cohort.runs], self.folder.runs
        return [index for index in runs if not is_finished(stored.get(self.ids[index]), self.sweep.steps)]

    def count_diverged(self) -> None:
        """Count the stored runs that diverged."""
        self.progress.diverged = sum(run.stop_reason == DIVERGED for run in self.folder.runs.values())

    def tell(self, stage: str) -> Progress:
        """Enter a stage."""
        self.progress.stage, self.progress.ended = stage, {}
        write_record(self.folder.layout.live, self.progress.to_json())
        self.options.watch(self.progress)
        return self.progress

    def reason_to_stop(self) -> str:
        """Why it is time to stop; empty when it is not."""
        limit = self.options.max_seconds
        if limit is not None and time.monotonic() - self._began > limit:
            return "max-seconds"
        return self.options.stop() or ""

    def check_lanes(self) -> None:
        """Refuse lanes of which the folder has another program."""
        for planned in self.plan.cohorts:
            if self.queue_of(planned.cohort):
                self.folder.programs.check_lanes(planned.cohort.key, self.options.lanes)

    def check_disk(self) -> None:
        """Refuse a sweep whose results the disk cannot hold; raises `DiskLimitError`."""
        queued = sum(len(self.queue_of(planned.cohort)) for planned in self.plan.cohorts)
        needed, root = disk_left(self.plan, queued), self.folder.layout.root
        free = shutil.disk_usage(root).free
        self.progress.disk_bytes = needed
        if needed > free:
            raise DiskLimitError(
                f"{root}: {queued:,} runs need {bytes_text(needed)} on disk, but {bytes_text(free)} are free; "
                "look, measure and keep weights less often, or choose another --out."
            )
