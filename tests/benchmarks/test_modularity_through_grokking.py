"""Is the verdict on modularity the one of the rule that was stated before the runs?"""

import numpy as np
import pytest
from scipy import stats

from benchmarks.modularity_through_grokking import interval, power, two_sided, verdict

SPREAD = np.linspace(-1, 1, 24)  # of 24 seeds, mean 0


@pytest.mark.parametrize(
    ("additions", "said"),
    [
        ((3 + SPREAD, 2 + SPREAD), "rises"),
        ((3 + SPREAD, 0.1 + SPREAD), "does not"),  # no more than one of the controls
        ((-3 + SPREAD, -2 + SPREAD), "does not"),
        ((3 + 20 * SPREAD, 3 + SPREAD), "undecided"),
        ((0.9 + SPREAD, 3 + SPREAD), "undecided"),  # sure to be above 0, not sure to be below 1
    ],
)
def test_modularity_rises_only_above_the_margin_and_against_both_controls(additions, said):
    assert verdict(list(additions)) == said


def test_chance_interval_and_power_are_those_of_textbooks():
    drawn = np.random.default_rng(0).normal(0.3, 1, 24)
    assert two_sided(np.ones(6)) == pytest.approx(2 / 64) and two_sided(np.array([1.0, -1.0])) == 1
    assert two_sided(drawn) == pytest.approx(stats.ttest_1samp(drawn, 0).pvalue, rel=0.2)
    np.testing.assert_allclose(interval(drawn), stats.ttest_1samp(drawn, 0).confidence_interval())
    noncentral, limit = 0.6 * np.sqrt(24), stats.t.ppf(0.975, 23)
    exact = stats.nct.sf(limit, 23, noncentral) + stats.nct.cdf(-limit, 23, noncentral)
    assert power(24, 0.6) == pytest.approx(exact, abs=0.03) and exact == pytest.approx(0.8, abs=0.01)
