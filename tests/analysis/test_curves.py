import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grokjax.analysis.curves import bands, common_steps, values_at


def test_a_run_keeps_its_last_value_until_the_next_look(make_looks):
    looks = make_looks({"steps": [2, 10, 20]}, {"steps": [0]}, {"steps": []})
    values = np.array([[1, 2, 3], [7, 99, 99], [99, 99, 99]])
    found = values_at(looks, values, np.array([0, 2, 9, 10, 19, 20, 21]))
    np.testing.assert_array_equal(found[0], [np.nan, 1, 1, 2, 2, 3, 3])
    np.testing.assert_array_equal(found[1], [7] * 7)
    assert np.isnan(found[2]).all()


@given(st.lists(st.lists(st.integers(0, 30), unique=True, max_size=6), min_size=1, max_size=5))
def test_values_at_common_steps_agree_with_a_search_run_by_run(make_looks, histories):
    looks = make_looks(*({"steps": sorted(steps)} for steps in histories))
    values = np.arange(looks.steps.size, dtype=float).reshape(looks.steps.shape)
    grid = np.arange(0, 32)
    found = values_at(looks, values, grid)
    for run, steps in enumerate(histories):
        for point in grid:
            earlier = [place for place, step in enumerate(sorted(steps)) if step <= point]
            expected = values[run, earlier[-1]] if earlier else np.nan
            np.testing.assert_array_equal(found[run, point], expected)


def test_quantiles_are_those_of_numpy_where_all_runs_are_alive(make_looks):
    values = np.random.default_rng(0).normal(size=(7, 3))
    looks = make_looks(*({"steps": [0, 10, 20]} for _ in range(7)))
    found = bands(looks, values)
    np.testing.assert_allclose(found.values, np.quantile(values, found.quantiles, axis=0))
    np.testing.assert_array_equal(found.n, [7, 7, 7])


def test_every_run_is_counted_once_at_each_point(make_looks):
    looks = make_looks(
        {"steps": [0, 10, 20]},
        {"steps": [0, 10], "stop_reason": "grokked", "budget": 20},
        {"steps": [0, 10], "diverged": True, "budget": 20},
        {"steps": [0, 10], "stop_reason": "running", "budget": 20},
        {"steps": [10, 20]},
        {"steps": []},
    )
    values = np.array([[1, 2, 3], [1, 9, 0], [1, 5, 0], [1, 6, 0], [7, np.nan, 0], [0, 0, 0]], float)
    found = bands(looks, values, steps=np.array([0, 10, 15, 20]))
    np.testing.assert_array_equal(found.n, [4, 5, 3, 2])
    np.testing.assert_array_equal(found.held, [0, 0, 1, 1])
    np.testing.assert_array_equal(found.diverged, [0, 0, 1, 1])
    np.testing.assert_array_equal(found.ended, [0, 0, 1, 1])
    np.testing.assert_array_equal(found.missing, [2, 1, 1, 2])
    np.testing.assert_array_equal(found.n + found.diverged + found.ended + found.missing, [6, 6, 6, 6])
    median = found.values[found.quantiles.index(0.5)]
    np.testing.assert_array_equal(median, [1, 6, 7, 6])  # at 20: 3 and the held 9


def test_a_point_without_runs_is_unknown_and_not_zero(make_looks):
    looks = make_looks({"steps": [0, 10], "diverged": True})
    found = bands(looks, np.ones((1, 2)), steps=np.array([0, 20]))
    assert found.n.tolist() == [1, 0]
    assert np.isnan(found.values[:, 1]).all()
    assert found.diverged.tolist() == [0, 1]


def test_infinite_values_stay_infinite(make_looks):
    looks = make_looks(*({"steps": [0]} for _ in range(4)))
    found = bands(looks, np.array([[1.0], [2.0], [np.inf], [np.inf]]), quantiles=(0.25, 0.5, 1.0))
    np.testing.assert_array_equal(found.values[:, 0], [1.75, np.inf, np.inf])


def test_common_steps_hold_all_looks_or_an_even_choice_with_both_ends(make_looks):
    looks = make_looks({"steps": [0, 3, 9]}, {"steps": [0, 4]})
    np.testing.assert_array_equal(common_steps(looks), [0, 3, 4, 9])
    chosen = common_steps(make_looks({"steps": list(range(1000))}), points=10)
    assert len(chosen) == 10
    assert (chosen[0], chosen[-1]) == (0, 999)


@pytest.mark.parametrize("name", ["test", "train_clean"])
def test_accuracy_can_be_drawn_directly(make_looks, name):
    looks = make_looks({"steps": [0, 10], "train_clean": [50, 100], "test_novel": [100, 200]})
    np.testing.assert_array_equal(bands(looks, looks.accuracy(name)).values[2], [0.5, 1.0])
