"""Are the numbers behind a diagram the counted ones?"""

import numpy as np
import pandas as pd
import pytest

from grokjax.analysis.diagram import phase_diagram
from grokjax.report.phase_table import write_csv

DECAY, FRACTION = "optimizer.weight_decay", "task.train_fraction"


def wilson(successes, total):
    """Ends of the interval as roots of (share - p)^2 = z^2 p (1 - p) / total."""
    z, share = 1.959963984540054, successes / total
    return np.sort(np.roots([1 + z * z / total, -2 * share - z * z / total, share * share]).real)


@pytest.fixture
def written(grid_runs, tmp_path):
    write_csv(phase_diagram(grid_runs, DECAY, FRACTION), tmp_path / "a.csv")
    return tmp_path / "a.csv"


def test_each_cell_and_phase_has_a_row(written):
    table = pd.read_csv(written)
    assert table.columns.tolist() == [
        DECAY,
        FRACTION,
        "phase",
        "count",
        "n",
        "share",
        "low",
        "high",
        "interval",
        "rule",
    ]
    assert set(table["interval"]) == {"wilson"}
    assert len(table) == 3 * 2 * 5 and table["count"].sum() == 25


def test_counts_and_intervals_are_those_of_the_cell(written):
    table = pd.read_csv(written).set_index([DECAY, FRACTION, "phase"])
    row = table.loc[(1.0, 0.3, "grokking")]
    assert (row["count"], row["n"], row["share"]) == (3, 5, 0.6)
    np.testing.assert_allclose(row[["low", "high"]].astype(float), wilson(3, 5), rtol=1e-9)
    row = table.loc[(0.1, 0.6, "collapsed")]
    np.testing.assert_allclose(row[["low", "high"]].astype(float), wilson(1, 5), rtol=1e-9)


def test_a_cell_without_runs_has_no_share(written):
    rows = pd.read_csv(written).query(f"`{DECAY}` == 10 and `{FRACTION}` == 0.6")
    assert len(rows) == 5 and (rows["n"] == 0).all() and rows["share"].isna().all()


def test_over_one_axis_there_is_one_column_for_it(grid_runs, tmp_path):
    write_csv(phase_diagram(grid_runs, FRACTION), tmp_path / "a.csv")
    table = pd.read_csv(tmp_path / "a.csv")
    assert table.columns[:2].tolist() == [FRACTION, "phase"]
    assert set(table["interval"]) == {"bootstrap over seeds"}  # decays are pooled
    assert table.groupby(FRACTION)["count"].sum().tolist() == [15, 10]


def test_line_ends_do_not_depend_on_the_system(written):
    assert b"\r" not in written.read_bytes()
