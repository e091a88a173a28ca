"""The laws notice a broken engine: each fault here is one that a law must catch."""

import jax
import numpy as np
import pytest

from tests.laws.same_bits import assert_same_bits, assert_same_weights
from tests.laws.small_cohort import compiled_cohort


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
