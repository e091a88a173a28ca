"""Are chances those that counting gives, and do claims about nothing come out as nothing?"""

import itertools
import math
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grokjax.analysis.chance import DRAWN, MOST_EXACT, fewest_seeds, flip_chance, share_chances
from grokjax.analysis.claims import make_claim
from grokjax.analysis.verdicts import judge

LEVEL = 0.025  # of one direction


@given(st.lists(st.integers(-5, 5), min_size=1, max_size=7))
def test_flipped_signs_are_counted_as_by_hand(differences):
    sums = [sum(signs) for signs in itertools.product(*((value, -value) for value in differences))]
    wanted = Fraction(sum(total >= sum(differences) for total in sums), len(sums))
    assert flip_chance(np.array(differences, float)) == float(wanted)


def test_n_agreeing_seeds_have_the_chance_two_to_the_minus_n():
    assert [flip_chance(np.full(n, 0.1)) for n in (1, 5, 6)] == [1 / 2, 1 / 32, 1 / 64]
    assert fewest_seeds(0.95) == 6 and fewest_seeds(0.75) == 3


def test_ties_change_no_chance():
    assert flip_chance(np.array([1.0, 0.0, 2.0, 0.0])) == flip_chance(np.array([1.0, 2.0])) == 1 / 4
    assert flip_chance(np.zeros(8)) == 1


def test_an_infinite_difference_weighs_more_than_all_finite_ones():
    assert flip_chance(np.array([np.inf, -5.0, -6.0])) == 1 / 2
    assert flip_chance(np.array([np.inf, np.inf, -1e9])) == 1 / 4


def test_many_seeds_are_drawn_and_near_the_exact_chance():
    successes, seeds = 16, MOST_EXACT + 6
    wanted = sum(math.comb(seeds, k) for k in range(successes, seeds + 1)) / 2**seeds  # of a sign test
    found = flip_chance(np.where(np.arange(seeds) < successes, 1.0, -1.0))
    assert found == pytest.approx(wanted, abs=4 * math.sqrt(wanted / DRAWN))


@given(st.integers(1, 9), st.integers(0, 9), st.sampled_from([0.1, 0.2, 0.5, 0.9]))
def test_shares_against_a_number_are_the_tails_of_the_binomial(seeds, successes, number):
    successes = min(successes, seeds)
    mass = [math.comb(seeds, k) * number**k * (1 - number) ** (seeds - k) for k in range(seeds + 1)]
    found = share_chances((np.arange(seeds) < successes).astype(float), number)
    assert found == pytest.approx((sum(mass[successes:]), sum(mass[: successes + 1])))


def test_shares_between_successes_are_rounded_towards_no_evidence():
    assert share_chances(np.array([1.0, 0.5, 1.0]), 0.4) == pytest.approx((3 * 0.4**2 * 0.6 + 0.4**3, 1))


CLAIMS = {
    "probability(grokking, decay=1) > probability(grokking, decay=0)": 0.5,
    "probability(grokking, decay=1) >= probability(grokking, decay=0)": 0.9,
    "median(steps_to_test_99, decay=1) < median(steps_to_test_99, decay=0)": 0.7,
    "probability(grokking, decay=1) > 0.2": 0.2,
    "median(test/loss, decay=1) <= 0.5": 0.5,
}


def null_runs(generator, seeds, chance):
    """Two decays that make no difference, two fractions that a seed has in common: half of the luck is the seed's."""
    decay, fraction, seed = (axis.ravel() for axis in np.indices((2, 2, seeds)))
    of_seed, own = generator.random(seeds)[seed], generator.random(len(seed))
    luck = np.where(generator.random(seeds)[seed] < 0.5, of_seed, own)
    groks = luck < chance
    return pd.DataFrame(
        {
            "optimizer.decay": decay,
            "task.fraction": fraction,
            "seeds.split": seed,
            "phase": np.where(groks, "grokking", "memorization"),
            "steps_to_test_99": np.where(groks, np.floor(1000 * luck), np.nan),
            "test/loss": luck,
        }
    )


@pytest.mark.parametrize(("text", "chance"), CLAIMS.items())
@pytest.mark.parametrize("seeds", [3, 5, 6, 8])
def test_where_nothing_differs_at_most_the_level_of_sweeps_decides_a_direction(text, chance, seeds):
    generator, sweeps = np.random.default_rng(seeds), 100
    claim = make_claim("a", text, ["fraction"])
    verdicts = [judge(claim, null_runs(generator, seeds, chance), resamples=200).verdict for _ in range(sweeps)]
    margin = 3 * math.sqrt(LEVEL * (1 - LEVEL) / sweeps)  # of so few sweeps
    for verdict in ("holds", "fails"):
        assert verdicts.count(verdict) / sweeps <= LEVEL + margin
    assert seeds >= 6 or verdicts.count("undecided") == sweeps
