"""Is a point of a line the median of its runs, and is nothing that never happened left out of it?"""

import numpy as np
import pandas as pd
import pytest

from grokjax.analysis.intervals import bootstrap_median
from grokjax.analysis.value_lines import value_lines

SEEDS = 8


def runs(**columns) -> pd.DataFrame:
    """Two forms by three shares at eight seeds; the first form has the last share alone."""
    points = [("dense", 1.0), *(("ticket", keep) for keep in (0.1, 0.4, 1.0))]
    return pd.DataFrame(
        {
            "run_id": [f"{index:04x}" for index in range(len(points) * SEEDS)],
            "init.prune.form": np.repeat([form for form, _ in points], SEEDS),
            "init.prune.keep": np.repeat([keep for _, keep in points], SEEDS),
            **{f"seeds.{stream}": np.tile(np.arange(SEEDS), len(points)) for stream in ("split", "init")},
            "phase": "grokking",
            **columns,
        }
    )


def test_a_point_is_the_median_of_its_runs_with_its_interval_over_seeds():
    values = np.random.default_rng(0).normal(size=4 * SEEDS)
    lines = value_lines(runs(**{"weight_norm/total": values}), "total", "keep", "form")
    assert lines.by.tolist() == ["dense", "ticket"] and lines.x.tolist() == [0.1, 0.4, 1]
    np.testing.assert_array_equal(lines.n, [[0, 0, SEEDS], [SEEDS] * 3])
    cells = values.reshape(4, SEEDS)
    np.testing.assert_allclose(lines.median[1], np.median(cells[1:], axis=1))
    assert np.isnan(lines.median[0, :2]).all() and lines.median[0, 2] == np.median(cells[0])
    known = bootstrap_median(cells[2], np.arange(SEEDS))
    assert (lines.low[1, 1], lines.high[1, 1]) == (known.low, known.high)
    assert (lines.value_name, lines.pooled, lines.left_out) == ("weight_norm/total", (), 0)
    assert not lines.never.any() and not lines.unknown.any()


def test_runs_that_never_got_there_count_as_later_than_all_and_are_counted():
    steps = np.tile(np.arange(1.0, SEEDS + 1), 4)
    steps[SEEDS : SEEDS + 5] = np.nan  # of the ticket of 0.1 five never came: its median is never
    steps[2 * SEEDS] = np.nan
    lines = value_lines(runs(steps_to_test_95=steps), "steps_to_test_95", "keep", "form")
    np.testing.assert_array_equal(lines.never, [[0, 0, 0], [5, 1, 0]])
    np.testing.assert_array_equal(lines.median[1], [np.inf, 5.5, 4.5])
    assert lines.high[1, 0] == np.inf and np.isfinite(lines.high[0, 2])
    assert np.isposinf(lines.runs[:, 2]).sum() == 6 and len(lines.runs) == 4 * SEEDS


def test_a_run_that_lost_it_never_got_there():
    phases = ["collapsed"] * 3 + ["grokking"] * (4 * SEEDS - 3)
    lines = value_lines(runs(steps_to_test_95=10.0, phase=phases), "steps_to_test_95", "keep", "form")
    np.testing.assert_array_equal(lines.never, [[0, 0, 3], [0, 0, 0]])


def test_a_run_with_neither_event_has_no_delay_and_is_counted_where_it_is():
    came = np.repeat([5.0, np.nan, 5.0, 5.0], SEEDS)
    columns = {"steps_to_fit": came, "steps_to_generalized": 10 * came, "log10_delay": came / 5}
    lines = value_lines(runs(**columns), "log10_delay", "keep", "form")
    np.testing.assert_array_equal(lines.unknown, [[0, 0, 0], [SEEDS, 0, 0]])
    assert lines.n[1, 0] == 0 and np.isnan(lines.median[1, 0]) and lines.median[1, 1] == 1


def test_few_seeds_have_no_interval_and_what_is_pooled_or_left_out_is_told():
    table = runs(**{"weight_norm/total": np.arange(4.0 * SEEDS), "optimizer.weight_decay": 1.0})
    few = value_lines(table[table["seeds.init"] < 5], "total", "keep", "form")
    assert np.isnan(few.low).all() and np.isfinite(few.median[1]).all()
    single = value_lines(table, "total", "keep")
    assert (single.by_name, single.pooled, single.median.shape) == ("", ("init.prune.form",), (1, 3))
    table.loc[:3, "init.prune.keep"] = np.nan
    assert value_lines(table, "total", "keep", "form").left_out == 4


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("total", "keep", "keep"), "init.prune.keep is both the axis and what tells lines apart"),
        (("phase", "keep", "form"), "phase holds no numbers"),
        (("weight_norm/totl", "keep", "form"), "nearest is 'weight_norm/total'"),
        (("nothing/x", "keep", None), "no run has a value of init.prune.keep and nothing/x"),
    ],
)
def test_what_cannot_be_drawn_is_refused_in_one_line(words, message):
    table = runs(**{"weight_norm/total": 1.0, "nothing/x": np.nan})
    with pytest.raises(ValueError, match=message):
        value_lines(table, *words)
