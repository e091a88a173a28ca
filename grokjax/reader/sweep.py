"""What is a sweep? A base run, the axes along which copies differ, seeds, and what is looked at."""

import dataclasses
import functools
import re
from collections.abc import Callable
from dataclasses import field
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from grokjax.core.words import STREAMS
from grokjax.reader.axes import Axis, axes_to_mapping, read_axes, settle
from grokjax.reader.check import check_inner, check_programs, check_tasks, is_number_axis
from grokjax.reader.comparison import Arm, Comparison, comparison_to_plain, of_arm, read_comparison
from grokjax.reader.errors import Collector, suggestion, wrong
from grokjax.reader.measured_steps import Cadence, MeasurePlan
from grokjax.reader.paths import fields_of
from grokjax.reader.plans import (
    Claim,
    RulePlan,
    SeedPlan,
    cadence_to_plain,
    check_rows,
    claims_to_plain,
    measure_to_plain,
    read_cadence,
    read_claims,
    read_free_text,
    read_measure,
    read_rule,
    read_seeds,
    read_steps,
    read_texts,
    rule_to_plain,
    seeds_to_plain,
)
from grokjax.reader.points import Points
from grokjax.reader.read_run import checked_run, run_to_mapping
from grokjax.reader.run import Run, Seeds
from grokjax.reader.stop_plan import StopPlan, StopRule, read_stop, stop_to_plain
from grokjax.reader.yaml_text import dump

MOST_RUNS = 10_000_000
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_DEVICES = {"con", "prn", "aux", "nul", *(f"{word}{digit}" for word in ("com", "lpt") for digit in range(10))}
_MOST_TASKS = 5000
_MOST_PROGRAMS = 8  # each is traced; `plan` traces all of them

MISSING: Any = object()
"""What a sweep file does not say and must."""

__all__ = ["MISSING", "Axis", "Claim", "MeasurePlan", "RulePlan", "SeedPlan", "StopPlan", "StopRule", "Sweep"]


def _key(read: Callable[[Any], Any] | None, plain: Callable[[Any], Any], may_be_null: bool = False) -> dict[str, Any]:
    """What a field says of itself as a key of the sweep file; nothing else has to name the key.

    Args:
      read: what a file says, or a value, -> the value, checked; None where other fields are needed for that.
      plain: value -> what a file would say.
      may_be_null: whether null is a value; otherwise it means that the key is not said.
    """
    return {"read": read, "plain": plain, "may_be_null": may_be_null}


def _unless_none(convert: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: None if value is None else convert(value)


def _read_weights(value: Any) -> Cadence | None:
    return None if value is None else read_cadence(value, "weights")


def _rule_if_set(rule: RulePlan) -> Any:
    return "" if rule == RulePlan() else rule_to_plain(rule)


@dataclasses.dataclass(frozen=True, kw_only=True)
class Sweep:
    """A sweep. Every field also takes what a sweep file would say there.

    Attributes:
      name: of the folder of results.
      base: the run that all others are copies of; its seeds are not used.
      steps: budget of every run, in updates.
      axes: directions of the grid, the first slowest.
      compare: arms that are tuned and compared, in place of the runs of the axes; None for none.
      exclude: conditions; a cell is left out when any holds.
      seeds: of each cell.
      measure: what is measured, and when.
      stop: when runs end before their budget; None for never.
      weights: when parameters are stored besides at the end; None for never.
      rule: that labels the runs with phases.
      claims: statements about the results, kept as text.
      notes: free text.
      tags: words to find the sweep by.
    """

    name: str
    base: Run
    steps: int
    axes: tuple[Axis, ...] = field(default=(), metadata=_key(None, axes_to_mapping))
    compare: Comparison | None = field(default=None, metadata=_key(None, _unless_none(comparison_to_plain)))
    exclude: tuple[str, ...] = field(default=(), metadata=_key(partial(read_texts, key="exclude"), list))
    seeds: SeedPlan = field(default_factory=SeedPlan, metadata=_key(read_seeds, seeds_to_plain))
    measure: MeasurePlan = field(
        default_factory=lambda: read_measure({}), metadata=_key(read_measure, measure_to_plain)
    )
    stop: StopPlan | None = field(default=None, metadata=_key(read_stop, stop_to_plain, may_be_null=True))
    weights: Cadence | None = field(
        default=None, metadata=_key(_read_weights, _unless_none(cadence_to_plain), may_be_null=True)
    )
    rule: RulePlan = field(default_factory=RulePlan, metadata=_key(read_rule, _rule_if_set))
    claims: tuple[Claim, ...] = field(default=(), metadata=_key(read_claims, claims_to_plain))
    notes: str = field(default="", metadata=_key(partial(read_free_text, key="notes"), str))
    tags: tuple[str, ...] = field(default=(), metadata=_key(partial(read_texts, key="tags"), list))

    def __post_init__(self) -> None:
        problems = Collector()
        readers = {"name": _read_name, "steps": _read_budget} | {name: key["read"] for name, key in SWEEP_KEYS.items()}
        for name, read in readers.items():
            with problems.collecting():
                if read is not None:
                    object.__setattr__(self, name, read(getattr(self, name)))
        with problems.collecting():
            object.__setattr__(self, "base", dataclasses.replace(checked_run(self.base), seeds=Seeds()))
            are_axes = isinstance(self.axes, list | tuple) and all(isinstance(axis, Axis) for axis in self.axes)
            read = settle if are_axes else read_axes
            object.__setattr__(self, "axes", read(self.axes, self.base))
            if self.compare is not None and isinstance(self.seeds, SeedPlan):
                object.__setattr__(self, "compare", read_comparison(self.compare, self.base, self.seeds))
        problems.finish()
        self._check_shape()

    @functools.cached_property
    def points(self) -> Points:
        """The points of the axes, without those that `exclude` leaves out."""
        return Points(self.base, self.axes, self.exclude)

    @property
    def num_cells(self) -> int:
        """Cells after `exclude`: the runs of a cell have the same point and differ in seed."""
        return len(self.points)

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
        return self.points.paths

    def run(self, root: str | Path | None = None, **options: Any) -> Any:
        """Train all runs and open the results.

        Args:
          root: folder of the sweep, `results/NAME` unless given; what it holds already is not trained again.
          options: see `grokjax.drive.options.Options`.
        """
        import grokjax  # the front door: what trains stands to the right of this package

        return grokjax.train_sweep(self, root, **options)

    def to_yaml(self) -> str:
        """The text of a sweep file that says the same, every setting written out; `load_sweep` reads it back."""
        return dump(self.to_mapping())

    def to_mapping(self) -> dict[str, Any]:
        """What a sweep file would say, every setting written out; `load` gives an equal sweep back."""
        run = run_to_mapping(self.base)
        train = {"steps": self.steps, **run.pop("train")}
        plain = {name: key["plain"](getattr(self, name)) for name, key in SWEEP_KEYS.items()}
        mapping = {"name": self.name, **run, "train": train, **plain}
        return {key: value for key, value in mapping.items() if value not in (None, [], {}, "")}

    def check(self) -> None:
        """Ask the parts themselves: does every cell have a table, train and test examples, a model and a loss that fit?

        Raises:
          SpecError: with every problem found.
        """
        problems, points = Collector(), self.points
        with problems.collecting():
            check_inner(self.base, self.axes)
        problems.finish()
        for arm in () if self.compare is None else self.compare.arms:
            with problems.collecting(), of_arm(arm.name):
                self.arm_sweep(arm).check()
        problems.finish()
        tasks = [axis for axis in self.axes if any(path.partition(".")[0] == "task" for path in axis.paths)]
        check_tasks([points.run(index).task for index in _thinned(points.distinct(tasks), _MOST_TASKS)])
        static = [axis for axis in self.axes if not is_number_axis(self.base, axis)]
        runs = [points.run(index) for index in _thinned(points.distinct(static), _MOST_PROGRAMS)]
        check_programs(runs, self.measure.what, self.measure.probes)

    def arm_sweep(self, arm: Arm) -> "Sweep":
        """An arm of the comparison alone, as the sweep that tunes it."""
        tuning = self.compare.tuning_seeds if self.compare is not None else self.seeds
        axes = (*self.axes, *arm.tune)
        return dataclasses.replace(self, base=arm.base, axes=axes, seeds=tuning, compare=None)

    def _check_comparison(self) -> None:
        """Refuse what has no meaning beside `compare`, and arms that set or tune what is an axis of the sweep."""
        for key, entries in (("claims", self.claims), ("exclude", self.exclude)):
            if entries:
                raise wrong(key, "has no meaning beside compare:", hint="arms are judged by `grokjax compare`")
        for arm in self.compare.arms if self.compare is not None else ():
            own = {*arm.settings, *(path for axis in arm.tune for path in axis.paths)}
            for path in self.axis_names:
                if any(fields_of(path)[: len(fields_of(own_path))] == fields_of(own_path) for own_path in own):
                    raise wrong(f"compare.arms.{arm.name}", f"sets {path}, which is an axis of the sweep")

    def _check_shape(self) -> None:
        """Refuse what no single field shows: too many runs, seeds that change nothing, unknown axes in claims."""
        if self.compare is not None:
            self._check_comparison()
        total = self.points.grid_size * self.num_seeds
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
        self.points.check()


def _thinned(cells: np.ndarray, most: int) -> list[int]:
    """At most this many cells, first and last among them, evenly between."""
    if len(cells) > most:
        cells = cells[np.linspace(0, len(cells) - 1, most).astype(int)]
    return cells.tolist()


def _read_name(value: Any) -> str:
    """A plain folder name that every file system takes."""
    if value is MISSING:
        raise wrong("name", "missing", hint="name the sweep")
    hint = "use letters, digits, . _ - and begin with a letter or digit"
    if not isinstance(value, str) or not _NAME.fullmatch(value) or value.endswith("."):
        suggested = re.sub(r"[^A-Za-z0-9._-]+", "-", str(value)).strip("-._")[:100]
        raise wrong(
            "name", "must be a plain folder name", value, f"{hint}; for example {suggested}" if suggested else hint
        )
    if value.partition(".")[0].lower() in _DEVICES:
        raise wrong("name", "is the name of a device on some systems", value)
    return value


def _read_budget(value: Any) -> int:
    if value is MISSING:
        raise wrong("train.steps", "missing", hint="for example train: {steps: 10000}")
    return read_steps(value)


SWEEP_KEYS = {key.name: key.metadata for key in dataclasses.fields(Sweep) if key.metadata}
"""Keys of a sweep file beside its name and its run, see `_key`, in the order in which they are written."""
