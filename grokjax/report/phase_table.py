"""The numbers behind a phase diagram: one row per cell and phase, with counts, shares and intervals."""

from pathlib import Path

import numpy as np
import pandas as pd

from grokjax.analysis.diagram import PhaseDiagram
from grokjax.analysis.rules import Rule, find_rule
from grokjax.report.points import is_scattered


def phase_table(diagram: PhaseDiagram, rule: str | Rule = "default") -> pd.DataFrame:
    """One row per cell and phase, cells by y and then x, phases in the order of legends.

    Columns: the axes by their paths, `phase`, `count`, `n` (runs of the cell), `share`, `low`, `high`,
    `interval`, how these two were found, and `rule`, with the thresholds that were changed. In a cell without runs the
    share is missing; of cells that fill no lattice only those with runs are there.
    """
    rows, columns, phases = diagram.counts.shape
    y, x, phase = (index.ravel() for index in np.indices((rows, columns, phases)))
    axes = {diagram.x_name: diagram.x[x]} | ({diagram.y_name: diagram.y[y]} if diagram.y_name else {})
    table = pd.DataFrame(
        axes
        | {
            "phase": np.array(diagram.phases, object)[phase],
            "count": diagram.counts.ravel(),
            "n": np.repeat(diagram.n.ravel(), phases),
            "share": diagram.shares.ravel(),
            "low": diagram.low.ravel(),
            "high": diagram.high.ravel(),
            "interval": diagram.interval,
            "rule": find_rule(rule).title,
        }
    )
    kept = diagram.n.ravel().repeat(phases) > 0
    return pd.DataFrame(table.loc[kept]).reset_index(drop=True) if is_scattered(diagram) else table


def write_csv(diagram: PhaseDiagram, path: str | Path, rule: str | Rule = "default") -> None:
    """Write `phase_table` as CSV."""
    phase_table(diagram, rule).to_csv(path, index=False, lineterminator="\n")
