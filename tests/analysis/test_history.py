import dataclasses

import numpy as np
import pytest


def test_final_values_ignore_what_stands_after_the_last_look(make_looks):
    looks = make_looks(
        {"steps": [0, 10, 20], "train_clean": [1, 2, 3]},
        {"steps": [0], "train_clean": [50]},
        {"steps": [], "train_clean": []},
    )
    np.testing.assert_array_equal(looks.final_step, [20, 0, -1])
    np.testing.assert_array_equal(looks.final(looks.correct("train_clean")[0]), [3, 50, np.nan])
    np.testing.assert_array_equal(looks.accuracy("train_clean")[1], [0.5, np.nan, np.nan])


def test_accuracy_of_an_empty_group_is_unknown(make_looks):
    looks = make_looks({"steps": [0, 10], "train_noisy": [0, 0]})
    assert np.isnan(looks.accuracy("train_noisy")).all()


def test_until_hides_later_looks_only(make_looks):
    looks = make_looks({"steps": [0, 10, 20], "train_clean": [1, 2, 3]}).until(19)
    np.testing.assert_array_equal(looks.final_step, [10])
    assert looks.until(10).final_step[0] == 10


def test_take_keeps_a_run_whole(make_looks):
    looks = make_looks({"steps": [0, 5]}, {"steps": [0, 7], "diverged": True}, settings={"label_noise": [0.0, 0.2]})
    chosen = looks.take(np.array([False, True]))
    assert chosen.num_runs == 1
    assert chosen.final_step[0] == 7
    assert chosen.is_diverged[0]
    assert chosen.settings["label_noise"][0] == 0.2
    np.testing.assert_array_equal(chosen.size("train"), [100])


def test_a_run_is_diverged_by_its_flag_or_by_its_stop_reason(make_looks):
    looks = make_looks(*({"steps": [0]} for _ in range(3)))
    reasons = np.array(["budget", "diverged", "budget"], object)
    changed = dataclasses.replace(looks, stop_reason=reasons, diverged=np.array([False, False, True]))
    assert changed.is_diverged.tolist() == [False, True, True]


@pytest.mark.parametrize("steps", [[[0, 0]], [[5, 3]], [[-1, 3]], [[0, -2]]])
def test_steps_that_do_not_increase_are_refused(make_looks, steps):
    looks = make_looks({"steps": [0, 1]})
    with pytest.raises(ValueError, match="steps must increase"):
        dataclasses.replace(looks, steps=np.array(steps))


def test_shapes_that_do_not_fit_are_refused_by_name(make_looks):
    looks = make_looks({"steps": [0, 1]})
    with pytest.raises(ValueError, match="'train/loss' has shape"):
        dataclasses.replace(looks, columns={"train/loss": np.zeros((1, 3))})
    with pytest.raises(ValueError, match="'train' has shape"):
        dataclasses.replace(looks, sizes={"train": np.zeros(2)})


def test_a_misspelt_name_is_answered_with_the_nearest(make_looks):
    looks = make_looks({"steps": [0, 1]})
    with pytest.raises(ValueError, match="'test/los'; nearest is 'test/loss'"):
        looks.column("test/los")
    with pytest.raises(ValueError, match="nearest is 'test_novel'"):
        looks.size("test_noval")
    with pytest.raises(ValueError, match="'budgets'; nearest is 'budget'"):
        dataclasses.replace(looks, stop_reason=np.array(["budgets"]))
