import numpy as np
import pandas as pd
import pytest
from scipy import stats

from grokjax.analysis.diagram import phase_diagram


def table(rows, **more):
    runs = pd.DataFrame(rows, columns=["optimizer.weight_decay", "task.train_fraction", "seeds.init", "phase"])
    return runs.assign(**more)


@pytest.fixture
def runs():
    return table(
        [
            (10, 0.3, 0, "grokking"),
            (10, 0.3, 1, "grokking"),
            (10, 0.3, 2, "memorization"),
            (2, 0.3, 0, "memorization"),
            (2, 0.5, 0, "confusion"),
            (2, 0.5, 1, "grokking"),
        ]
    )


def test_counts_stand_at_their_cell_in_canonical_order(runs):
    found = phase_diagram(runs, "weight_decay", "train_fraction")
    assert (found.x_name, found.y_name) == ("optimizer.weight_decay", "task.train_fraction")
    assert found.phases == ("confusion", "memorization", "grokking")
    assert found.x.tolist() == [2, 10]
    assert found.y.tolist() == [0.3, 0.5]
    np.testing.assert_array_equal(found.counts, [[[0, 1, 0], [0, 1, 2]], [[1, 0, 1], [0, 0, 0]]])
    np.testing.assert_array_equal(found.n, [[1, 3], [2, 0]])


def test_dominant_phase_ties_and_empty_cells_are_told_apart(runs):
    found = phase_diagram(runs, "weight_decay", "train_fraction")
    assert found.dominant.tolist() == [["memorization", "grokking"], ["confusion", ""]]
    assert found.tied.tolist() == [[False, False], [True, False]]
    entropy = -(2 / 3 * np.log2(2 / 3) + 1 / 3 * np.log2(1 / 3))
    np.testing.assert_allclose(found.entropy, [[0, entropy], [1, np.nan]])


def test_shares_have_wilson_intervals(runs):
    found = phase_diagram(runs, "weight_decay", "train_fraction")
    expected = stats.binomtest(2, 3).proportion_ci(method="wilson")
    np.testing.assert_allclose([found.low[0, 1, 2], found.high[0, 1, 2]], [expected.low, expected.high])
    np.testing.assert_allclose(np.nansum(found.shares, axis=-1), [[1, 1], [1, 0]])
    assert np.isnan(found.shares[1, 1]).all()


def pooled_table(groks, decays=4, seeds=6):
    """Each seed is trained at each decay; whether it groks depends on the seed alone."""
    rows = [
        (decay, 0.3, seed, "grokking" if seed in groks else "confusion")
        for decay in range(decays)
        for seed in range(seeds)
    ]
    return table(rows)


def test_pooled_cells_are_as_sure_as_their_seeds_and_not_as_their_runs():
    pooled = phase_diagram(pooled_table({0, 1, 2}), "train_fraction")
    once = phase_diagram(pooled_table({0, 1, 2}, decays=1), "train_fraction")
    assert (pooled.interval, once.interval) == ("bootstrap over seeds", "wilson")
    expected = stats.binomtest(12, 24).proportion_ci(method="wilson")  # as if 24 seeds had been run
    assert pooled.low[0, 0, 1] < expected.low - 0.1 and pooled.high[0, 0, 1] > expected.high + 0.1
    draws = stats.binom(6, 0.5)  # the number of seeds that grok, of six drawn anew
    np.testing.assert_allclose(
        [pooled.low[0, 0, 1], pooled.high[0, 0, 1]], [draws.ppf(0.025) / 6, draws.ppf(0.975) / 6], atol=1e-9
    )


def test_a_pooled_cell_whose_runs_all_agree_is_as_sure_as_its_seeds():
    found = phase_diagram(pooled_table(set(range(6))), "train_fraction")
    expected = stats.binomtest(6, 6).proportion_ci(method="wilson")
    np.testing.assert_allclose([found.low[0, 0, 0], found.high[0, 0, 0]], [expected.low, 1.0])


def test_flags_are_counted_and_cells_that_mix_two_criteria_too(runs):
    assert phase_diagram(runs, "weight_decay").flags == {}
    runs = runs.assign(flags=["unstable;few_novel", "few_novel", "", "few_novel", None, ""])
    found = phase_diagram(runs, "weight_decay", "train_fraction")
    assert list(found.flags.items()) == [("few_novel", 3), ("unstable", 1)]
    assert found.mixed == 1  # decay 10: two of three; at decay 2 each cell is of one kind
    undecided = runs.assign(phase=["grokking"] * 2 + ["undecided"] * 4)
    assert phase_diagram(undecided, "weight_decay", "train_fraction").mixed == 0


def test_an_undecided_run_makes_the_map_partial(runs):
    assert not phase_diagram(runs, "weight_decay", "train_fraction").partial
    runs.loc[0, "phase"] = "undecided"
    assert phase_diagram(runs, "weight_decay", "train_fraction").partial
    runs.loc[0, "phase"] = None
    found = phase_diagram(runs, "weight_decay", "train_fraction")
    assert found.partial
    assert found.phases[-1] == "undecided"


def test_why_runs_are_undecided_is_counted(runs):
    reasons = ["running: step 1 of 9", "running: step 2 of 9", "no test examples", "", "", None]
    runs = runs.assign(phase=["undecided"] * 3 + ["grokking"] * 3, phase_reason=reasons)
    assert phase_diagram(runs, "weight_decay").reasons == {"running": 2, "no test examples": 1}


def test_axes_that_differ_inside_a_cell_are_named_as_pooled(runs):
    tied = runs["optimizer.weight_decay"] * 2
    runs = runs.assign(**{"model.width": [64, 128] * 3, "task.modulus": 97, "optimizer.tied": tied})
    assert phase_diagram(runs, "weight_decay", "train_fraction").pooled == ("model.width",)
    assert phase_diagram(runs, "weight_decay").pooled == ("task.train_fraction", "model.width")


def test_one_axis_gives_one_row(runs):
    found = phase_diagram(runs, "weight_decay")
    assert found.y.tolist() == [""]
    np.testing.assert_array_equal(found.n, [[3, 3]])


def test_texts_are_axes_too_and_runs_without_a_value_are_counted():
    runs = table([("x+y", 0.3, 0, "grokking"), ("x*y", 0.3, 0, "confusion"), (None, 0.3, 0, "confusion")])
    found = phase_diagram(runs, "weight_decay", "train_fraction")
    assert found.x.tolist() == ["x*y", "x+y"]
    assert found.left_out == 1
    assert found.n.sum() == 2


def test_what_cannot_be_drawn_is_refused_by_name(runs):
    with pytest.raises(ValueError, match=r"'weight_dcay'; nearest is 'optimizer\.weight_decay'"):
        phase_diagram(runs, "weight_dcay", "train_fraction")
    with pytest.raises(ValueError, match="are both"):
        phase_diagram(runs, "weight_decay", "optimizer.weight_decay")
    with pytest.raises(ValueError, match="'groking', which is no phase"):
        phase_diagram(runs.replace("grokking", "groking"), "weight_decay", "train_fraction")
    with pytest.raises(ValueError, match="no run has a value"):
        phase_diagram(runs.iloc[:0], "weight_decay", "train_fraction")


def test_a_measure_with_a_point_in_its_name_is_no_axis_that_is_pooled(runs):
    found = phase_diagram(runs.assign(**{"bytes/at_0.5": range(6)}), "weight_decay", "train_fraction")
    assert found.pooled == () and found.interval == "wilson"
    pooled = phase_diagram(runs.assign(**{"bytes/at_0.5": range(6)}), "weight_decay")
    assert pooled.pooled == ("task.train_fraction",)
