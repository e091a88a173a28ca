"""A run's bits depend on the run and the program alone: not on its lane, its neighbours, or where segments are cut."""

import numpy as np
import pytest

from grokjax.train.executables import COMPILATIONS, TRACES
from grokjax.train.look_names import unpack
from tests.laws.same_bits import assert_same_bits, assert_same_weights
from tests.laws.small_cohort import STEPS, SmallCohort


@pytest.fixture(scope="module")
def together(cohort: SmallCohort):
    return cohort.train([0, 1, 2, 3])


def test_runs_learn_and_are_looked_at_on_schedule(cohort: SmallCohort, together) -> None:
    for lane in together.values():
        assert lane.state.step == STEPS and not lane.book.active and lane.book.diverged_at == -1
        count = int(lane.book.num_looks)
        np.testing.assert_array_equal(lane.book.look_steps[:count], cohort.feed.schedule.steps)
        losses = unpack(lane.book.looks)["train/loss"][:count]
        assert np.all(np.isfinite(losses)) and losses[-1] < losses[0]


def test_permuting_lanes_permutes_results_exactly(cohort: SmallCohort, together) -> None:
    permuted = cohort.train([2, 0, 3, 1])
    for number in range(4):
        assert_same_bits(together[number], permuted[number])


def test_neighbours_do_not_matter(cohort: SmallCohort, together) -> None:
    others = cohort.train([5, 1, 7, 4])
    assert_same_bits(together[1], others[1])


def test_a_neighbour_of_nan_does_not_matter_and_is_marked(cohort: SmallCohort, together) -> None:
    beside = cohort.train([0, 1, 2, 3], poison=2)
    for number in (0, 1, 3):
        assert_same_bits(together[number], beside[number])
    assert beside[2].book.diverged_at == 1 and not beside[2].book.active


def test_a_run_alone_among_empty_lanes_is_the_same_run(cohort: SmallCohort, together) -> None:
    alone = cohort.train([None, None, None, 3])
    assert_same_bits(together[3], alone[3])


def test_cuts_of_segments_do_not_matter(cohort: SmallCohort, together) -> None:
    cut = cohort.train([0, 1, 2, 3], cuts=(1, 2, 7, 8, 16, 19, STEPS))
    for number in range(4):
        assert_same_bits(together[number], cut[number])


def test_another_schedule_of_looks_changes_no_bit_of_training(cohort: SmallCohort, together) -> None:
    schedule = cohort.feed.schedule
    steps = schedule.steps.copy()
    steps[1:-1] = np.linspace(3, STEPS - 1, len(steps) - 2).astype(np.int32)
    assert np.all(np.diff(steps) > 0) and not np.array_equal(steps, schedule.steps)
    others = cohort.train([0, 1, 2, 3], schedule=schedule._replace(steps=steps))
    for number in range(4):
        assert_same_weights(together[number], others[number])


def test_nothing_is_traced_or_compiled_again(cohort: SmallCohort, together) -> None:
    before = dict(TRACES), dict(COMPILATIONS)
    cohort.train([3, None, 1, None], cuts=(5, STEPS))
    assert before == (dict(TRACES), dict(COMPILATIONS))
