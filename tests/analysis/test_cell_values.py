"""Is a cell the median of its runs, and is nothing that never happened taken for missing?"""

import numpy as np
import pandas as pd
import pytest

from grokjax.analysis.cell_values import cell_values


def runs(**columns) -> pd.DataFrame:
    """Two decays by two fractions at three seeds."""
    decay, fraction, seed = (axis.ravel() for axis in np.meshgrid([0.1, 1.0], [0.3, 0.6], [0, 1, 2], indexing="ij"))
    table = pd.DataFrame(
        {
            "run_id": [f"{index:04x}" for index in range(12)],
            "optimizer.weight_decay": decay,
            "task.train_fraction": fraction,
            **{f"seeds.{stream}": seed for stream in ("split", "init", "order", "noise")},
            "phase": "grokking",
            **columns,
        }
    )
    return table


def test_each_cell_is_the_median_of_its_runs():
    cells = cell_values(runs(**{"bytes/whole": np.arange(12.0) ** 2}), "whole", "train_fraction", "weight_decay")
    np.testing.assert_array_equal(cells.median, [[1, 16], [49, 100]])
    assert (cells.value_name, cells.left_out, cells.pooled) == ("bytes/whole", 0, ()) and (cells.n == 3).all()


def test_runs_without_a_value_are_left_out_and_an_empty_cell_has_none():
    values = np.arange(12.0)
    values[[0, 1, 2, 5]] = np.nan
    cells = cell_values(runs(**{"bytes/whole": values}), "bytes/whole", "task.train_fraction", "weight_decay")
    np.testing.assert_array_equal(cells.median, [[np.nan, 3.5], [7, 10]])
    np.testing.assert_array_equal(cells.n, [[0, 2], [3, 3]])
    assert cells.left_out == 4


def test_what_never_happened_counts_as_later_than_everything():
    steps = np.array([5, np.nan, np.nan, 5, 6, np.nan, 5, 6, 7, np.nan, np.nan, np.nan])
    cells = cell_values(runs(steps_to_generalized=steps), "steps_to_generalized", "train_fraction", "weight_decay")
    np.testing.assert_array_equal(cells.median, [[np.inf, 6], [6, np.inf]])


def test_a_measure_with_a_point_in_its_name_is_no_axis_that_was_pooled():
    cells = cell_values(runs(**{"bytes/at_0.5": np.arange(12.0), "x/y": 1.0}), "x/y", "train_fraction", "weight_decay")
    assert cells.pooled == ()
    assert cell_values(runs(**{"x/y": 1.0}), "x/y", "train_fraction").pooled == ("optimizer.weight_decay",)


def test_a_column_of_words_is_refused():
    with pytest.raises(ValueError, match="phase holds no numbers"):
        cell_values(runs(), "phase", "train_fraction")
