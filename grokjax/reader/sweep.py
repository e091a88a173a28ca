"""What is a sweep? A base run, the axes along which copies differ, seeds, and what is looked at.

Runs are made when asked for: run i is cell i // num_seeds at seed i % num_seeds. Cells follow the axes in order, the
last axis fastest, without those that `exclude` leaves out. Nothing is as long as the list of runs unless asked for.
"""

import dataclasses
import functools
import importlib
import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, overload

import numpy as np

from grokjax.core.part import Part
from grokjax.core.schedules import Schedule
from grokjax.reader.axes import Axis, read_axes, settle
from grokjax.reader.build import to_plain
from grokjax.reader.check import check_inner, check_programs, check_tasks, is_number_axis
from grokjax.reader.conditions import holds, read_condition, values_there
from grokjax.reader.errors import Collector, suggestion, wrong
from grokjax.reader.measured_steps import Cadence, MeasurePlan
from grokjax.reader.paths import fields_of, replaced
from grokjax.reader.plans import (
    STREAMS,
    Claim,
    RulePlan,
    SeedPlan,
    check_rows,
    read_cadence,
    read_claims,
    read_free_text,
    read_measure,
    read_rule,
    read_seeds,
    read_steps,
    read_texts,
)
from grokjax.reader.read_run import checked_run
from grokjax.reader.run import Minibatch, Run, Seeds
from grokjax.reader.stop_plan import StopPlan, StopRule, read_stop
from grokjax.reader.value_names import value_aliases, value_names
from grokjax.reader.yaml_text import flow

MOST_RUNS = 10_000_000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_DEVICES = {"con", "prn", "aux", "nul", *(f"{word}{digit}" for word in ("com", "lpt") for digit in range(10))}
_QUEUE_SEED = 0
_MOST_TASKS = 5000
_MOST_PROGRAMS = 8  # each is traced; `plan` traces all of them

__all__ = ["Axis", "Claim", "MeasurePlan", "RulePlan", "SeedPlan", "StopPlan", "StopRule", "Sweep"]


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sweep:
    """A sweep. Every field also takes what a sweep file would say there.

    Attributes:
      name: of the folder of results.
      base: the run that all others are copies of; its seeds are not used.
      steps: budget of every run, in updates.
      axes: directions of the grid, the first slowest.
      seeds: of each cell.
      measure: what is measured, and when.
      stop: when runs end before their budget; None for never.
      exclude: conditions; a cell is left out when any holds.
      weights: when parameters are stored besides at the end; None for never.
      rule: that labels the runs with phases.
      claims: statements about the results, kept as text.
      notes: free text.
      tags: words to find the sweep by.
    """

    name: str
    base: Run
    steps: int
    axes: tuple[Axis, ...] = ()
    seeds: SeedPlan = dataclasses.field(default_factory=SeedPlan)
    measure: MeasurePlan = dataclasses.field(default_factory=lambda: read_measure({}))
    stop: StopPlan | None = None
    exclude: tuple[str, ...] = ()
    weights: Cadence | None = None
    rule: RulePlan = dataclasses.field(default_factory=RulePlan)
    claims: tuple[Claim, ...] = ()
    notes: str = ""
    tags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        problems = Collector()
        for field, reader in READERS.items():
            with problems.collecting():
                object.__setattr__(self, field, reader(getattr(self, field)))
        with problems.collecting():
            object.__setattr__(self, "base", dataclasses.replace(checked_run(self.base), seeds=Seeds()))
            are_axes = isinstance(self.axes, list | tuple) and all(isinstance(axis, Axis) for axis in self.axes)
            read = settle if are_axes else read_axes
            object.__setattr__(self, "axes", read(self.axes, self.base))
        problems.finish()
        self._check_shape()

    @property
    def num_cells(self) -> int:
        """Cells after `exclude`."""
        return self._grid_size() if self._kept is None else len(self._kept)

    @property
    def num_seeds(self) -> int:
        """Runs of each cell."""
        return len(self.seeds.values)

    @property
    def num_runs(self) -> int:
        """Runs of the sweep."""
        return self.num_cells * self.num_seeds

    @property
    def axis_names(self) -> tuple[str, ...]:
        """Dotted paths of everything that differs between cells."""
        return tuple(path for axis in self.axes for path in axis.paths)

    def cell(self, index: int) -> dict[str, Any]:
        """What a cell sets: path -> value, a part where a whole part is an axis."""
        if not 0 <= index < self.num_cells:
            raise IndexError(f"cell {index} of {self.num_cells}")
        place = int(index if self._kept is None else self._kept[index])
        points = []
        for axis in reversed(self.axes):
            place, point = divmod(place, len(axis))
            points.append(axis.point(point))
        return {path: value for point in reversed(points) for path, value in point.items()}

    @overload
    def run(self, index: int) -> Run: ...

    @overload
    def run(self, index: None = None, root: str | Path | None = None, **options: Any) -> Any: ...

    def run(self, index: int | None = None, root: str | Path | None = None, **options: Any) -> Any:
        """One run, made now; without an index, train all of them and open the results.

        Args:
          index: of the run.
          root: folder of the sweep, `results/NAME` unless given; what it holds already is not trained again.
          options: see `grokjax.drive.options.Options`.

        Raises:
          IndexError: the sweep has no such run.
        """
        if index is None:
            import grokjax  # the front door: what trains stands to the right of this package

            return grokjax.train_sweep(self, root, **options)
        if root is not None or options:
            raise TypeError("run(index) makes one run and takes nothing else; run() trains the sweep")
        if not 0 <= index < self.num_runs:
            raise IndexError(f"run {index} of {self.num_runs}")
        cell = self.cell(index // self.num_seeds)
        run = dataclasses.replace(self.base, seeds=self._seeds(index))
        for path in sorted(cell, key=lambda path: len(fields_of(path))):  # a whole part first, then what is in it
            run = replaced(run, path, cell[path])
        return run

    def to_yaml(self) -> str:
        """The text of a sweep file that says the same, every setting written out; `load_sweep` reads it back."""
        # By name: files are read into sweeps, so a plain import would close a circle.
        return importlib.import_module("grokjax.reader.sweep_file").to_yaml(self)

    def settings(self, index: int) -> dict[str, Any]:
        """What sets a run apart, as plain values: the axes by their paths, and the four seeds."""
        cell = {path: label(value, path) for path, value in self.cell(index // self.num_seeds).items()}
        seeds = self._seeds(index)
        return {**cell, **{f"seeds.{name}": cell.get(f"seeds.{name}", getattr(seeds, name)) for name in STREAMS}}

    def columns(self) -> dict[str, np.ndarray]:
        """Path -> [cell]: floats and whole numbers as such, everything else as objects, whole parts by their names."""
        found = self._grid_columns()
        return found if self._kept is None else {path: column[self._kept] for path, column in found.items()}

    def queue(self) -> np.ndarray:
        """[run] int64, all run indices in the order of training: seed by seed, cells shuffled, always the same way."""
        cells = np.random.Generator(np.random.PCG64(_QUEUE_SEED)).permutation(self.num_cells)
        return (np.arange(self.num_seeds)[:, None] + cells[None, :] * self.num_seeds).ravel()

    def check(self) -> None:
        """Ask the parts themselves: does every cell have a table, train and test examples, a model and a loss that fit?

        Raises:
          SpecError: with every problem found.
        """
        problems = Collector()
        with problems.collecting():
            check_inner(self.base, self.axes)
        problems.finish()
        tasks = [axis for axis in self.axes if any(path.partition(".")[0] == "task" for path in axis.paths)]
        check_tasks(
            [self.run(cell * self.num_seeds).task for cell in _thinned(self.distinct_cells(tasks), _MOST_TASKS)]
        )
        static = [axis for axis in self.axes if not is_number_axis(self.base, axis)]
        programs = _thinned(self.distinct_cells(static), _MOST_PROGRAMS)
        check_programs([self.run(cell * self.num_seeds) for cell in programs], self.measure.what)

    def distinct_cells(self, axes: Sequence[Axis]) -> np.ndarray:
        """[combination] int64, the first cell of each different combination of points of these axes of the sweep."""
        place = np.arange(self._grid_size()) if self._kept is None else self._kept
        code, inner = np.zeros(len(place), np.int64), self._grid_size()
        for axis in self.axes:
            inner //= len(axis)
            if axis in axes:
                code = code * len(axis) + place // inner % len(axis)
        return np.sort(np.unique(code, return_index=True)[1])

    @functools.cached_property
    def _kept(self) -> np.ndarray | None:
        """Places in the full grid of the cells that are not left out; None when all are in."""
        if not self.exclude:
            return None
        columns = self._grid_columns()
        aliases = {path: value_aliases(records) for path, records in self.value_records.items()}
        left_out = np.zeros(self._grid_size(), bool)
        for index, text in enumerate(self.exclude):
            key = f"exclude.{index}"
            condition = read_condition(text, key)
            matched = holds(condition, columns, key, aliases)
            if not matched.any():
                raise wrong(key, "leaves no cell out", text, values_there(condition, columns))
            left_out |= matched
        if left_out.all():
            raise wrong("exclude", "leaves every cell out")
        return np.flatnonzero(~left_out)

    def _grid_size(self) -> int:
        return math.prod(len(axis) for axis in self.axes)

    def _grid_columns(self) -> dict[str, np.ndarray]:
        """Path -> [cell of the full grid]."""
        found, inner = {}, self._grid_size()
        for axis in self.axes:
            inner //= len(axis)
            outer = self._grid_size() // (inner * len(axis))
            for path in axis.paths:
                column = self.points[path]
                found[path] = np.broadcast_to(column[None, :, None], (outer, len(axis), inner)).reshape(-1)
        return found

    @functools.cached_property
    def value_records(self) -> dict[str, list[dict[str, Any]]]:
        """Path -> what is said and stored of its values, for axes whose values are whole parts; see `value_names`."""
        return {
            path: value_records(values, path, axis.names_of(path))
            for axis in self.axes
            for path, values in axis.columns()
            if any(_is_whole(value) for value in values)
        }

    @functools.cached_property
    def points(self) -> dict[str, np.ndarray]:
        """Path -> [point of its axis], as tables, plans and conditions show the values."""
        points = {}
        for path, values in ((path, values) for axis in self.axes for path, values in axis.columns()):
            points[path] = as_column(values, path)
            if path in self.value_records:
                names = value_names(self.value_records[path])
                points[path][:] = [names.get(text, text) for text in points[path].tolist()]
        return points

    def _seeds(self, index: int) -> Seeds:
        seed = self.seeds.values[index % self.num_seeds]
        return Seeds(**{**dict.fromkeys(STREAMS, seed), **dict(self.seeds.streams)})

    def _check_shape(self) -> None:
        """Refuse what no single field shows: too many runs, seeds that change nothing, unknown axes in claims."""
        total = self._grid_size() * self.num_seeds
        if total > MOST_RUNS:
            counts = " x ".join(
                [*(f"{len(axis):,} {' + '.join(axis.paths)}" for axis in self.axes), f"{self.num_seeds:,} seeds"]
            )
            raise wrong("axes", f"the grid has {total:,} runs ({counts}), at most {MOST_RUNS:,}", hint="narrow an axis")
        fixed = dict(self.seeds.streams)
        axes = [path.removeprefix("seeds.") for path in self.axis_names if path.startswith("seeds.")]
        twice = next((name for name in axes if name in fixed), None)
        if twice is not None:
            raise wrong(f"seeds.streams.{twice}", f"is held fixed here and is an axis, seeds.{twice}")
        if self.num_seeds > 1 and ({*fixed, *axes} >= set(STREAMS) or "seeds" in self.axis_names):
            raise wrong("seeds", f"all four streams are fixed or axes, so {self.num_seeds} seeds give equal runs")
        for index, claim in enumerate(self.claims):
            for path in claim.over:
                if path not in self.axis_names:
                    raise wrong(f"claims.{index}.over", f"{path} is no axis", hint=suggestion(path, self.axis_names))
        for name, cadence in (
            ("measure.every", self.measure.every),
            ("measure.looks", self.measure.looks),
            ("weights", self.weights),
        ):
            if cadence is not None:
                check_rows(cadence, self.steps, name)
        _ = self._kept  # evaluates the conditions


def as_column(values: tuple[Any, ...], path: str = "") -> np.ndarray:
    """[point]: int64 or float64 when all are such numbers, else objects."""
    kinds = set(map(type, values))
    labels = values if kinds <= {int, float} else [label(value, path) for value in values]
    kinds = set(map(type, labels))
    if kinds == {int}:
        return np.array(labels, np.int64)
    if kinds <= {int, float}:
        return np.array(labels, np.float64)
    found = np.empty(len(labels), object)
    found[:] = labels
    return found


def value_records(values: Sequence[Any], path: str, names: Sequence[str] = ()) -> list[dict[str, Any]]:
    """What is said and stored of whole parts that are values of one setting; see `value_names`."""
    records = {}
    for value, name in zip(values, names or [""] * len(values), strict=True):
        text = label(value, path)
        if isinstance(value, Part | tuple) and isinstance(text, str) and text not in records:
            records[text] = {"text": text, "settings": to_plain(value), "name": name}
    return list(records.values())


def _is_whole(value: Any) -> bool:
    """Whether a value is a part or several, which are too long to be read as text."""
    items = value if isinstance(value, tuple) else (value,)
    return any(isinstance(item, Part) and not isinstance(item, Minibatch) for item in items)


def _thinned(cells: np.ndarray, most: int) -> list[int]:
    """At most this many cells, first and last among them, evenly between."""
    if len(cells) > most:
        cells = cells[np.linspace(0, len(cells) - 1, most).astype(int)]
    return cells.tolist()


def label(value: Any, path: str = "") -> Any:
    """A value as tables and conditions show it: parts and lists as text, the full train set as `full`."""
    if value is None and path == "train.minibatch":
        return "full"
    if isinstance(value, Minibatch):
        return value.at_most if value.share == 1 else flow(to_plain(value))
    if isinstance(value, Schedule):
        return flow(to_plain(value))
    if isinstance(value, Part):
        plain = to_plain(value)
        kind = plain.pop("kind", "")
        differing = {
            field.name: plain[field.name]
            for field in dataclasses.fields(value)
            if field.name in plain and getattr(value, field.name) != field.default
        }
        return f"{kind} {flow(differing)}" if differing and kind else kind or flow(differing)
    return flow(to_plain(value)) if isinstance(value, tuple) else value


def _read_name(value: Any) -> str:
    """A plain folder name that every file system takes."""
    hint = "use letters, digits, . _ - and begin with a letter or digit"
    if not isinstance(value, str) or not _NAME.fullmatch(value) or value.endswith("."):
        suggested = re.sub(r"[^A-Za-z0-9._-]+", "-", str(value)).strip("-._")[:100]
        raise wrong(
            "name", "must be a plain folder name", value, f"{hint}; for example {suggested}" if suggested else hint
        )
    if value.partition(".")[0].lower() in _DEVICES:
        raise wrong("name", "is the name of a device on some systems", value)
    return value


READERS: dict[str, Callable[[Any], Any]] = {
    "name": _read_name,
    "steps": read_steps,
    "seeds": read_seeds,
    "measure": read_measure,
    "stop": read_stop,
    "exclude": lambda conditions: read_texts(conditions, "exclude"),
    "weights": lambda value: None if value is None else read_cadence(value, "weights"),
    "rule": read_rule,
    "claims": read_claims,
    "notes": lambda value: read_free_text(value, "notes"),
    "tags": lambda value: read_texts(value, "tags"),
}
"""How each field of a sweep is checked and brought into its one form, but for base and axes, which need each other."""
