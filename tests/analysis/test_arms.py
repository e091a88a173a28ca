"""Do comparisons of arms find what is there, and nothing where nothing is?"""

import numpy as np
import pandas as pd
import pytest

from grokjax.analysis.arms import best_setting, compare_arms, holm, on_edge, seeds_needed, tuning_curve

BUDGET = 10_000
SEEDS = 8


def drawn(generator, factors, spread=0.25, shared=0.3):
    """Arm -> [seed] steps: log-normal, seeds shared, arm `k` slower by `factors[k]`; beyond the budget never."""
    of_seed = generator.normal(0, shared, SEEDS)
    steps = {}
    for place, factor in enumerate(factors):
        own = 1000 * factor * np.exp(of_seed + generator.normal(0, spread, SEEDS))
        steps[f"arm{place}"] = np.where(own > BUDGET, np.inf, own)
    return steps


def alarms(factors, trials, seed):
    """Share of simulated benches in which any arm is said to differ from the first."""
    generator = np.random.default_rng(seed)
    results = [compare_arms(drawn(generator, factors), BUDGET, "arm0", resamples=50) for _ in range(trials)]
    return np.mean([any(result.adjusted < 0.05 for result in arms[1:]) for arms in results])


@pytest.mark.parametrize("arms", [2, 4, 6])
def test_equal_arms_are_called_different_in_at_most_one_bench_of_twenty(arms):
    assert alarms([1.0] * arms, 200, arms) <= 0.05 + 2 * np.sqrt(0.05 * 0.95 / 200)


def test_arms_that_all_fail_alike_are_never_called_different():
    never = {name: np.full(SEEDS, np.inf) for name in ("arm0", "arm1", "arm2")}
    results = compare_arms(never, BUDGET, "arm0")
    assert all(result.grokked.estimate == 0 and result.mean.estimate == BUDGET for result in results)
    assert [result.adjusted for result in results[1:]] == [1.0, 1.0]
    assert [result.rank.estimate for result in results] == [2.0, 2.0, 2.0]


def test_an_arm_that_takes_half_as_long_again_is_found_and_ranked_behind():
    generator = np.random.default_rng(0)
    results = [compare_arms(drawn(generator, [1.0, 1.5]), BUDGET, "arm0", resamples=200) for _ in range(100)]
    ranked = sum(first.rank.estimate < second.rank.estimate for first, second in results)
    found = sum(second.adjusted < 0.05 and second.ratio.low > 1 for _, second in results)
    assert ranked >= 95 and found >= 80


def test_means_are_restricted_to_the_budget_and_differences_are_of_the_same_seeds():
    steps = {"a": np.array([100.0, 200.0, np.inf]), "b": np.array([150.0, 100.0, 300.0])}
    a, b = compare_arms(steps, 1000, "a")
    assert a.mean.estimate == pytest.approx((100 + 200 + 1000) / 3)
    assert a.median.estimate == 200 and a.grokked.estimate == pytest.approx(2 / 3)
    assert b.difference.estimate == pytest.approx((50 - 100 - 700) / 3)
    assert b.ratio.estimate == pytest.approx(550 / 1300)
    assert np.isnan(a.adjusted) and np.isnan(a.ratio.estimate)


def test_the_correction_is_holms():
    # Holm 1979: the smallest times 3, the next times 2, never below one that is smaller.
    assert holm({"a": 0.01, "b": 0.04, "c": 0.03}) == pytest.approx({"a": 0.03, "c": 0.06, "b": 0.06})


@pytest.mark.parametrize(("arms", "seeds"), [(2, 6), (3, 7), (4, 7), (12, 9)])
def test_so_many_seeds_that_agree_are_needed_and_suffice(arms, seeds):
    assert seeds_needed(arms) == seeds
    for count, finds in ((seeds, True), (seeds - 1, False)):
        steps = {f"arm{place}": np.full(count, 100.0) for place in range(arms - 1)}
        steps["slow"] = np.full(count, 900.0)
        adjusted = compare_arms(steps, 1000, "arm0", resamples=10)[-1].adjusted
        assert (adjusted < 0.05) is finds or adjusted == pytest.approx(0.05)


def test_the_best_setting_is_the_soonest_and_of_those_that_never_come_the_most_accurate():
    runs = pd.DataFrame(
        {
            "phase": ["grokking"] * 2 + ["memorization"] * 4,
            "steps_to_test_99": pd.array([300, 500, None, None, None, None], "Int64"),
            "test/accuracy": [1.0, 1.0, 0.2, 0.4, 0.5, 0.7],
        }
    )
    curve = tuning_curve(runs, np.array([0, 0, 1, 1, 2, 2]), 1000)
    assert curve["mean"].tolist() == [400.0, 1000.0, 1000.0]
    assert best_setting(curve) == 0
    assert best_setting(curve.iloc[1:]) == 2


def test_the_ends_of_a_grid_are_edges_and_a_single_value_is_none():
    assert on_edge([0.1, 1, 10], 10) and on_edge([10, 0.1, 1], 0.1)
    assert not on_edge([0.1, 1, 10], 1) and not on_edge([3], 3)
