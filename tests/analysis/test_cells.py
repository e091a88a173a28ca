"""Do the numbers of a cell follow from its runs?"""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from grokjax.analysis.cells import cell_table

AXES = ["optimizer.weight_decay", "task.operation"]


def runs_of(cells):
    """Runs of {(decay, operation): [(phase, step), ...]}, each with its own seed."""
    rows = [
        {AXES[0]: decay, AXES[1]: operation, "seeds.split": seed, "phase": phase, "steps_to_test_99": step}
        for (decay, operation), seen in cells.items()
        for seed, (phase, step) in enumerate(seen)
    ]
    return pd.DataFrame(rows)


NEVER = np.nan
SEEN = {
    (10, "x+y"): [("grokking", 100.0), ("comprehension", 20.0), ("collapsed", 30.0), ("memorization", NEVER)],
    (1, "x*y"): [("grokking", 500.0), ("undecided", NEVER), ("grokking", 300.0), ("undecided", 50.0)],
    (1, "x+y"): [("undecided", NEVER)],
}


@pytest.fixture
def table():
    return cell_table(runs_of(SEEN), AXES)


def test_cells_stand_in_the_order_of_their_axes(table):
    assert table[AXES].to_numpy().tolist() == [[1, "x*y"], [1, "x+y"], [10, "x+y"]]
    assert table["runs"].tolist() == [4, 1, 4] and table["decided"].tolist() == [2, 0, 4]


def test_shares_are_of_all_runs_and_the_chance_to_generalize_of_decided_ones(table):
    phases = ["grokking", "comprehension", "memorization", "collapsed", "undecided"]
    assert table[phases].to_numpy().tolist() == [[0.5, 0, 0, 0, 0.5], [0, 0, 0, 0, 1], [0.25, 0.25, 0.25, 0.25, 0]]
    np.testing.assert_array_equal(table["generalized"], [1, np.nan, 0.5])
    for place, (successes, total) in {0: (2, 2), 2: (2, 4)}.items():
        expected = stats.binomtest(successes, total).proportion_ci(method="wilson")
        found = table.loc[place, ["generalized_low", "generalized_high"]].astype(float)
        np.testing.assert_allclose(found, [expected.low, expected.high])


def test_medians_count_never_as_infinity_and_who_never_got_there_is_counted(table):
    np.testing.assert_array_equal(table["steps_to_test_99"], [400, np.nan, np.inf])  # of 20, 100, never, never
    assert table["censored"].tolist() == [0, 0, 1] and table["fell"].tolist() == [0, 0, 1]
    low, high = table.loc[0, ["steps_to_test_99_low", "steps_to_test_99_high"]]
    assert (low, high) == (300, 500)  # all draws of two seeds


def test_the_interval_of_a_median_covers_the_true_one_about_as_often_as_it_says():
    generator = np.random.default_rng(0)
    inside = 0
    for _ in range(100):
        steps = generator.lognormal(5, 1, 15)
        table = cell_table(runs_of({(1, "x+y"): [("grokking", step) for step in steps]}), AXES)
        inside += table["steps_to_test_99_low"][0] <= np.exp(5) <= table["steps_to_test_99_high"][0]
    assert 85 <= inside <= 100


def test_without_axes_all_runs_are_one_cell_and_without_runs_there_is_none():
    runs = runs_of(SEEN)
    assert cell_table(runs, [])["runs"].tolist() == [9]
    assert len(cell_table(runs.iloc[:0], AXES)) == 0
