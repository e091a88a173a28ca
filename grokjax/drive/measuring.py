"""Measures taken from the stored weights of a folder, committed as they come, and put among its results."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import xarray as xr

from grokjax.core.interfaces import Measure
from grokjax.drive.consolidation import consolidate
from grokjax.drive.opening import check_current
from grokjax.lab.measuring import Probe, Wanted, wanted_of
from grokjax.orders.order import distinct_runs
from grokjax.reader.check import check_programs
from grokjax.results.orders_given import orders_given
from grokjax.results.reading import read_dataset
from grokjax.results.stored_sweep import sweep_for_reading
from grokjax.store.committed import read_spec
from grokjax.store.folder import SweepFolder
from grokjax.store.layout import Layout, StoreWarning
from grokjax.store.lock import exclusive


def measure_stored(root: Path, measures: Sequence[Measure], run_ids: Sequence[str], steps: int | str) -> int:
    """Measure runs of a folder from their stored weights; the same call again measures what is still missing.

    Args:
      measures: any of the catalogue or of the user.
      run_ids: of runs that have ended.
      steps: after how many updates, `last`, or `all` at which weights are stored.

    Returns:
      How many snapshots were measured now.

    Raises:
      LockedError: another process works on the folder.
      StoreError: there is no sweep, or a run ends before that step.
      SpecError: a measure makes no sense of a run.
    """
    spec, count = read_spec(root), 0
    check_current(Layout(root), spec)
    with exclusive(Layout(root).lock):
        sweep = sweep_for_reading(root)
        folder = SweepFolder(root, spec["spec_hash"], spec.get("replaced", ()))
        try:
            dataset, _, _ = read_dataset(root)
            ends = {run_id: stored.final_step for run_id, stored in folder.ledger.items()}
            for cohort, wanted in wanted_of(root, sweep, run_ids, steps, ends):
                check_programs([cohort.run], measures)
                probe = Probe(root, sweep, cohort, measures)
                left = _missing(dataset, wanted, probe.names(wanted[0]))
                for measured in probe.measure(left):
                    folder.add_measured(measured)
                    count += len(measured["run_id"])
                _tell_replayed(root, probe.replayed)
            all_runs = distinct_runs(orders_given(root, sweep))
            if not folder.head.is_complete and all(folder.ledger.is_done(run_id, spec["steps"]) for run_id in all_runs):
                consolidate(folder, all_runs)
        finally:
            folder.close()
    return count


def _tell_replayed(root: Path, replayed: Mapping[str, bool]) -> None:
    """Say which runs had to be trained again, since no weights are stored at the step."""
    if replayed:
        unequal = [run_id for run_id, is_equal in replayed.items() if not is_equal]
        came_out = f"not the stored ones of {', '.join(unequal)}" if unequal else "every bit as stored"
        told = f"{root}: {len(replayed)} runs have no stored parameters there and were trained again; histories"
        warnings.warn(f"{told} came out {came_out}", StoreWarning, stacklevel=3)


def _missing(dataset: xr.Dataset, wanted: Sequence[Wanted], names: Sequence[str]) -> list[Wanted]:
    """Those of which not every measure is there."""
    position = {run_id: place for place, run_id in enumerate(dataset["run_id"].values.tolist())}
    steps = dataset["step"].values

    def is_there(one: Wanted) -> bool:
        run = position[one.order.run_id]
        rows = np.flatnonzero(steps[run] == one.step)
        return bool(len(rows)) and all(
            name in dataset and _is_value(dataset[name].values[run, rows[0]]) for name in names
        )

    return [one for one in wanted if not is_there(one)]


def _is_value(value: np.ndarray) -> bool:
    return not np.isnan(value).all() if value.dtype.kind == "f" else bool((value != -1).any())
