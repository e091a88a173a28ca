"""What came out of one sweep or several, as tables and labelled arrays; no JAX."""

import functools
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from grokjax.analysis.boundary import Boundary, boundary
from grokjax.analysis.cells import EVENT, cell_table
from grokjax.analysis.columns import nearest
from grokjax.analysis.history import PASSED_GAP, Looks
from grokjax.analysis.importance import importance
from grokjax.analysis.rules import Rule, find_rule
from grokjax.analysis.table import event_columns, rule_columns
from grokjax.results.combining import combine, until
from grokjax.results.grid import axis_groups, grid
from grokjax.results.named_values import records_of, with_names
from grokjax.results.reading import is_complete, looks_of, measured_rows, read_dataset, rows_of, rule_of
from grokjax.results.repeats import with_repeats
from grokjax.results.settings import setting_column, setting_paths
from grokjax.results.table import run_table
from grokjax.store.layout import SEED_PATHS, StoreError

AnyRule = str | Rule | Mapping[str, Any] | None
"""How a phase rule may be named; None is the sweep's own."""


def read_results(paths: str | Path | Sequence[str | Path], with_running: bool = False) -> "Results":
    """Tables and histories of a sweep, or of several together; see `lab.opened.open_results`, which adds networks.

    Raises:
      StoreError: no sweep is there, a file is damaged, or two folders hold different histories of one run.
    """
    return Results(folders_of(paths), with_running)


def folders_of(paths: str | Path | Sequence[str | Path]) -> list[Path]:
    """The folders that are meant; raises `StoreError` for none."""
    several = [paths] if isinstance(paths, (str, Path)) else list(paths)
    if not several:
        raise StoreError("open_results needs at least one folder.")
    return [Path(path) for path in several]


class Results:
    """What came out of one sweep or several, as tables and arrays; nothing is ever written.

    Attributes:
      roots: the folders.
      root_of: run id -> the folder in which the run was trained longest.
      specs: spec.json of each folder; `spec` is that of all together.
      is_complete: whether every folder is.
    """

    def __init__(self, roots: Sequence[Path], with_running: bool):
        self.roots = list(roots)
        opened = [read_dataset(root, with_running) for root in self.roots]
        self.specs = [spec for _, spec, _ in opened]
        self.is_complete = all(is_complete(head, spec) for _, spec, head in opened)
        datasets = [(dataset, spec) for dataset, spec, _ in opened]
        self._dataset, self.spec = datasets[0] if len(datasets) == 1 else combine(datasets)
        self._compared = self._dataset if len(datasets) == 1 else _compared(self._dataset, self.specs)
        self.root_of = _longest_roots(self.roots, [dataset for dataset, _ in datasets])
        self._records = records_of(self.specs, self._dataset, self.spec["axes"])

    @functools.cached_property
    def history(self) -> xr.Dataset:
        """Measures [run, k] by `group/name`, with `step` [run, k]; settings by run; `.sel(run_id=...)` takes runs."""
        names = [name for name in self._dataset.variables if "look" not in self._dataset[name].dims]
        return with_names(self._dataset[names], self._records).set_xindex("run_id")

    @functools.cached_property
    def looks(self) -> Looks:
        """How many examples were right at every look: what phases and crossings are computed from."""
        return looks_of(self._compared, self.spec["constants"])

    @functools.cached_property
    def rule(self) -> Rule:
        """The phase rule that the sweep names, with its thresholds; the default one where it names none."""
        rules = {rule.title: rule for rule in map(rule_of, self.specs)}
        if len(rules) > 1:
            named = " and ".join(rules)
            warnings.warn(f"The folders name different phase rules ({named}); runs have the default one.", stacklevel=2)
        return next(iter(rules.values())) if len(rules) == 1 else find_rule("default")

    @functools.cached_property
    def runs(self) -> pd.DataFrame:
        """One row per run: settings, status, events under the sweep's rule, final values."""
        table = run_table(self._compared, self.spec, event_columns(self.looks, self.rule), self._records)
        return with_repeats(table, self._compared, self._cell_axes())

    def setting(self, path: str) -> np.ndarray:
        """[run] any setting by its path, whether it differs between runs or not; None where a run has none.

        Raises:
          ValueError: no run has such a setting; with the nearest one.
        """
        return setting_column(path, self.runs, self.specs, self._records)

    @property
    def settings(self) -> list[str]:
        """Paths of all settings that `setting` knows."""
        return setting_paths(self.specs, self._records)

    def phases(self, rule: AnyRule = None) -> pd.DataFrame:
        """`runs` under another phase rule; nothing is trained again.

        Args:
          rule: a name, `{"kind": "default", "generalized": 0.9}` for other thresholds, or a `Rule`; None for the
            sweep's own.

        Raises:
          ValueError: for a rule or a threshold that does not exist.
        """
        if rule is None:
            return self.runs
        ruled = rule_columns(self.looks, rule)
        return self.runs.assign(**{name: ruled[name].astype(self.runs[name].dtype).array for name in ruled})

    def cells(self, rule: AnyRule = None, event: str = EVENT) -> pd.DataFrame:
        """One row per cell: shares of phases, chance to generalize, steps to it, each with its interval.

        See `analysis.cells.cell_table` for the columns. A seed that is an axis tells runs of a cell apart, not cells.

        Args:
          rule: as of `phases`.
          event: when; `steps_to_generalized` has the threshold of the rule.
        """
        return cell_table(self.phases(rule), self._cell_axes(), event=event)

    def boundary(self, x: str, y: str | None = None, rule: AnyRule = None, **options: Any) -> Boundary:
        """Where along `x` the chance to generalize crosses 1/2, for each value of `y`, with its interval.

        A window, inside which runs generalize, has two edges; see `Boundary.status`. Options as of
        `analysis.boundary.boundary`. Other axes are pooled; the seeds are drawn anew all the same.
        """
        return boundary(self.phases(rule), x, y, **options)

    def importance(self, rule: AnyRule = None, **options: Any) -> pd.DataFrame:
        """Rank correlation of each setting with whether and when runs generalize, over cells, with its interval.

        See `analysis.importance.importance` for columns and options.
        """
        axes = [path for path in self.spec["axes"] if not path.startswith("seeds.")]
        return importance(self.phases(rule), axes, **options)

    def grid(self, measure: str) -> xr.DataArray:
        """A measure over the axes, the seeds and the measured steps; NaN where there is no such run or step.

        Dimensions are the last words of the axes (`weight_decay`, not `optimizer.weight_decay`) where these are
        unambiguous, then `seed`, then `step`. Axes that move together (`zip`, `random`) are one dimension, called as
        the first of them; the others are coordinates along it. Values of axes have six digits: where fewer were typed,
        `.sel(weight_decay=4.91, method="nearest")`.
        """
        if measure not in self.history:
            raise KeyError(f"no measure {measure!r}; there are {', '.join(sorted(self.measures))}")
        return grid(self.history, self.groups, self._seed_labels(), measure)

    @property
    def name(self) -> str:
        """Of the sweep; of several, their names."""
        return " + ".join(dict.fromkeys(spec["name"] for spec in self.specs))

    @property
    def groups(self) -> list[list[str]]:
        """The axes; those that move together (`zip`, `random`) in one list."""
        return axis_groups(self.spec)

    @property
    def measures(self) -> list[str]:
        """Names of what was measured."""
        return [str(name) for name in self.history.data_vars if "/" in str(name)]

    def measured(self, name: str) -> tuple[Looks, np.ndarray]:
        """When the runs were measured, and the values [run, step]: at every look where that was looked at, else by row.

        Raises:
          ValueError: there is no such measure, with the nearest one, or it is more than one number a run and step.
        """
        if name in self.looks.columns:
            return self.looks, self.looks.seen(name)
        scalars = [known for known in self.measures if self.history[known].dims == ("run", "k")]
        if name not in self.measures:
            raise ValueError(f"no measure {name!r}{nearest(name, scalars)}; there are {', '.join(sorted(scalars))}")
        if name not in scalars:
            each = " x ".join(map(str, self.history[name].shape[2:]))
            raise ValueError(f"{name} is {each} numbers a run and step, no single one; see Results.history")
        return measured_rows(rows_of(self._compared, self.looks), self._compared[name].values)

    def _cell_axes(self) -> list[str]:
        return [path for path in self.spec["axes"] if not path.startswith("seeds.")]

    def _seed_labels(self) -> np.ndarray:
        """[run] which seed of its cell a run is: the first of the four streams that differs within cells."""
        for path in SEED_PATHS:
            seeds = self.history[path].values
            if path not in self.spec["axes"] and len(np.unique(seeds)) > 1:
                return seeds
        return self.history["seeds.split"].values

    def __repr__(self) -> str:
        done = "complete" if self.is_complete else "partial"
        return f"Results({', '.join(map(str, self.roots))}: {self._dataset.sizes['run']} runs, {done})"


def _compared(whole: xr.Dataset, specs: Sequence[dict[str, Any]]) -> xr.Dataset:
    """Runs of several sweeps as far as all of them go."""
    budgets = sorted({spec["steps"] for spec in specs})
    if len(budgets) > 1:
        steps = " and ".join(f"{budget:,}" for budget in budgets)
        near = f"by the last look at most {PASSED_GAP:.0%} before it where none is there"
        warnings.warn(
            f"The folders go to {steps} steps; runs are compared at step {budgets[0]:,}, {near}.", stacklevel=4
        )
    return until(whole, budgets[0])


def _longest_roots(roots: Sequence[Path], datasets: Sequence[xr.Dataset]) -> dict[str, Path]:
    """Run id -> the folder in which the run was trained longest."""
    longest: dict[str, tuple[int, Path]] = {}
    for root, dataset in zip(roots, datasets, strict=True):
        steps = dataset["final_step"].values if dataset.sizes["run"] else ()
        for run_id, step in zip(dataset["run_id"].values.tolist(), steps, strict=True):
            if run_id not in longest or step > longest[run_id][0]:
                longest[run_id] = int(step), root
    return {run_id: root for run_id, (_, root) in longest.items()}
