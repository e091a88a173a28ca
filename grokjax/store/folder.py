"""The writer of a sweep's folder: finished runs exactly once, checkpoints, HEAD."""

import dataclasses
import shutil
import time
import warnings
from collections.abc import Container, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import jax
import numpy as np

from grokjax.orders.ledger import Ledger, StoredRun
from grokjax.reader.errors import first_line
from grokjax.store.checkpoints import Checkpoints
from grokjax.store.files import (
    append_json_line,
    arrays_to_bytes,
    bytes_to_arrays,
    checksum,
    is_unfinished,
    mend_log,
    read_json_lines,
    read_record,
    write_atomically,
)
from grokjax.store.head import Head, named_checkpoints, read_head, write_head
from grokjax.store.layout import WRITTEN, Layout, StoreWarning
from grokjax.store.programs import Programs
from grokjax.store.provenance import changes
from grokjax.store.records import pack_orders, pack_snapshots, pack_weights
from grokjax.train.program import Lane
from grokjax.train.trainer import EndedRun, Saved, Weights

Arrays = dict[str, np.ndarray]
_KEPT_CHECKPOINTS = 2


class SweepFolder:
    """Writes one sweep. The caller holds the lock.

    Attributes:
      layout: where things lie.
      head: what is committed.
      programs: of its cohorts.
      ledger: of the runs that are committed.
    """

    def __init__(self, root: Path, spec_hash: str, replaced: Container[str] = ()):
        """Open a folder, and set aside what is damaged in it.

        Args:
          replaced: ids of stored runs that are the sweep's no more.
        """
        self.layout = Layout(root)
        self._clean()
        head, warning = read_head(self.layout)
        if warning:
            self.warn("fell_back", warning)
        self.head = head or Head(0, spec_hash, {}, {})
        if self.head.spec_hash != spec_hash:  # the sweep was extended since the last commit
            self.head = dataclasses.replace(self.head, spec_hash=spec_hash, is_complete=False)
        self._check_results()
        self.programs = Programs(self.layout.plan, is_used=bool(self.head.files or self.head.checkpoints))
        self._checkpoints = Checkpoints(self.layout)
        self._checkpoints.keep_only(named_checkpoints(self.layout))  # others were killed before HEAD named them
        self._saving: tuple[int, Future] | None = None
        self._check_parameters()
        self._replaced, self.ledger = replaced, Ledger()
        self._fill_ledger()
        self._log_ends()

    def close(self) -> None:
        """Finish the save under way and commit it."""
        self.commit_save(wait=True)
        self._checkpoints.close()

    def log(self, event: str, **facts: Any) -> None:
        """One line of the event log; the only place for wall times, lanes and pools."""
        append_json_line(self.layout.events, {"event": event, "time": round(time.time(), 3), **facts})

    def warn(self, event: str, text: str) -> None:
        """Something is not as it should be: said at once, whatever becomes of this start, and kept in the event log."""
        self.log(event, what=text)
        warnings.warn(f"{self.layout.root}: {text}", StoreWarning, stacklevel=3)

    def note_start(self, facts: dict[str, Any]) -> None:
        """One provenance record a start; said aloud when bits may differ from those of the runs that are there."""
        earlier = read_json_lines(self.layout.provenance)
        goes_on = earlier and (self.head.files or self.head.checkpoints) and not self.head.is_complete
        differences = changes(earlier[-1], facts) if goes_on else []
        if differences:
            changed = "; ".join(differences)
            self.warn(
                "environment_changed", f"{changed}: the bits of runs that end from here on may differ from the others'"
            )
        append_json_line(self.layout.provenance, {"time": round(time.time(), 3), **facts})
        self.log("started", done=len(self.head.files))

    def note_program(self, cohort: str, facts: dict[str, Any]) -> None:
        """What program trains a cohort; later starts and replays use the same one for the same bits."""
        self.programs.note(cohort, facts)
        self.log("compiled", cohort=cohort)

    def commit(self, **changes: Any) -> None:
        """Replace HEAD."""
        self.head = self.head.next(**changes)
        write_head(self.layout, self.head)

    def add_runs(
        self,
        ended: Sequence[EndedRun],
        budget: int,
        cohort: int,
        with_weights: bool,
    ) -> None:
        """Store finished runs of one cohort and commit them; see `records.pack_history`."""
        orders, lanes, sequence = [run.order for run in ended], [run.lane for run in ended], self.head.sequence + 1
        file, history = self.layout.run_file(sequence), pack_orders(orders, lanes, budget, cohort)
        new = {file: history}
        if with_weights:
            new[self.layout.weights_file(sequence)] = pack_weights([order.run_id for order in orders], lanes)
        self._commit_arrays(new)
        self._note(self._name(file), history)

    def add_snapshots(self, weights: Sequence[Weights]) -> None:
        """Store parameters of runs of one cohort at scheduled steps and commit them."""
        run_ids = [snapshot.order.run_id for snapshot in weights]
        packed = pack_snapshots(run_ids, [one.step for one in weights], [one.params for one in weights])
        self._commit_arrays({self.layout.snapshot_file(self.head.sequence + 1): packed})

    def add_measured(self, measured: Arrays) -> None:
        """Store what was measured from stored weights and commit it; the results are put together anew after it.

        Args:
          measured: `measure`, `run_id`, `step` and `rows/NAME`, leading axis [measurement].
        """
        self._commit_arrays({self.layout.measured_file(self.head.sequence + 1): measured}, is_complete=False)

    def take_over(self, contents: Mapping[str, bytes]) -> None:
        """Store files of another folder of the same sweep under the next number, and commit them.

        Args:
          contents: path below that folder -> content; a run file with its weights.
        """
        files, number = dict(self.head.files), self.head.sequence + 1
        for path, content in contents.items():
            name = f"{path.partition('/')[0]}/{number:06d}.npz"
            (self.layout.root / name).parent.mkdir(exist_ok=True)
            write_atomically(self.layout.root / name, content)
            files[name] = checksum(content)
        self.commit(files=files, is_complete=False)
        for path in (path for path in contents if path.startswith("runs/")):
            self._note(f"runs/{number:06d}.npz", bytes_to_arrays(contents[path]))

    def _commit_arrays(self, new: Mapping[Path, Arrays], **changes: Any) -> None:
        files = dict(self.head.files)
        for path, arrays in new.items():
            content = arrays_to_bytes(arrays)
            write_atomically(path, content)
            files[self._name(path)] = checksum(content)
        self.commit(files=files, **changes)

    def start_save(self, saved: Saved, cohort: str) -> None:
        """Begin to save the batched state in the background.

        Args:
          cohort: its key.
        """
        self.commit_save(wait=True)
        waiting = [jax.tree.map(lambda leaf: np.asarray(leaf)[None], lane) for lane in saved.waiting.values()]
        arrays = {
            f"{pool}/{index:04d}": leaf
            for pool, lanes in enumerate([*saved.lanes, *waiting])  # what waits may be of an older schedule: each alone
            for index, leaf in enumerate(jax.tree.leaves(lanes))
        }
        number = 1 + max(named_checkpoints(self.layout), default=0)
        run_ids = [["" if order is None else order.run_id for order in orders] for orders in saved.orders]
        run_ids += [[run_id] for run_id in saved.waiting]
        about = {"run_ids": run_ids, "cohort": cohort}
        self._saving = (number, self._checkpoints.save(number, arrays, about))

    def commit_save(self, wait: bool = False) -> bool:
        """Commit the save under way if it is done; whether one was committed.

        Raises:
          Exception: the save failed; nothing is committed.
        """
        if self._saving is None or not (wait or self._saving[1].done()):
            return False
        number, future = self._saving
        self._saving = None
        checkpoints = {**self.head.checkpoints, str(number): future.result()}
        kept = sorted(checkpoints, key=int)[-_KEPT_CHECKPOINTS:]
        self.commit(checkpoints={name: checkpoints[name] for name in kept})
        self._checkpoints.keep_only(named_checkpoints(self.layout))
        self.log("saved", checkpoint=number)
        return True

    @property
    def is_saving(self) -> bool:
        """Whether a save is under way."""
        return self._saving is not None

    def _fill_ledger(self) -> None:
        """Note the runs of all committed files; damaged files are set aside."""
        for name in sorted(self.head.files):
            history = self.read(name) if name.startswith("runs/") else None
            if history is not None:
                self._note(name, history)

    def _note(self, file: str, history: Arrays) -> None:
        """The runs of a run file are committed."""
        ends = zip(history["run_id"], history["final_step"], history["stop_reason"], strict=True)
        for index, (run_id, step, reason) in enumerate(ends):
            if run_id not in self._replaced:
                self.ledger.note(str(run_id), StoredRun(file, index, int(step), str(reason)))

    def read_weights(self, run_file: str) -> Arrays | None:
        """Final weights of the runs of a run file; None when there are none."""
        return self.read(_weights_name(run_file)) if self.has_weights(run_file) else None

    def has_weights(self, run_file: str) -> bool:
        """Whether the runs of a run file can be continued."""
        return _weights_name(run_file) in self.head.files

    def read(self, name: str) -> Arrays | None:
        """A committed file that verifies; a damaged one is set aside, and None."""
        content = self._whole(name)
        if content is not None:
            return bytes_to_arrays(content)
        self._forget(name, _weights_name(name))  # weights without their run file belong to no run
        self.ledger.forget(name)
        self._set_aside(self.layout.root / name, "its runs are trained again")
        return None

    def _whole(self, name: str) -> bytes | None:
        """A committed file's content; None when it is missing or damaged.

        Raises:
          OSError: it is there and cannot be read, which is no damage.
        """
        try:
            content = (self.layout.root / name).read_bytes()
        except FileNotFoundError:
            return None
        return content if checksum(content) == self.head.files[name] else None

    def _forget(self, *names: str) -> None:
        """Commit without these files; the sweep is not complete until it has been looked through again."""
        kept = {key: value for key, value in self.head.files.items() if key not in names}
        self.commit(files=kept, is_complete=False)

    def _check_results(self) -> None:
        """A complete sweep whose history or table is not what was committed is not complete: they are made again."""
        results = [name for name in self.head.files if name.startswith(("history.zarr/", "table.csv"))]
        if self.head.is_complete and any(self._whole(name) is None for name in results):
            self.commit(is_complete=False)
            self.warn("fell_back", "history.zarr or table.csv is missing or damaged; both are made again")

    def _check_parameters(self) -> None:
        """Set damaged parameters aside: nothing else hangs on them, and who asks for them has the run trained again."""
        lost = "runs that would go on from these parameters begin anew; only `Results.params` makes them again"
        for name in [name for name in self.head.files if name.startswith(("weights/", "snapshots/", "measured/"))]:
            if self._whole(name) is None:
                self._forget(name)
                consequence = "`grokjax measure` measures it again" if name.startswith("measured/") else lost
                self._set_aside(self.layout.root / name, consequence)

    def _log_ends(self) -> None:
        """Write the lines of runs that were committed right before a kill, which took these lines with it."""
        events = read_json_lines(self.layout.events)
        if self.ledger and not events:
            self.warn("fell_back", "events.jsonl is missing; the ends of the stored runs are written into it anew")
        logged = {(event.get("run_id"), event.get("step")) for event in events if event.get("event") == "ended"}
        for run_id, run in self.ledger.items():
            if (run_id, run.final_step) not in logged:
                self.log("ended", run_id=run_id, step=run.final_step, reason=run.stop_reason)

    def _clean(self) -> None:
        """Remove what a killed process has left half written; mend logs, which only ever lose whole lines."""
        for folder in (self.layout.root, *(self.layout.root / name for name in WRITTEN)):
            for path in folder.glob(".*.tmp"):
                if path.is_file() and is_unfinished(path):
                    path.unlink()
        for path in (self.layout.events, self.layout.provenance):
            if damaged := mend_log(path, self._place_aside(path)):
                self.warn("quarantined", f"{path.name} has {damaged} damaged or torn lines; they are set aside")
        try:
            read_record(self.layout.live)
        except FileNotFoundError:
            pass
        except (OSError, ValueError):
            self._set_aside(self.layout.live, "nothing hangs on it")

    def _set_aside(self, path: Path, consequence: str) -> None:
        state = "missing"
        if path.exists():
            aside = self._place_aside(path)
            aside.parent.mkdir(exist_ok=True)
            shutil.move(path, aside)
            state = "damaged and set aside"
        self.warn("quarantined", f"{self._name(path)} is {state}; {consequence}")

    def _place_aside(self, path: Path) -> Path:
        """Where a damaged file goes; never over another one."""
        taken = len(list(self.layout.quarantine.glob("*")))
        return self.layout.quarantine / f"{taken + 1:06d}-{path.name}"

    def restore(self, structure: Any, cohort: str) -> dict[str, Lane]:
        """Runs that were in a lane at a cohort's newest checkpoint that verifies, by run id; lanes as NumPy arrays.

        Args:
          structure: tree structure of a lane of this cohort.
        """
        for number in sorted(map(int, self.head.checkpoints), reverse=True):
            try:
                arrays, about = self._checkpoints.restore(number, self.head.checkpoints[str(number)])
            except Exception as error:  # orbax raises many kinds for damage; all mean: not this one
                reason = first_line(error) or type(error).__name__
                self.warn("fell_back", f"checkpoint {number} cannot be used ({reason})")
                continue
            if about["cohort"] == cohort:
                return _split_lanes(arrays, about["run_ids"], structure)
        return {}

    def clear_checkpoints(self) -> None:
        """Drop all checkpoints; only after HEAD no longer names them."""
        self._checkpoints.clear()

    def _name(self, path: Path) -> str:
        return path.relative_to(self.layout.root).as_posix()


def _weights_name(run_file: str) -> str:
    return run_file.replace("runs/", "weights/")


def _split_lanes(arrays: Arrays, run_ids: Sequence[Sequence[str]], structure: Any) -> dict[str, Lane]:
    lanes: dict[str, Lane] = {}
    for pool, ids in enumerate(run_ids):
        leaves = [arrays[name] for name in sorted(arrays) if name.startswith(f"{pool}/")]
        batch = jax.tree.unflatten(structure, leaves)
        for lane, run_id in enumerate(ids):
            if run_id:
                lanes[run_id] = jax.tree.map(lambda leaf, lane=lane: leaf[lane], batch)
    return lanes
