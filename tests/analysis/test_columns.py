import numpy as np
import pandas as pd
import pytest

from grokjax.analysis.columns import differing, find, literal, matches, seed_ids, sorted_values

COLUMNS = ["task.train_fraction", "optimizer.weight_decay", "optimizer.learning_rate", "init.learning_rate", "phase"]


@pytest.mark.parametrize(
    ("name", "column"),
    [("weight_decay", "optimizer.weight_decay"), ("phase", "phase"), ("init.learning_rate", "init.learning_rate")],
)
def test_the_last_word_names_a_column(name, column):
    assert find(name, COLUMNS) == column


def test_an_ambiguous_last_word_is_refused_with_its_candidates():
    with pytest.raises(ValueError, match=r"ambiguous: init\.learning_rate, optimizer\.learning_rate"):
        find("learning_rate", COLUMNS)


@pytest.mark.parametrize("name", ["weight_decy", "optimizer.weight_deca"])
def test_a_missing_column_is_answered_with_the_nearest(name):
    with pytest.raises(ValueError, match=f"no column '{name}'; nearest is 'optimizer.weight_decay'"):
        find(name, COLUMNS)


def test_part_of_a_word_is_not_a_name():
    with pytest.raises(ValueError, match="no column 'decay'"):
        find("decay", COLUMNS)


def test_values_are_read_as_what_they_look_like():
    assert literal("10") == 10.0
    assert literal("1e-3") == 0.001
    assert literal("TRUE") is True
    assert literal("none") is None
    assert literal("x+y") == "x+y"


def matching(values, text):
    return matches(pd.DataFrame({"a": values}), "a", text)


def test_numbers_match_to_a_thousandth():
    values = pd.Series([1.0, 1.00099, 1.0011, 0.99901, 0.0, np.nan])
    np.testing.assert_array_equal(matching(values, "1"), [True, True, False, True, False, False])
    np.testing.assert_array_equal(matching(values, "0"), [False, False, False, False, True, False])
    np.testing.assert_array_equal(matching(values, "null"), [False] * 5 + [True])


def test_texts_truths_and_mixed_columns_match_by_kind():
    np.testing.assert_array_equal(matching(pd.Series(["x+y", "x-y"]), "x-y"), [False, True])
    np.testing.assert_array_equal(matching(pd.Series([True, False]), "false"), [False, True])
    np.testing.assert_array_equal(matching(pd.Series([True, False]), "1"), [False, False])
    np.testing.assert_array_equal(matching(pd.Series([64, "full", 1], dtype=object), "64"), [True, False, False])
    np.testing.assert_array_equal(matching(pd.Series([64, "full", 1], dtype=object), "full"), [False, True, False])
    np.testing.assert_array_equal(matching(pd.Series(["64", "full", "0.1"]), "64"), [True, False, False])
    np.testing.assert_array_equal(matching(pd.Series(["64", "full", "0.1"]), "0.10"), [False, False, True])
    np.testing.assert_array_equal(matching(pd.Series(["null", "0.1"]), "null"), [True, False])


def test_axis_values_are_sorted_by_size_and_texts_by_letter():
    np.testing.assert_array_equal(sorted_values(pd.Series([10, 2, 10, 0.3])), [0.3, 2, 10])
    assert sorted_values(pd.Series(["b", "a", None])).tolist() == ["a", "b"]
    assert sorted_values(pd.Series(["full", 64, 8], dtype=object)).tolist() == [8, 64, "full"]
    assert sorted_values(pd.Series(["full", "128", "64"])).tolist() == ["64", "128", "full"]


def test_runs_share_a_seed_when_all_their_seeds_agree():
    runs = pd.DataFrame({"seeds.split": [0, 0, 0, 1], "seeds.init": [0, 1, 0, 0]})
    ids = seed_ids(runs)
    assert ids[0] == ids[2]
    assert len(set(ids.tolist())) == 3
    np.testing.assert_array_equal(seed_ids(runs, but=["seeds.init"]), [0, 0, 0, 1])
    assert len(set(seed_ids(pd.DataFrame({"phase": ["a", "b"]})).tolist())) == 2


def test_only_what_differs_inside_a_cell_is_pooled():
    runs = pd.DataFrame({"a.x": [1, 1, 2, 2], "a.tied": [1, 1, 4, 4], "a.free": [0, 1, 0, 1], "a.list": [[1]] * 4})
    assert differing(runs, ["a.x"], ["a.tied", "a.free", "a.list"]) == ("a.free",)
    assert differing(runs, [], ["a.tied", "a.list"]) == ("a.tied",)


def test_a_missing_value_differs_from_others():
    runs = pd.DataFrame({"model.dropout": np.array([None, 0.1], object), "task.modulus": [7, 7]})
    assert differing(runs, [], ["model.dropout", "task.modulus"]) == ("model.dropout",)
    assert differing(runs, ["task.modulus"], ["model.dropout"]) == ("model.dropout",)
