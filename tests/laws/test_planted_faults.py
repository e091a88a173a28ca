"""The laws notice a broken engine: each fault here is one that a law must catch."""

import jax
import numpy as np
import pytest

from grokjax.train import mapping
from tests.laws import test_lanes as laws
from tests.laws.same_bits import assert_same_bits, assert_same_weights
from tests.laws.small_cohort import SmallCohort, compiled_cohort


@pytest.fixture(scope="module")
def small():
    return compiled_cohort("mlp", "full", "dropout", "map")


@pytest.fixture(scope="module")
def together(small):
    return small.train([0, 1, 2, 3])


def test_two_swapped_lanes_are_noticed(together) -> None:
    with pytest.raises(AssertionError, match="differs"):
        assert_same_bits(together[0], together[3])


def test_one_flipped_bit_is_noticed(together) -> None:
    lane = together[1]
    params = jax.tree.map(np.copy, lane.state.params)
    first = jax.tree.leaves(params)[0]
    first.view(np.uint32).flat[0] ^= 1
    flipped = lane._replace(state=lane.state._replace(params=params))
    for check in (assert_same_bits, assert_same_weights):
        with pytest.raises(AssertionError):
            check(lane, flipped)


def test_a_leaked_nan_is_noticed(together) -> None:
    lane = together[2]
    looks = {kind: np.copy(buffer) for kind, buffer in lane.book.looks.items()}
    looks["float"][1, 0] = np.nan
    with pytest.raises(AssertionError, match="looks"):
        assert_same_bits(lane, lane._replace(book=lane.book._replace(looks=looks)))


def test_a_lane_that_sees_its_neighbour_is_noticed(small, together, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        small, "values", lambda number, values=small.values: values(number)._replace(stop=values(0).stop - number)
    )
    with pytest.raises(AssertionError, match="differs"):
        assert_same_bits(together[2], small.train([0, 1, 2, 3])[2])


def neighbour_taken(lanes, index, take=mapping.take):
    return take(lanes, index ^ 1)


def neighbour_replaced(lanes, index, lane, place=mapping.place):
    return place(lanes, index ^ 1, lane)


def leaking(program, lanes, *rest, segment=mapping.segment):
    """Nothing is added to a lane but zero times its neighbour: no bit changes before there is a NaN."""
    lanes, executed = segment(program, lanes, *rest)
    params = jax.tree.map(lambda leaf: leaf + 0 * jax.numpy.roll(leaf, 1, axis=0), lanes.state.params)
    return lanes._replace(state=lanes.state._replace(params=params)), executed


@pytest.mark.parametrize(
    ("name", "fault", "law"),
    [
        ("take", neighbour_taken, laws.test_permuting_lanes_permutes_results_exactly),
        ("place", neighbour_replaced, laws.test_permuting_lanes_permutes_results_exactly),
        ("segment", leaking, laws.test_a_neighbour_of_nan_does_not_matter_and_is_marked),
    ],
)
def test_a_fault_of_the_engine_breaks_a_law(name: str, fault, law, small, together, monkeypatch) -> None:
    law(small, together)
    monkeypatch.setattr(mapping, name, fault)
    broken = SmallCohort("mlp", "full", "dropout", "map")
    with pytest.raises(AssertionError):
        law(broken, broken.train([0, 1, 2, 3]))


def test_a_leak_alone_changes_no_bit_of_healthy_lanes(small, together, monkeypatch) -> None:
    monkeypatch.setattr(mapping, "segment", leaking)
    leaky = SmallCohort("mlp", "full", "dropout", "map").train([0, 1, 2, 3])
    for number in range(4):
        for one, two in zip(jax.tree.leaves(together[number].state), jax.tree.leaves(leaky[number].state), strict=True):
            np.testing.assert_array_equal(one, two)  # so it is the NaN that the law has noticed, and nothing else
