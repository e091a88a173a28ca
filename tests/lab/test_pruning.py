"""Are the weights that a ticket keeps those of NumPy, and have its controls the norm and the density that they must?"""

import numpy as np
import pytest

from grokjax.lab.pruning import num_kept, pruned
from grokjax.reader.run_settings import Pruning, Seeds

RANDOM = np.random.default_rng(0)
SHAPES = {"embed/embedding": (13, 7), "hidden/bias": (9,), "hidden/kernel": (7, 9), "output/kernel": (9, 4)}
INITIAL, LATER = (
    {name: RANDOM.normal(size=shape).astype(np.float32) for name, shape in SHAPES.items()} for _ in range(2)
)
SEEDS = Seeds()
MATRICES = [name for name, shape in SHAPES.items() if len(shape) == 2]
WEIGHTS = sum(INITIAL[name].size for name in MATRICES)


def begun(form, keep, seeds=SEEDS, initial=INITIAL, later=LATER):
    return pruned(Pruning(keep=keep, at=5, form=form), seeds, initial, later)


def kept(params):
    """Path -> bool."""
    return {name: ~np.isnan(params[name]) for name in MATRICES}


@pytest.mark.parametrize("keep", [0.01, 0.3, 0.5, 0.9])
def test_a_ticket_has_the_initial_values_of_the_weights_that_are_largest_later_over_all_matrices(keep):
    params = begun("ticket", keep)
    least = np.sort(np.concatenate([np.abs(LATER[name]).ravel() for name in MATRICES]))[-int(keep * WEIGHTS)]
    for name in MATRICES:
        expected = np.where(np.abs(LATER[name]) >= least, INITIAL[name], np.nan)
        np.testing.assert_array_equal(params[name], expected)
    np.testing.assert_array_equal(params["hidden/bias"], INITIAL["hidden/bias"])
    assert sum(map(np.sum, kept(params).values())) == int(keep * WEIGHTS)


def test_of_equal_magnitudes_the_first_are_kept():
    same = {name: np.ones_like(leaf) for name, leaf in LATER.items()}
    is_kept = np.concatenate([kept(begun("ticket", 0.25, later=same))[name].ravel() for name in MATRICES])
    assert is_kept[: WEIGHTS // 4].all() and not is_kept[WEIGHTS // 4 :].any()


def test_a_share_is_counted_from_its_decimal_and_leaves_one_weight_at_least():
    assert (num_kept(0.29, 100), num_kept(0.7, 10), num_kept(1e-9, 100), num_kept(1.0, 3)) == (29, 7, 1, 3)


def test_at_random_as_many_weights_are_kept_whatever_they_become_and_others_at_another_init_seed():
    params = begun("random", 0.5)
    assert sum(map(np.sum, kept(params).values())) == WEIGHTS // 2
    np.testing.assert_equal(params, begun("random", 0.5, later=INITIAL))
    np.testing.assert_equal(params, begun("random", 0.5, Seeds(split=3, order=4, noise=5)))
    other, ticket = begun("random", 0.5, Seeds(init=1)), begun("ticket", 0.5)
    for params_of_others in (other, ticket):
        assert any((kept(params)[name] != kept(params_of_others)[name]).any() for name in MATRICES)
    for name in MATRICES:
        np.testing.assert_array_equal(params[name][kept(params)[name]], INITIAL[name][kept(params)[name]])


@pytest.mark.parametrize(("form", "order"), [("l1_norm", 1), ("l2_norm", 2)])
def test_a_dense_control_is_the_initial_network_times_one_number_and_has_the_norm_of_the_ticket(form, order):
    params, ticket = begun(form, 0.4), begun("ticket", 0.4)

    def norm(params):
        return np.linalg.norm(np.concatenate([np.nan_to_num(params[name]).ravel() for name in MATRICES]), order)

    np.testing.assert_allclose(norm(params), norm(ticket), rtol=1e-6)
    ratio = norm(ticket) / norm(INITIAL)
    assert 0.1 < ratio < 0.9
    for name in MATRICES:
        np.testing.assert_allclose(params[name], ratio * INITIAL[name], rtol=1e-6)
    np.testing.assert_array_equal(params["hidden/bias"], INITIAL["hidden/bias"])


@pytest.mark.parametrize("form", ["ticket", "random", "l1_norm", "l2_norm"])
def test_keeping_everything_changes_no_bit(form):
    np.testing.assert_equal(begun(form, 1.0), INITIAL)
