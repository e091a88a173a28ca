"""Are the steps at which a run is looked at those that the sweep file describes?"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grokjax.reader.measured_steps import Cadence, MeasurePlan, cadence_steps, look_steps, measured_steps

STEPS = st.integers(1, 200_000)
CADENCES = st.one_of(
    st.builds(Cadence, st.just("every"), st.integers(1, 5000)),
    st.builds(Cadence, st.just("per_decade"), st.integers(1, 60)),
    st.builds(Cadence, st.just("ratio"), st.floats(1.001, 4)),
    st.builds(Cadence, st.sampled_from(["log", "linear"]), st.integers(1, 300), st.integers(1, 100_000)),
    st.builds(Cadence, st.just("listed"), st.sets(st.integers(0, 200_000), min_size=1).map(sorted).map(tuple)),
)
WITHOUT_HORIZON = st.builds(Cadence, st.sampled_from(["log", "linear"]), st.integers(1, 300))


@settings(max_examples=100)
@given(CADENCES | WITHOUT_HORIZON, STEPS)
def test_steps_increase_from_zero_to_the_last(cadence, steps):
    found = cadence_steps(cadence, steps)
    assert found.dtype == np.int64
    assert found[0] == 0
    assert found[-1] == steps
    assert np.all(np.diff(found) > 0)


@settings(max_examples=100)
@given(CADENCES, STEPS, STEPS)
def test_a_longer_budget_keeps_the_earlier_steps(cadence, steps, more):
    short, long = sorted((steps, more))
    kept = cadence_steps(cadence, short)[:-1]  # the last step is measured because it is the last
    assert np.isin(kept, cadence_steps(cadence, long)).all()
    assert np.isin(cadence_steps(cadence, long)[: len(kept)], kept).all()


@given(WITHOUT_HORIZON, STEPS, STEPS)
def test_naming_the_old_budget_as_horizon_extends_a_sweep(cadence, steps, more):
    short, long = sorted((steps, more))
    extended = cadence_steps(Cadence(cadence.form, cadence.number, short), long)
    assert extended[extended <= short].tolist() == cadence_steps(cadence, short).tolist()


@pytest.mark.parametrize(("count", "steps"), [(60, 2000), (20, 100_000), (5, 10_000), (100, 1_000_000)])
def test_log_gives_as_many_steps_as_asked_for_at_even_ratios(count, steps):
    found = cadence_steps(Cadence("log", count), steps)[1:]
    assert count <= len(found) <= count + 1
    large = found[found > 200]
    ratios = large[1:] / large[:-1]
    assert ratios.max() / ratios.min() < 1.02


def test_log_with_more_steps_than_there_are_takes_them_all():
    assert cadence_steps(Cadence("log", 60), 20).tolist() == list(range(21))


def test_plain_cadences_against_counting():
    assert cadence_steps(Cadence("every", 100), 350).tolist() == [0, 100, 200, 300, 350]
    assert cadence_steps(Cadence("linear", 4), 10).tolist() == [0, 3, 5, 8, 10]
    assert cadence_steps(Cadence("linear", 50), 3).tolist() == [0, 1, 2, 3]
    assert cadence_steps(Cadence("listed", (3, 10)), 20).tolist() == [0, 3, 10, 20]
    decades = [int(10 ** (k / 3) + 0.5) for k in range(13)]
    assert cadence_steps(Cadence("per_decade", 3), 10_000).tolist() == sorted({0, *decades})
    assert cadence_steps(Cadence("ratio", 2), 100).tolist() == [0, 1, 2, 4, 8, 16, 32, 64, 100]


@given(STEPS, CADENCES)
def test_looks_are_never_more_than_four_percent_apart(steps, every):
    plan = MeasurePlan(every, Cadence("ratio", 1.04), ())
    looks = look_steps(plan, steps)
    late = looks[looks >= 25]
    assert looks[: min(26, len(looks))].tolist() == list(range(min(26, steps + 1)))
    assert np.all(late[1:] * 100 <= late[:-1] * 104)
    assert np.isin(measured_steps(plan, steps), looks).all()


def test_looks_are_the_fewest_that_four_percent_allow():
    looks = cadence_steps(Cadence("ratio", 1.04), 10**6)
    assert len(looks) < 340
    gaps = [(a, b) for a, b in zip(looks[25:-2].tolist(), looks[26:-1].tolist(), strict=True)]
    assert all((b + 1) * 100 > a * 104 for a, b in gaps)
