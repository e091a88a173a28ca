import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from grokjax.analysis import intervals

INF = math.inf


@given(st.integers(1, 500), st.integers(0, 500), st.sampled_from([0.8, 0.95, 0.99]))
def test_wilson_agrees_with_scipy(total, successes, level):
    successes = min(successes, total)
    expected = stats.binomtest(successes, total).proportion_ci(level, method="wilson")
    found = intervals.wilson(successes, total, level)
    np.testing.assert_allclose([found.low, found.high], [expected.low, expected.high], atol=1e-12)
    assert found.estimate == successes / total


def test_wilson_limits_are_where_the_score_test_is_exactly_on_its_edge():
    # By definition the limits p solve (share - p)^2 = z^2 p (1 - p) / n.
    found = intervals.wilson(7, 20)
    z = 1.959963984540054
    for limit in (found.low, found.high):
        assert math.isclose((7 / 20 - limit) ** 2, z * z * limit * (1 - limit) / 20, rel_tol=1e-9)


def test_wilson_of_newcombe_1998_is_reproduced():
    # Newcombe 1998, Statistics in Medicine 17:857, table I, method 3: 81/263, 15/148, 0/20, 1/29
    published = {
        (81, 263): (0.2553, 0.3662),
        (15, 148): (0.0624, 0.1605),
        (0, 20): (0.0, 0.1611),
        (1, 29): (0.0061, 0.1718),
    }
    for (successes, total), limits in published.items():
        found = intervals.wilson(successes, total)
        np.testing.assert_allclose([found.low, found.high], limits, atol=5e-5)


def test_an_empty_cell_says_nothing():
    found = intervals.wilson(np.array([0]), np.array([0]))
    assert np.isnan(found.estimate[0])
    assert (found.low[0], found.high[0]) == (0, 1)


@pytest.mark.parametrize(
    ("values", "median"),
    [([1, 2, 3], 2), ([1, 2, 3, 10], 2.5), ([1, INF, INF], INF), ([1, 2, INF], 2), ([1, INF], INF), ([INF, INF], INF)],
)
def test_median_counts_never_as_infinity(values, median):
    assert intervals.censored_median(np.array(values, float)) == median


def test_median_refuses_unknown_values_and_gives_none_of_nothing():
    with pytest.raises(ValueError, match="NaN"):
        intervals.censored_median(np.array([1.0, np.nan]))
    assert np.isnan(intervals.censored_median(np.zeros((2, 0)))).all()


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=20), st.floats(0, 1))
def test_quantiles_of_finite_values_are_those_of_numpy(values, q):
    np.testing.assert_allclose(intervals.quantile(np.array(values), q), np.quantile(values, q), rtol=1e-9, atol=1e-6)


@given(st.lists(st.tuples(st.integers(0, 9) | st.just(INF), st.integers(0, 3)), min_size=1, max_size=12))
def test_weighted_median_is_the_median_of_repeated_values(pairs):
    values = np.array([pair[0] for pair in pairs], float)
    weights = np.array([[pair[1] for pair in pairs]])
    repeated = np.repeat(values, weights[0])
    expected = intervals.censored_median(repeated) if len(repeated) else np.nan
    np.testing.assert_array_equal(intervals.weighted_median(values, weights)[0], expected)


def test_seeds_are_drawn_as_often_as_there_are_seeds_and_the_same_each_time():
    weights = intervals.seed_weights(5, resamples=1000, seed=3)
    assert weights.shape == (1000, 5)
    assert (weights.sum(axis=1) == 5).all()
    np.testing.assert_array_equal(weights, intervals.seed_weights(5, resamples=1000, seed=3))
    assert not np.array_equal(weights, intervals.seed_weights(5, resamples=1000, seed=4))


def test_runs_of_a_seed_stay_together_so_that_a_contrast_is_paired():
    # Two cells, the second always 1 above the first: the seeds spread widely, the paired difference not at all.
    seeds = np.tile(np.arange(20), 2)
    base = np.random.default_rng(0).normal(size=20) * 100
    values, is_second = np.concatenate([base, base + 1]), np.repeat([0, 1], 20)

    def difference(weights):
        first, second = weights * (1 - is_second), weights * is_second
        return second @ values / second.sum(axis=1) - first @ values / first.sum(axis=1)

    found = intervals.bootstrap(difference, seeds, resamples=500)
    np.testing.assert_allclose(found, (1, 1, 1))
    unpaired = intervals.bootstrap(difference, np.arange(40), resamples=500)
    assert unpaired.high - unpaired.low > 20


def test_bootstrap_of_a_mean_has_the_width_of_theory():
    values = np.random.default_rng(1).normal(size=400)
    found = intervals.bootstrap(lambda weights: weights @ values / weights.sum(axis=1), np.arange(400), resamples=4000)
    half = 1.96 * values.std() / 20
    np.testing.assert_allclose([found.low, found.high], [values.mean() - half, values.mean() + half], atol=0.1 * half)


def test_bootstrap_in_blocks_is_the_bootstrap_in_one(monkeypatch):
    values, seeds = np.arange(10.0), np.arange(10) // 2
    whole = intervals.bootstrap_median(values, seeds, resamples=101)
    monkeypatch.setattr(intervals, "_CELLS", 70)
    assert intervals.bootstrap_median(values, seeds, resamples=101) == whole


def test_one_seed_gives_an_estimate_without_limits():
    found = intervals.bootstrap_median(np.array([0.0, 1.0]), np.array([7, 7]))
    assert found.estimate == 0.5
    assert np.isnan(found.low)
    assert np.isnan(found.high)


def test_limits_hold_the_level_between_them_and_accept_never():
    draws = np.concatenate([np.arange(1.0, 97.0), [np.inf] * 4])
    assert intervals.limits(draws, 0.90) == (5, 96)  # the fifth from either end
    assert intervals.limits(draws, 0.95) == (3, np.inf)
    assert intervals.limits(np.array([np.nan, 1.0, 2.0]), 0.95) == (1, 2)
