"""Is the rank correlation SciPy's, and does its interval treat seeds, not runs, as the evidence?"""

import numpy as np
import pytest
from scipy.stats import spearmanr

from grokjax.analysis.association import rank_correlation
from grokjax.analysis.falls import steepest_fall


def test_the_estimate_is_that_of_scipy_with_ties_and_runs_that_never_got_there():
    random = np.random.default_rng(0)
    x = random.integers(0, 8, 60).astype(float)
    y = x + random.normal(size=60) * 4
    y[:5] = np.inf
    ranked = np.where(np.isinf(y), y[5:].max() + 1, y)
    found = rank_correlation(x, y, np.arange(60), resamples=200)
    assert found.estimate == pytest.approx(spearmanr(x, ranked).statistic, abs=1e-12)
    assert found.low < found.estimate < found.high


def test_copies_of_a_run_under_its_seed_do_not_narrow_the_interval():
    random = np.random.default_rng(1)
    x, seeds = random.normal(size=20), np.arange(20)
    y = x + 2 * random.normal(size=20)
    once = rank_correlation(x, y, seeds, resamples=400)
    copied = rank_correlation(np.repeat(x, 10), np.repeat(y, 10), np.repeat(seeds, 10), resamples=400)
    np.testing.assert_allclose(copied, once, atol=1e-9)


def test_the_interval_holds_a_correlation_of_zero_about_as_often_as_it_says():
    random, held = np.random.default_rng(2), 0
    for _ in range(100):
        found = rank_correlation(*random.normal(size=(2, 30)), np.arange(30), resamples=100)
        held += found.low <= 0 <= found.high
    assert 0.88 * 100 <= held <= 100


def test_one_seed_has_no_interval_and_a_constant_no_correlation():
    assert np.isnan(rank_correlation(np.arange(4.0), np.arange(4.0), np.zeros(4)).low)
    assert np.isnan(rank_correlation(np.ones(4), np.arange(4.0), np.arange(4)).estimate)


def test_the_steepest_fall_is_found_behind_the_peak_on_log_scales():
    steps = np.array([[0, 10, 20, 40, 80, 160, -1], [0, 10, 20, 40, 80, 160, 320]])
    values = np.array([[5, 1, 8, 7, 2, 1.9, np.nan], [1, 1, 2, np.nan, 3, 4, 5.0]])
    np.testing.assert_array_equal(steepest_fall(steps, values), [[40, 80], [np.nan, np.nan]])
