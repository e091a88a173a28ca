"""The combinations of model, order, noise and executor that every law of the engine is examined on."""

import pytest

from tests.laws.small_cohort import COMBINATIONS, SmallCohort, compiled_cohort


def examined() -> list:
    """All combinations; every second one is slow, so that any two of its four choices still meet in the quick half."""
    found = []
    for number, combination in enumerate(COMBINATIONS):
        is_slow = number.bit_count() % 2 == 1
        found.append(pytest.param(combination, id="-".join(combination), marks=[pytest.mark.slow] if is_slow else []))
    return found


@pytest.fixture(scope="module", params=examined())
def cohort(request: pytest.FixtureRequest) -> SmallCohort:
    """One combination; compiled when it is first asked for."""
    return compiled_cohort(*request.param)
