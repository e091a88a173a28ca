import numpy as np
import pytest
from scipy import stats

from grokjax.analysis.survival import bounds, follow_up, kaplan_meier, survival_median

# Weeks of remission of leukaemia, 6-mercaptopurine arm of Freireich et al. 1963, as printed in many textbooks.
WEEKS = [6, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17, 19, 20, 22, 23, 25, 32, 32, 34, 35]
CENSORED = [0, 0, 0, 1, 0, 1, 0, 1, 1, 0, 0, 1, 1, 1, 0, 0, 1, 1, 1, 1, 1]


def test_a_published_table_is_reproduced():
    found = kaplan_meier(np.array(WEEKS), np.array(CENSORED) == 0)
    np.testing.assert_array_equal(found.times, [6, 7, 10, 13, 16, 22, 23])
    np.testing.assert_array_equal(found.at_risk, [21, 17, 15, 12, 11, 7, 6])
    np.testing.assert_array_equal(found.events, [3, 1, 1, 1, 1, 1, 1])
    np.testing.assert_allclose(found.survival, [0.857, 0.807, 0.753, 0.690, 0.627, 0.538, 0.448], atol=5e-4)
    error = found.survival * np.sqrt(found.greenwood)
    np.testing.assert_allclose(error, [0.0764, 0.0869, 0.0963, 0.1068, 0.1141, 0.1282, 0.1346], atol=5e-5)


def test_a_table_worked_by_hand_is_reproduced():
    # five runs: event at 1, censored at 2, two events at 3, censored at 5
    found = kaplan_meier(np.array([1, 2, 3, 3, 5]), np.array([1, 0, 1, 1, 0]) == 1)
    np.testing.assert_allclose(found.survival, [4 / 5, 4 / 5 * 1 / 3])
    np.testing.assert_allclose(found.greenwood, [1 / 20, 1 / 20 + 2 / 3])
    assert survival_median(found).estimate == 3


def test_survival_and_limits_agree_with_scipy():
    generator = np.random.default_rng(2)
    event, censoring = generator.integers(1, 30, 80), generator.integers(1, 40, 80)
    event[:2], censoring[:2] = (1, 60), (40, 50)  # the survival is never 1 or 0, where limits are not defined
    times, observed = np.minimum(event, censoring).astype(float), event <= censoring
    reference = stats.ecdf(stats.CensoredData.right_censored(times, ~observed)).sf
    found = kaplan_meier(times, observed)
    np.testing.assert_allclose(found.survival, reference.evaluate(found.times), atol=1e-12)
    limits = reference.confidence_interval(method="log-log")
    low, high = bounds(found)
    np.testing.assert_allclose(low, limits.low.evaluate(found.times), atol=1e-12)
    np.testing.assert_allclose(high, limits.high.evaluate(found.times), atol=1e-12)


def test_median_and_its_interval_of_the_published_data():
    found = survival_median(kaplan_meier(np.array(WEEKS), np.array(CENSORED) == 0))
    assert found.estimate == 23
    assert found.low == 13
    assert found.high == np.inf


def test_without_censoring_the_median_is_the_first_time_at_which_half_is_there():
    found = survival_median(kaplan_meier(np.arange(1, 21), np.ones(20, bool)))
    assert found.estimate == 10
    assert found.low < 10 < found.high < 20


def test_nothing_observed_is_never_reached():
    found = kaplan_meier(np.array([5.0, 6.0]), np.zeros(2, bool))
    assert len(found.times) == 0
    assert survival_median(found) == (np.inf, np.inf, np.inf)


def test_a_run_that_never_got_there_stays_at_risk_for_ever():
    found = kaplan_meier(np.array([1.0, 2.0, np.inf]), np.array([True, True, False]))
    np.testing.assert_allclose(found.survival, [2 / 3, 1 / 3])
    found = kaplan_meier(np.array([1.0, 2.0, 1.5]), np.array([True, True, False]))
    np.testing.assert_allclose(found.survival, [2 / 3, 0])


def test_diverged_and_collapsed_runs_are_not_censored_and_others_are_at_their_last_look(make_looks):
    looks = make_looks(
        {"steps": [0, 10, 20], "test_novel": [0, 198, 198]},
        {"steps": [0, 10, 30], "test_novel": [0, 0, 0]},
        {"steps": [0, 10, 20], "test_novel": [0, 198, 198], "diverged": True},
        {"steps": [0, 10, 20], "test_novel": [0, 198, 179]},
        {"steps": [0, 10, 20], "test_novel": [0, 198, 180]},
        {"steps": [0, 10], "test_novel": [0, 0], "stop_reason": "running", "budget": 50},
    )
    times, observed = follow_up(looks)
    np.testing.assert_array_equal(times, [10, 30, np.inf, np.inf, 10, 10])
    np.testing.assert_array_equal(observed, [True, False, False, False, True, False])


def test_impossible_times_are_refused():
    with pytest.raises(ValueError, match="finite where the event was seen"):
        kaplan_meier(np.array([np.inf]), np.array([True]))
    with pytest.raises(ValueError, match="numbers"):
        kaplan_meier(np.array([np.nan]), np.array([False]))
