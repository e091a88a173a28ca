"""Where a sweep stands while it is driven: what it is, what its folder holds already, what is left, when to stop."""

import shutil
import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import pandas as pd

from grokjax.core.units import bytes_text
from grokjax.drive.consolidation import ended_runs
from grokjax.drive.opening import note_total
from grokjax.drive.options import Options
from grokjax.drive.preparation import disk_left, plan_orders
from grokjax.drive.progress import Progress
from grokjax.orders.order import Order, Orders, count_runs
from grokjax.orders.sources import rounds, source_of
from grokjax.plan.cohorts import Cohort
from grokjax.plan.plan import Plan
from grokjax.reader.errors import wrong
from grokjax.reader.sweep import Sweep
from grokjax.store.files import write_record
from grokjax.store.folder import SweepFolder
from grokjax.store.records import DIVERGED


class DiskLimitError(RuntimeError):
    """The results of a sweep do not fit on the disk."""


class Devices(NamedTuple):
    """What trains a sweep, wherever it stands.

    Attributes:
      platform: such as `cpu`.
      executor: `map` or `vmap`.
      memory: bytes of one device before there are lanes; None when nobody says.
      pools: how many train by themselves.
      of_pool: devices of each.
    """

    platform: str
    executor: str
    memory: int | None
    pools: int
    of_pool: int


class Standing:
    """Where a sweep stands.

    Attributes:
      sweep: what is driven.
      folder: where it is stored.
      devices: what it is planned for. Memory is that before there are lanes: the next cohort has what they free.
      options: how it is run.
      rounds: of orders that the sweep's source has given, the last one being trained.
      plan: cohorts of the last round.
      progress: as shown and written to live.json.
    """

    def __init__(self, sweep: Sweep, folder: SweepFolder, devices: Devices, options: Options):
        self.sweep, self.folder, self.devices, self.options = sweep, folder, devices, options
        self.progress = Progress(0, 0, devices.executor, devices.pools)
        self.rounds: list[Orders] = []
        self._began = time.monotonic()
        self._to_come = rounds(source_of(sweep), self._table_of)
        self.take_on_round()

    def take_on_round(self) -> bool:
        """Plan the next orders of the source; whether there are any. Those of the last round have all been trained."""
        orders = next(self._to_come, None)
        if orders is None:
            return False
        orders = Orders(orders.grids, self.options.share)
        self.rounds.append(orders)
        if not len(orders.in_turn()):
            rule = f"the sweep has {len(orders)} runs, so this shard has none"
            raise wrong("--shard", rule, "/".join(map(str, self.options.share)))
        devices, lanes = self.devices, self.options.lanes
        count, executor = devices.pools * devices.of_pool, devices.executor
        self.plan: Plan = plan_orders(self.sweep, orders, count, executor, devices.memory, lanes, devices.platform)
        self.progress.total, self.progress.cohorts = count_runs(self.rounds), len(self.plan.cohorts)
        note_total(self.folder.layout, self.progress.total)
        self.count()
        return True

    def _table_of(self, rounds: Sequence[Orders]) -> pd.DataFrame:
        return ended_runs(self.folder, [order.run_id for orders in rounds for order in orders])[1]

    def left(self, cohort: Cohort) -> Iterator[Order]:
        """Orders of a cohort that need training, in turn."""
        return self.folder.ledger.left(cohort.in_turn(), self.sweep.steps)

    def first_left(self, cohort: Cohort) -> Order | None:
        """The first order of a cohort that needs training."""
        return next(self.left(cohort), None)

    def count(self) -> None:
        """Count the runs that are done, and those that diverged."""
        ledger, progress = self.folder.ledger, self.progress
        is_all = self.sweep.compare is None and self.options.share == (0, 1)
        known = list(ledger) if is_all else [run_id for run_id in self._wanted() if run_id in ledger]
        progress.done = sum(ledger.is_done(run_id, self.sweep.steps) for run_id in known)
        progress.diverged = sum(ledger[run_id].stop_reason == DIVERGED for run_id in known)

    def _wanted(self) -> set[str]:
        """Run ids of the orders so far that this process trains."""
        return {orders[int(number)].run_id for orders in self.rounds for number in orders.in_turn()}

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
            if self.options.lanes is not None and self.first_left(planned.cohort) is not None:
                self.folder.programs.check_lanes(planned.cohort.key, self.options.lanes)

    def check_disk(self) -> None:
        """Refuse a sweep whose results the disk cannot hold; raises `DiskLimitError`."""
        queued = self.progress.total - self.progress.done
        needed, root = disk_left(self.plan, queued), self.folder.layout.root
        free = shutil.disk_usage(root).free
        self.progress.disk_bytes = needed
        if needed > free:
            raise DiskLimitError(
                f"{root}: {queued:,} runs need {bytes_text(needed)} on disk, but {bytes_text(free)} are free; "
                "look, measure and keep weights less often, or choose another --out."
            )
