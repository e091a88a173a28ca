"""Measures and probes of the stored networks of a folder, committed as they come, and put among its results."""

import contextlib
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from grokjax.core.interfaces import Measure, Probe
from grokjax.drive.consolidation import consolidate
from grokjax.drive.opening import check_current
from grokjax.lab.measuring import Measuring
from grokjax.lab.probing import Probing
from grokjax.lab.stored_networks import StoredNetworks, Wanted, wanted_of
from grokjax.orders.identity import part_text
from grokjax.orders.order import distinct_runs
from grokjax.reader.check import check_programs
from grokjax.reader.errors import SpecError, wrong
from grokjax.reader.sweep import Sweep
from grokjax.results.orders_given import orders_given
from grokjax.results.reading import read_dataset
from grokjax.results.stored_sweep import refuse_changed_sources, stored_sweep, sweep_for_reading
from grokjax.store.committed import read_spec
from grokjax.store.folder import SweepFolder
from grokjax.store.layout import Layout, StoreError, StoreWarning
from grokjax.store.lock import exclusive


def measure_stored(root: Path, parts: Sequence[Measure | Probe], run_ids: Sequence[str], steps: int | str) -> int:
    """Measure runs of a folder from their stored weights; the same call again measures what is still missing.

    Args:
      parts: measures and probes of the catalogue or of the user.
      run_ids: of runs that have ended.
      steps: after how many updates, `last`, or `all` at which weights are stored.

    Returns:
      How many snapshots were measured now.

    Raises:
      LockedError: another process works on the folder.
      StoreError: there is no sweep, or a run ends before that step.
      SpecError: a part makes no sense of a run.
    """
    spec = read_spec(root)
    check_current(Layout(root), spec)
    with exclusive(Layout(root).lock):
        sweep = sweep_for_reading(root)
        refuse_changed_sources(root, spec, sweep)
        with contextlib.closing(SweepFolder(root, spec["spec_hash"], spec.get("replaced", ()))) as folder:
            count = measure_ended(folder, sweep, parts, run_ids, steps)
            all_runs = distinct_runs(orders_given(root, sweep))
            if not folder.head.is_complete and all(folder.ledger.is_done(run_id, spec["steps"]) for run_id in all_runs):
                consolidate(folder, all_runs)
    return count


def measure_ended(
    folder: SweepFolder,
    sweep: Sweep,
    parts: Sequence[Measure | Probe],
    run_ids: Sequence[str],
    steps: int | str,
    reason_to_stop: Callable[[], str] = str,
) -> int:
    """`measure_stored` for a caller that holds the folder's lock and puts the results together.

    Args:
      reason_to_stop: asked after each commit; what is missing is measured next time.
    """
    root, count = folder.layout.root, 0
    known = _Known(root, folder)
    ends = {run_id: stored.final_step for run_id, stored in folder.ledger.items()}
    given_by: dict[str, Measure | Probe] = {}
    for cohort, wanted in wanted_of(root, sweep, run_ids, steps, ends):
        measures = [part for part in parts if isinstance(part, Measure)]
        check_programs([cohort.run], measures, [part for part in parts if isinstance(part, Probe)])
        snapshots, replayed = set[Wanted](), {}
        for part in parts:  # one by one, so that what is there is told by measure
            networks, text = StoredNetworks(root, sweep, cohort, part), part_text(part)
            taking = Probing(networks, part) if isinstance(part, Probe) else Measuring(networks)
            left = known.missing(text, wanted)
            if left:
                shapes = taking.shapes(left[0])
                _refuse_equal_names(part, shapes, given_by)
                known.refuse_others(left, shapes)
            for measured in taking.measure(left):
                folder.add_measured(measured | {"measure": np.full(len(measured["run_id"]), text)})
                if reason_to_stop():
                    return count
            snapshots.update(left)
            replayed |= networks.replayed
        count += len(snapshots)
        _tell_replayed(root, replayed)
    return count


def _refuse_equal_names(part: Measure | Probe, names: Iterable[str], given_by: dict[str, Measure | Probe]) -> None:
    """Refuse a part that gives what another one gives, of which only one could be shown; notes what it gives."""
    for name in names:
        other = given_by.setdefault(name, part)
        if other != part:
            rule = f"{part.kind} gives {name!r}, which {other.kind} gives too with other settings"
            raise wrong("measure.what", rule, hint="measure one of them in a copy of the folder")


def _tell_replayed(root: Path, replayed: Mapping[str, bool]) -> None:
    """Say which runs had to be trained again, since no weights are stored at the step."""
    if replayed:
        unequal = [run_id for run_id, is_equal in replayed.items() if not is_equal]
        came_out = f"not the stored ones of {', '.join(unequal)}" if unequal else "every bit as stored"
        retrained = f"{root}: {len(replayed)} runs have no stored parameters there and were trained again; histories"
        warnings.warn(f"{retrained} came out {came_out}", StoreWarning, stacklevel=3)


class _Known:
    """What was measured already, in the loop or afterwards."""

    def __init__(self, root: Path, folder: SweepFolder):
        self._root = root
        self._dataset, _, _ = read_dataset(root)
        self._position = {run_id: index for index, run_id in enumerate(self._dataset["run_id"].values.tolist())}
        self._in_loop: set[str] = set()
        with contextlib.suppress(StoreError, SpecError):  # a measure's file is gone: then what it gave stays as it is
            self._in_loop = {part_text(part) for part in stored_sweep(root).measure.what}
        self._after: set[tuple[str, str, int]] = set()
        for name in [name for name in sorted(folder.head.files) if name.startswith("measured/")]:
            arrays = folder.read(name)
            if arrays is not None:
                columns = (arrays[column].tolist() for column in ("measure", "run_id", "step"))
                self._after |= set(zip(*columns, strict=True))

    def missing(self, text: str, wanted: Sequence[Wanted]) -> list[Wanted]:
        """Those at which a measure was not taken yet; `text`: of the measure, see `orders.identity.part_text`."""
        return [one for one in wanted if not self._is_there(text, one)]

    def refuse_others(self, left: Sequence[Wanted], shapes: Mapping[str, tuple[int, ...]]) -> None:
        """Refuse to measure where values of other settings, other code or another measure are.

        Args:
          left: where it would be measured.
          shapes: of what the measure gives, by name.

        Raises:
          StoreError: some are there.
        """
        for name, shape in shapes.items():
            values = self._dataset[name].values if name in self._dataset else None
            if values is None:
                continue
            if values.ndim != len(shape) + 2:
                raise StoreError(f"{self._root}: {name} is there already, as arrays of another number of dimensions.")
            for one in left:
                run, row = self._place(one)
                if row >= 0 and _is_value(values[run, row]):
                    raise StoreError(
                        f"{self._root}: {name} of run {one.order.run_id} at step {one.step} is there already, measured "
                        "with other settings, other code or by another measure; measure it in a copy of the folder."
                    )

    def _is_there(self, text: str, one: Wanted) -> bool:
        is_after = (text, one.order.run_id, one.step) in self._after
        return is_after or (text in self._in_loop and self._place(one)[1] >= 0)

    def _place(self, one: Wanted) -> tuple[int, int]:
        run = self._position[one.order.run_id]
        rows = np.flatnonzero(self._dataset["step"].values[run] == one.step)
        return run, int(rows[0]) if len(rows) else -1


def _is_value(value: np.ndarray) -> bool:
    return not np.isnan(value).all() if value.dtype.kind == "f" else bool((value != -1).any())
