"""A folder's results while it grows, for whoever looks at it for hours: what is immutable is read once.

Takes no lock, not even for a moment: a start of the sweep at that moment would be refused.
"""

import dataclasses
import functools
import os
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from grokjax.analysis.history import Looks
from grokjax.analysis.rules import find_rule
from grokjax.analysis.table import event_columns, rule_columns
from grokjax.reader.yaml_file import parse
from grokjax.results.dataset import take_longest
from grokjax.results.reading import dataset_of, looks_of, measured_rows, read_dataset, read_live, rows_of, rule_of
from grokjax.results.repeats import LOSSES, with_repeats
from grokjax.results.table import run_table
from grokjax.store.committed import is_old, read_file, read_spec
from grokjax.store.files import checksum, read_record
from grokjax.store.head import Head, read_head
from grokjax.store.layout import Layout, StoreError

Curve = tuple[list[int], list[float]]


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """A folder as it stood at one moment; never changed.

    Attributes:
      version: equal for equal content.
      spec: its spec.json.
      runs: one row per run as `Results.runs` has it, sorted by settings; runs in a lane as far as they were saved.
      live: the record that the last start keeps of itself; empty without one.
      written: when that was written, in seconds since 1970; None without one.
      has_arms: whether the sweep compares arms, of which some runs only tune.
      warned: what was warned of when it was read.
    """

    version: str
    spec: Mapping[str, Any]
    runs: pd.DataFrame
    live: Mapping[str, Any]
    written: float | None
    has_arms: bool
    warned: tuple[str, ...]
    _pieces: tuple[xr.Dataset, ...]
    _place: Mapping[str, tuple[int, int]]

    @property
    def measures(self) -> list[str]:
        """Names of what was measured as one number a run and step."""
        names = [str(name) for piece in self._pieces for name in piece.data_vars if piece[name].dims == ("run", "k")]
        return [name for name in dict.fromkeys(names) if "/" in name]

    @functools.cached_property
    def looks(self) -> Looks:
        """How many examples were right at every look, in the order of `runs`; as of `Results`."""
        kept = [
            piece[[name for name, values in piece.variables.items() if name == "step" or "k" not in values.dims]]
            for piece in self._pieces
            if piece.sizes["run"]
        ]
        whole = take_longest(kept, self.spec["base"], self.runs["run_id"].tolist()) if kept else self._pieces[0]
        return looks_of(whole, self.spec["constants"])

    def under(self, rule: str) -> "Snapshot":
        """The same runs under another phase rule, as `Results.phases` has them; itself for an empty name.

        Raises:
          ValueError: there is no such rule; with the nearest one.
        """
        if not rule:
            return self
        find_rule(rule)
        if not len(self.runs):
            return dataclasses.replace(self, spec={**self.spec, "rule": rule})
        ruled = rule_columns(self.looks, rule)
        columns = {name: ruled[name].astype(self.runs[name].dtype).array for name in ruled}
        runs = self.runs.assign(**columns)
        runs.attrs["aliases"] = self.runs.attrs.get("aliases", {})
        return dataclasses.replace(self, runs=runs, spec={**self.spec, "rule": rule})

    def curve(self, run_id: str, measure: str) -> Curve:
        """At which steps a run was measured, and the values; nothing where it was not.

        Raises:
          KeyError: there is no such run.
        """
        number, place = self._place[run_id]
        piece = self._pieces[number].isel(run=[place])
        if f"look/{measure}" in piece:
            steps, values = piece["look_step"].values[0], piece[f"look/{measure}"].values[0]
        elif measure in piece:
            rows, taken = measured_rows(rows_of(piece, looks_of(piece, self.spec["constants"])), piece[measure].values)
            steps, values = rows.steps[0], taken[0]
        else:
            return [], []
        return steps[steps >= 0].tolist(), values[steps >= 0].astype(np.float64).tolist()


class GrowingResults:
    """The results of one folder, brought up to date by `refresh`.

    Attributes:
      root: the folder.
      snapshot: the newest one; None before the first that could be read.
      problem: why the folder cannot be read; empty when it can.
    """

    def __init__(self, root: Path):
        self.root, self.problem = root, ""
        self.snapshot: Snapshot | None = None
        self._layout = Layout(root)
        self._seen: list[Any] = []
        self._files: dict[str, str] = {}
        self._measured: dict[str, str] = {}
        self._spec: dict[str, Any] = {}
        self._pieces: list[xr.Dataset] = []
        self._table = pd.DataFrame()
        self._count = 0

    def refresh(self) -> bool:
        """Read what is new; whether anything is."""
        layout = self._layout
        paths = (layout.spec_json, layout.head, layout.previous_head, layout.live_curves, layout.live)
        seen = [_signature(path) for path in paths]
        if seen == self._seen:
            return False
        is_same = self.snapshot is not None and seen[:-1] == self._seen[:-1]
        try:
            with warnings.catch_warnings(record=True) as caught:
                warnings.simplefilter("always")
                self.snapshot = self._told() if is_same else self._read()
            self.problem, self._seen = "", seen
            if not is_same:
                told = tuple(str(warning.message) for warning in caught)
                self.snapshot = dataclasses.replace(self.snapshot, warned=told)
        except StoreError as error:
            self.problem, self._seen = str(error), seen
        return True

    def _told(self) -> Snapshot:
        """The same runs, with what the start says of itself now."""
        assert self.snapshot is not None
        live, written = self._live(self._spec)
        return dataclasses.replace(self.snapshot, live=live, written=written)

    def _read(self) -> Snapshot:
        """What is committed now: new run files alone where nothing else has changed."""
        layout = self._layout
        check_files([layout.spec_json, layout.head, layout.previous_head, layout.live_curves, layout.events])
        spec = read_spec(self.root)
        head, _ = read_head(layout)
        check_files([self.root / name for name in (head.files if head else ())])
        files, measured = _named(head, "runs/"), _named(head, "measured/")
        added = [name for name in files if name not in self._files]
        has_grown = self._spec == spec and "values" in spec and self._measured == measured
        if has_grown and self._files.items() <= files.items() and head is not None:
            self._add([read_file(self.root, name, head) for name in added])
        else:
            dataset, spec, head = read_dataset(self.root)
            self._pieces, self._table = [dataset], _table(dataset, spec)
            files, measured = _named(head, "runs/"), _named(head, "measured/")
        self._spec, self._files, self._measured = spec, files, measured
        return self._snapshot()

    def _add(self, files: Sequence[Mapping[str, np.ndarray]]) -> None:
        if files:
            piece = dataset_of([dict(arrays) for arrays in files], self.root, self._spec)
            self._pieces.append(piece)
            self._table = _joined([self._table, _table(piece, self._spec, len(self._pieces) - 1)])

    def _snapshot(self) -> Snapshot:
        spec, pieces, tables = self._spec, list(self._pieces), [self._table]
        running = read_live(self._layout)
        if running:
            pieces.append(dataset_of(running, self.root, spec))
            tables.insert(0, _table(pieces[-1], spec, len(pieces) - 1))  # a stored run of the same length comes later
        runs = _joined(tables)
        runs = runs.loc[~runs["run_id"].isin(list(spec.get("replaced", ()))).to_numpy()]
        runs = runs.sort_values("final_step", kind="stable").drop_duplicates("run_id", keep="last")
        runs = runs.sort_values([*_cell_axes(spec), "seeds.split", "run_id"], key=_ordered, ignore_index=True)
        places = runs[[_PIECE, _PLACE]].to_numpy(np.int64)
        runs = with_repeats(runs.drop(columns=[_PIECE, _PLACE]), _losses(pieces, places), _cell_axes(spec))
        runs.attrs["aliases"] = tables[-1].attrs.get("aliases", {})
        live, written = self._live(spec)
        self._count += 1
        place_of = dict(zip(runs["run_id"].tolist(), map(tuple, places.tolist()), strict=True))
        version = f"{checksum(str(self.root).encode())}-{os.getpid()}-{self._count}"
        return Snapshot(version, spec, runs, live, written, _has_arms(spec), (), tuple(pieces), place_of)

    def _live(self, spec: Mapping[str, Any]) -> tuple[dict[str, Any], float | None]:
        """What the last start says of itself; nothing hangs on it, so a damaged record is none."""
        try:
            check_files([self._layout.live])
            return read_record(self._layout.live, is_old(spec)), self._layout.live.stat().st_mtime
        except (OSError, ValueError, StoreError):
            return {}, None


_PIECE, _PLACE = "piece ", "place "  # no path of a setting ends in a blank


def _signature(path: Path) -> tuple[int, int, int] | None:
    """Another one once a file was replaced; None without a file."""
    try:
        about = path.stat()
    except OSError:
        return None
    return about.st_ino, about.st_mtime_ns, about.st_size


def check_files(paths: Sequence[Path]) -> None:
    """Refuse what is there and is no file: a pipe would be waited for, and a device has no end.

    Raises:
      StoreError: with the first of them.
    """
    for path in paths:
        if path.exists() and not path.is_file():
            raise StoreError(f"{path} is no regular file.")


def _named(head: Head | None, folder: str) -> dict[str, str]:
    return {} if head is None else {name: sum_ for name, sum_ in head.files.items() if name.startswith(folder)}


def _has_arms(spec: Mapping[str, Any]) -> bool:
    return not is_old(spec) and "compare" in parse(spec["yaml"]).content


def _table(dataset: xr.Dataset, spec: dict[str, Any], piece: int = 0) -> pd.DataFrame:
    """The table of some runs, and where their histories are."""
    events = event_columns(looks_of(dataset, spec["constants"]), rule_of(spec))
    return run_table(dataset, spec, events).assign(**{_PIECE: piece, _PLACE: np.arange(dataset.sizes["run"])})


def _joined(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Tables below each other; empty ones have columns without a type, so they are left out."""
    joined = pd.concat([table for table in tables if len(table)] or list(tables[:1]))
    joined.attrs["aliases"] = tables[-1].attrs.get("aliases", {})
    return joined


def _cell_axes(spec: Mapping[str, Any]) -> list[str]:
    return [path for path in spec["axes"] if not path.startswith("seeds.")]


def _ordered(column: pd.Series) -> pd.Series:
    """What a column is sorted by: numbers as such, anything else as text."""
    return column if pd.api.types.is_numeric_dtype(column) else column.astype(str)


def _losses(pieces: Sequence[xr.Dataset], places: np.ndarray) -> xr.Dataset:
    """The losses of the chosen runs [run, look], from which equal histories are told."""
    width = max((piece.sizes.get("look", 0) for piece in pieces), default=0)
    columns = {"look_step": np.full((len(places), width), -1, np.int64)}
    columns |= {name: np.full((len(places), width), np.nan) for name in LOSSES}
    for number, piece in enumerate(pieces):
        chosen = places[:, 0] == number
        for name, column in columns.items():
            if chosen.any() and name in piece:
                column[chosen, : piece.sizes["look"]] = piece[name].values[places[chosen, 1]]
    return xr.Dataset({name: (("run", "look"), column) for name, column in columns.items()})
