import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import isotonic_regression

from grokjax.analysis.boundary import boundary, isotonic


def table(shares, x, seeds=10, y=0.0):
    """Runs of which the first `share` of the seeds generalize at each x."""
    return pd.DataFrame(
        [
            {
                "a.x": value,
                "a.y": y,
                "seeds.init": seed,
                "phase": "grokking" if seed < share * seeds else "memorization",
            }
            for value, share in zip(x, shares, strict=True)
            for seed in range(seeds)
        ]
    )


@given(st.lists(st.tuples(st.floats(0, 1), st.integers(1, 9)), min_size=1, max_size=10))
def test_isotonic_agrees_with_scipy(pairs):
    share, weight = np.array(pairs, float).T
    expected = isotonic_regression(share, weights=weight).x
    np.testing.assert_allclose(isotonic(share, weight), expected, atol=1e-9)


def test_places_without_runs_lie_between_their_neighbours():
    fit = isotonic(np.array([0.0, 0.2, 0.0, 0.8, 0.0]), np.array([0, 1, 0, 1, 0]))
    assert fit[1] == pytest.approx(0.2)
    assert fit[3] == pytest.approx(0.8)
    assert 0.2 - 1e-12 <= fit[2] <= 0.8 + 1e-12
    assert np.isnan(isotonic(np.zeros(3), np.zeros(3))).all()


def test_crossing_is_interpolated_between_two_values():
    found = boundary(table([0, 0.2, 0.7, 1], [1, 2, 3, 4]), "x", scale="linear")
    assert found.direction == "rising"
    assert found.at[0] == pytest.approx(2 + 0.3 / 0.5)
    assert found.status[0] == "crosses"
    assert found.misfit[0] == pytest.approx(0)


def test_a_falling_chance_crosses_at_the_mirrored_place():
    found = boundary(table([1, 0.7, 0.2, 0], [-4, -3, -2, -1]), "x", scale="linear")
    assert found.direction == "falling"
    assert found.at[0] == pytest.approx(-(2 + 0.3 / 0.5))
    assert found.low[0] <= found.at[0] <= found.high[0]


def test_a_log_axis_is_interpolated_in_the_logarithm():
    found = boundary(table([0, 0, 1, 1], [0.01, 0.1, 1, 10]), "x")
    assert found.at[0] == pytest.approx(10**-0.5)
    assert (found.low[0], found.high[0]) == (pytest.approx(0.1), pytest.approx(1))


def test_no_interval_is_narrower_than_the_grid_around_it():
    found = boundary(table([0, 0, 1, 1], [1, 2, 3, 4]), "x")
    assert (found.at[0], found.low[0], found.high[0]) == (2.5, 2, 3)


def test_a_chance_that_never_crosses_is_censored():
    runs = pd.concat([table([0, 0, 0.1], [1, 2, 3], y=0.0), table([0.9, 1, 1], [1, 2, 3], y=1.0)])
    found = boundary(runs, "x", "y", direction="rising")
    np.testing.assert_array_equal(found.at, [np.inf, -np.inf])
    assert found.status.tolist() == ["never", "always"]
    np.testing.assert_array_equal([found.low[0], found.high[0]], [3, np.inf])
    np.testing.assert_array_equal([found.low[1], found.high[1]], [-np.inf, 1])
    falling = boundary(runs, "x", "y", direction="falling")
    np.testing.assert_array_equal(falling.at, [-np.inf, np.inf])
    assert falling.status.tolist() == ["never", "always"]


def edges(found, row=0):
    return [found.edges[row].tolist(), found.edges_low[row].tolist(), found.edges_high[row].tolist()]


def test_a_window_has_two_edges_with_intervals_and_no_single_one():
    found = boundary(table([0, 0, 0.5, 1, 1, 0.1, 0], [0.1, 1, 10, 100, 1e3, 1e4, 1e5]), "x")
    assert found.status[0] == "window" and found.reason[0] == "" and found.misfit[0] >= 0.5
    assert np.isnan([found.at[0], found.low[0], found.high[0]]).all()
    (lower, upper), low, high = edges(found)
    assert lower == pytest.approx(10) and upper == pytest.approx(10 ** (3 + 0.5 / 0.9))
    assert low[0] <= 10 <= high[0] and low == pytest.approx([1, 1e3]) and high == pytest.approx([100, 1e4])


def test_a_window_of_one_value_and_one_that_reaches_beyond_the_grid():
    narrow = boundary(table([0, 1, 0], [1, 2, 3]), "x")
    assert narrow.status[0] == "window" and edges(narrow)[0] == [1.5, 2.5]
    runs = pd.concat([table([0, 0, 0, 1, 1], range(1, 6), y=0.0), table([1, 1, 0, 0, 0], range(1, 6), y=1.0)])
    found = boundary(runs, "x", "y", direction="rising")  # the second row falls where the first one rises
    assert found.status.tolist() == ["crosses", "window"]
    assert edges(found, 1)[0] == [-np.inf, 2.5] and found.at[0] == 3.5


def test_a_gap_has_two_edges_too():
    found = boundary(table([1, 1, 0, 0, 1], [1, 2, 3, 4, 5]), "x")
    assert found.status[0] == "gap" and edges(found) == [[2.5, 4.5], [2, 4], [3, 5]]


def test_several_windows_have_no_edge_and_a_reason():
    found = boundary(table([0, 1, 0, 1, 0], [1, 2, 3, 4, 5]), "x")
    assert found.status[0] == "not monotone" and "crosses 1/2 4 times" in found.reason[0]
    assert np.isnan([found.at[0], found.low[0], found.high[0], *found.edges[0]]).all()


def test_one_seed_shows_a_window_without_an_interval():
    found = boundary(table([0, 0, 1, 1, 0, 0], range(1, 7), seeds=1), "x")
    assert found.status[0] == "window" and edges(found)[0] == [2.5, 4.5]
    assert np.isnan(found.edges_low[0]).all()


def test_shares_that_go_up_and_down_on_one_side_of_a_half_have_no_edge():
    assert boundary(table([0, 0.4, 0, 0.4, 0], range(1, 6), seeds=50), "x").status[0] == "never"
    assert boundary(table([1, 0.6, 1, 0.6, 1], range(1, 6), seeds=50), "x").status[0] == "always"


def drawn(generator, chance, x, seeds=12):
    """Runs that generalize with these chances, all by themselves."""
    return pd.DataFrame(
        [
            {"a.x": value, "seeds.init": seed, "phase": "grokking" if generator.random() < p else "confusion"}
            for value, p in zip(x, chance, strict=True)
            for seed in range(seeds)
        ]
    )


def test_planted_windows_are_found_and_their_intervals_cover_both_edges():
    generator, x = np.random.default_rng(11), np.linspace(0, 8, 17)
    windows = inside = 0
    for _ in range(60):
        lower, upper = generator.uniform(1.2, 2.8), generator.uniform(5.2, 6.8)
        chance = 1 / (1 + np.exp(-4 * np.minimum(x - lower, upper - x)))
        found = boundary(drawn(generator, chance, x), "x", resamples=200)
        windows += found.status[0] == "window"
        inside += sum(found.edges_low[0] <= [lower, upper]) + sum(found.edges_high[0] >= [lower, upper]) == 4
    assert windows == 60 and inside >= 55


@pytest.mark.parametrize("chance", [0.05, 0.3, 0.5, 0.7])
def test_noise_without_an_edge_is_no_window(chance):
    generator, x = np.random.default_rng(3), np.arange(9.0)
    status = [
        boundary(drawn(generator, np.full(9, chance), x), "x", direction="rising", resamples=200).status[0]
        for _ in range(60)
    ]
    assert sum(one in ("window", "gap", "not monotone") for one in status) <= 3  # about 1 % of them, at most


def test_undecided_runs_are_left_out_and_counted_and_other_phases_do_not_generalize():
    runs = table([0, 1], [1, 2], seeds=4)
    runs.loc[0, "phase"] = "undecided"
    runs.loc[1, "phase"] = "collapsed"
    found = boundary(runs, "x")
    assert found.undecided == 1
    assert found.n.tolist() == [7]
    assert found.at[0] == 1.5


def test_a_row_of_undecided_runs_only_has_no_boundary():
    runs = pd.concat([table([0, 1], [1, 2], y=0.0), table([0, 1], [1, 2], y=1.0).assign(phase="undecided")])
    found = boundary(runs, "x", "y")
    assert found.status.tolist() == ["crosses", "no runs"]
    assert np.isnan(found.at[1])


def test_one_seed_gives_no_interval():
    found = boundary(table([0, 1], [1, 2], seeds=1), "x")
    assert found.at[0] == 1.5
    assert np.isnan(found.low[0])


def test_intervals_cover_the_truth_about_as_often_as_they_say():
    generator = np.random.default_rng(5)
    x = np.linspace(0, 4, 9)
    inside = 0
    for _ in range(100):
        truth = generator.uniform(1.2, 2.8)
        chance = 1 / (1 + np.exp(-3 * (x - truth)))
        rows = [
            {"a.x": value, "seeds.init": seed, "phase": "grokking" if generator.random() < p else "confusion"}
            for value, p in zip(x, chance, strict=True)
            for seed in range(12)
        ]
        found = boundary(pd.DataFrame(rows), "x", direction="rising", resamples=300)
        inside += found.low[0] <= truth <= found.high[0]
    assert inside >= 93  # wider than needed on purpose: from grid value to grid value


def test_what_cannot_be_searched_is_refused():
    runs = table([0, 1], [1, 2])
    with pytest.raises(ValueError, match="holds no numbers"):
        boundary(runs.assign(**{"a.x": "text"}), "x")
    with pytest.raises(ValueError, match="direction 'up'"):
        boundary(runs, "x", direction="up")
    with pytest.raises(ValueError, match="positive"):
        boundary(runs.assign(**{"a.x": runs["a.x"] - 1}), "x", scale="log")
