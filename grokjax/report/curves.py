"""Which curves are shown of a group of runs, as bands over its runs: accuracy and loss, or any measure of the sweep."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from grokjax.analysis.columns import differing, series
from grokjax.analysis.curves import Bands, bands, common_steps
from grokjax.analysis.history import Looks
from grokjax.report.wording import number_text

MEDIAN = 0.5
MOST_GROUPS = 8
"""With more cells than that, bands in one panel cannot be told apart."""


@dataclasses.dataclass(frozen=True)
class Curves:
    """The learning curves of one group of runs.

    Attributes:
      title: what the runs have in common.
      num_runs: in the group.
      panels: by what its vertical axis shows (`accuracy`, `loss`, `weight_norm/total`, ...), the lines by their name
        (`train`, `test`, ...).
    """

    title: str
    num_runs: int
    panels: Mapping[str, Mapping[str, Bands]]

    @property
    def accuracy(self) -> Mapping[str, Bands]:
        """By group of examples."""
        return self.panels.get("accuracy", {})

    @property
    def loss(self) -> Mapping[str, Bands]:
        """By group of examples; may be empty."""
        return self.panels.get("loss", {})

    @property
    def first(self) -> Bands | None:
        """The bands by which it is said how many runs are left."""
        return next((lines[name] for lines in self.panels.values() for name in lines), None)


Measures = Mapping[str, tuple[Looks, np.ndarray]]
"""What is drawn: `group/name` -> when its runs were measured, and the values [run, step]."""


def default_measures(
    looks: Looks, examples: Sequence[str] = ("train", "test"), with_loss: bool = True
) -> dict[str, tuple[Looks, np.ndarray]]:
    """Accuracies and losses of groups of examples, at every look; losses of the groups that have one."""
    losses = [name for name in examples if with_loss and f"{name}/loss" in looks.columns]
    return {f"{name}/accuracy": (looks, looks.accuracy(name)) for name in examples} | {
        f"{name}/loss": (looks, looks.seen(f"{name}/loss")) for name in losses
    }


def group_curves(measures: Measures, where: np.ndarray | None = None, title: str = "") -> Curves:
    """Curves over the runs where the mask `where` [run] is true, or over all.

    Measures of one name (`train/accuracy`, `test/accuracy`) share a panel.

    Args:
      measures: of all runs.
      where: which of them form the group.
      title: what they have in common.
    """
    names = [name.rpartition("/")[2] for name in measures]
    panels: dict[str, dict[str, Bands]] = {}
    num_runs = 0
    for full, name in zip(measures, names, strict=True):
        looks, values = measures[full]
        chosen, taken = (looks, values) if where is None else (looks.take(where), values[where])
        num_runs, steps = chosen.num_runs, common_steps(chosen)
        steps = steps if len(steps) else np.zeros(1, np.int64)  # nothing was looked at yet: one point without a run
        is_shared = names.count(name) > 1 or full.partition("/")[0] in ("train", "test")
        panel, line = (name, full.rpartition("/")[0]) if is_shared else (full, full)
        panels.setdefault(panel, {})[line] = bands(chosen, taken, steps)
    return Curves(title, num_runs, panels)


def cell_curves(
    measures: Measures, runs: pd.DataFrame, axes: Sequence[str], title: str
) -> tuple[list[Curves], list[str]]:
    """One group a cell, its seeds behind the bands; one for all runs where there are more than `MOST_GROUPS` cells.

    Args:
      measures: of the runs.
      runs: one row per run of `measures`.
      axes: columns that tell cells apart.
      title: what all of the runs have in common.

    Returns:
      The groups, and what must be said below them: what was pooled.
    """
    varying = list(differing(runs, [], [path for path in axes if not path.startswith("seeds.")]))
    if not varying:
        return [group_curves(measures, None, title)], []
    cell = series(runs.assign(cell=runs[varying].astype(str).agg("\n".join, axis=1)), "cell").to_numpy()
    if len(set(cell)) > MOST_GROUPS:
        counted = ", ".join(f"{path} ({series(runs, path).astype(str).nunique()} values)" for path in varying)
        return [group_curves(measures, None, title)], [
            f"Pooled in these bands: {counted}. Choose fewer cells for a band each."
        ]
    ordered = runs.assign(place=np.arange(len(runs))).sort_values(varying, kind="stable", key=_sortable)
    groups = []
    for row in ordered.groupby(cell[ordered["place"]], sort=False)["place"].first():
        values = runs.iloc[int(row)][varying]
        named = ", ".join(f"{path.split('.')[-1]} = {number_text(value)}" for path, value in values.items())
        groups.append(group_curves(measures, cell == cell[row], named))
    return groups, []


def _sortable(column: pd.Series) -> pd.Series:
    """Numbers by size; anything else by its text."""
    return column if pd.api.types.is_numeric_dtype(column) else column.astype(str)


def quantile_of(line_bands: Bands, wanted: float) -> np.ndarray | None:
    """[point] values of one quantile; None when it was not computed."""
    return line_bands.values[line_bands.quantiles.index(wanted)] if wanted in line_bands.quantiles else None


def dropouts(line_bands: Bands) -> str:
    """Why fewer runs stand behind the last point than behind the first, in words; empty when none is missing."""
    counts = {
        "diverged": int(line_bands.diverged[-1]),
        "not yet at the end": int(line_bands.ended[-1]),
        "held at their last value": int(line_bands.held[-1]),
    }
    return ", ".join(f"{count:,} {reason}" for reason, count in counts.items() if count)


def curve_table(groups: Sequence[Curves]) -> pd.DataFrame:
    """One row per group, measure and step: `group`, `measure`, `step`, `n`, and `q05` to `q95`, one a quantile."""
    parts = []
    for group in groups:
        named = {
            (line if line == panel else f"{line}/{panel}"): line_bands
            for panel, lines in group.panels.items()
            for line, line_bands in lines.items()
        }
        for measure, line_bands in named.items():
            columns = {
                f"q{round(100 * q):02d}": row for q, row in zip(line_bands.quantiles, line_bands.values, strict=True)
            }
            head = {"group": group.title, "measure": measure, "step": line_bands.steps, "n": line_bands.n}
            parts.append(pd.DataFrame(head | columns))
    return pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()


def write_curves(groups: Sequence[Curves], path: str | Path) -> None:
    """Write `curve_table` as CSV."""
    curve_table(groups).to_csv(path, index=False, lineterminator="\n")
