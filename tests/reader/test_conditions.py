"""Do conditions pick the cells that a reader would pick?"""

import time

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grokjax.reader.conditions import find_column, holds, read_condition
from grokjax.reader.errors import SpecError

COLUMNS = {
    "optimizer.weight_decay": np.array([0.3, 0.603509, 1.0, 40.0]),
    "task.modulus": np.array([7, 97, 97, 113]),
    "task.operation": np.array(["x+y", "x*y", "x/y if y odd else x-y", "x+y"], object),
    "train.minibatch": np.array(["full", 512, 64, None], object),
    "model.bias": np.array([True, False, True, True], object),
}


def rows(text):
    return np.flatnonzero(holds(read_condition(text), COLUMNS)).tolist()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("optimizer.weight_decay = 0.3", [0]),
        ("weight_decay = 0.6035", [1]),
        ("weight_decay = 0.61", []),
        ("weight_decay=1", [2]),
        ("weight_decay == 1.0", [2]),
        ("weight_decay != 1", [0, 1, 3]),
        ("weight_decay < 1", [0, 1]),
        ("weight_decay <= 1.0005", [0, 1, 2]),
        ("weight_decay < 1.0005", [0, 1]),
        ("weight_decay > 0.3", [1, 2, 3]),
        ("weight_decay >= 0.6035", [1, 2, 3]),
        ("modulus in [7, 113]", [0, 3]),
        ("modulus in[7]", [0]),
        ("operation = x+y", [0, 3]),
        ("operation = 'x*y'", [1]),
        ("operation = x/y if y odd else x-y", [2]),
        ("operation in [x+y, x*y]", [0, 1, 3]),
        ("operation != x+y and modulus = 97", [1, 2]),
        ("operation = 'x+y' and weight_decay < 1 and modulus >= 7", [0]),
        ("train.minibatch = full", [0]),
        ("minibatch >= 64", [1, 2]),
        ("minibatch = null", [3]),
        ("minibatch = none", [3]),
        ("minibatch in [none, full]", [0, 3]),
        ("bias = true", [0, 2, 3]),
        ("bias = 1", []),
        ("modulus = x+y", []),
    ],
)
def test_a_condition_holds_where_it_says(text, expected):
    assert rows(text) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("weight_decay", "KEY OP VALUE"),
        ("weight_decay =", "KEY OP VALUE"),
        ("", "KEY OP VALUE"),
        (5, "KEY OP VALUE"),
        ("weigth_decay = 1", "did you mean 'optimizer.weight_decay'"),
        ("operation < 3", "holds no numbers"),
        ("modulus < x", "needs a number"),
        ("modulus in 7", "needs a list"),
        ("modulus = [7]", "use in for several"),
        ("modulus = 7 and", "KEY OP VALUE"),
    ],
)
def test_a_condition_that_means_nothing_is_refused(text, message):
    with pytest.raises(SpecError, match=message):
        rows(text)


def test_an_ambiguous_last_word_is_refused():
    columns = {"seeds.init": 1, "model.init": 2}
    with pytest.raises(SpecError, match="ambiguous"):
        find_column("init", columns)
    assert find_column("seeds.init", columns) == "seeds.init"


@given(st.floats(-1e6, 1e6), st.sampled_from(["=", "!=", "<", "<=", ">", ">="]))
def test_comparisons_agree_with_python_outside_the_tolerance(value, operator):
    column = np.array([value, value * 1.01 + 1e-3, value * 0.99 - 1e-3])
    python = {"=": "__eq__", "!=": "__ne__", "<": "__lt__", "<=": "__le__", ">": "__gt__", ">=": "__ge__"}[operator]
    expected = [getattr(float(number), python)(value) for number in column]
    assert holds(read_condition(f"a {operator} {value!r}"), {"a": column}).tolist() == expected


def test_a_million_cells_take_a_fraction_of_a_second():
    columns = {"a.x": np.tile(np.linspace(0, 1, 1000), 1000), "a.op": np.array(["x+y", "x*y"] * 500_000, object)}
    start = time.process_time()
    found = holds(read_condition("x >= 0.5 and op = x+y"), columns)
    assert time.process_time() - start < 1
    assert found.sum() == np.sum((columns["a.x"] >= 0.5) & (np.arange(1_000_000) % 2 == 0))


def test_numbers_written_as_text_beside_words_are_compared_as_numbers():
    columns = {"minibatch": np.array(["full", "64", "8"], object), "dropout": np.array(["null", "0.1", None], object)}
    assert holds(read_condition("minibatch >= 8.001"), columns).tolist() == [False, True, True]
    assert holds(read_condition("minibatch = full"), columns).tolist() == [True, False, False]
    assert holds(read_condition("dropout = 0.1"), columns).tolist() == [False, True, False]
    assert holds(read_condition("dropout = null"), columns).tolist() == [True, False, True]


TABLE = {
    "model.depth": np.array([1, 2, 3, 3]),
    "model.width": np.array([64, 32, 32, 3]),
    "test/accuracy": np.array([0.2, 0.6, 0.9, np.nan]),
    "by_operation/x+y": np.array([0.0, 1.0, 0.0, 1.0]),
    "stop_reason": np.array(["budget", "grokked", "budget", "budget"], object),
    "budget": np.array([10, 20, 30, 40]),
    "final_step": np.array([10, 5, 30, 40]),
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("depth * width > 64", [2]),
        ("depth*width >= 64", [0, 1, 2]),
        ("width / depth = 16", [1]),
        ("width - depth * 2 < 0", [3]),
        ("depth = width", [3]),
        ("depth != width", [0, 1, 2]),
        ("final_step < budget", [1]),
        ("64 <= depth * width and depth + 1 < 4", [0, 1]),
        ("test/accuracy > 0.5", [1, 2]),
        ("accuracy > 0.5", [1, 2]),
        ("'by_operation/x+y' = 1", [1, 3]),
        ("accuracy = null", [3]),
        ("stop_reason = budget", [0, 2, 3]),
    ],
)
def test_names_of_columns_are_keys_and_sides_may_be_sums_and_products(text, expected):
    assert np.flatnonzero(holds(read_condition(text), TABLE)).tolist() == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("depth * widht > 64", "did you mean 'model.width'"),
        ("width/depth > 3", "a quotient has blanks: width / depth"),
        ("depth * > 3", "KEY OP VALUE"),
        ("stop_reason * 2 > 3", "holds no numbers"),
        ("by_operation > 3", "did you mean '\"by_operation/x\\+y\"'"),
        ("depth * 2 in [4]", "needs one key"),
    ],
)
def test_a_sum_that_means_nothing_is_refused(text, message):
    with pytest.raises(SpecError, match=message):
        holds(read_condition(text), TABLE)


def test_an_ambiguous_key_is_answered_with_names_that_can_be_typed():
    columns = {"train/accuracy": np.array([0.1]), "test/accuracy": np.array([0.9]), "x+y/accuracy": np.array([0.5])}
    with pytest.raises(SpecError, match='test/accuracy, train/accuracy, "x\\+y/accuracy"'):
        holds(read_condition("accuracy > 0.5"), columns)
    assert all(holds(read_condition(f"{key} > 0"), columns)[0] for key in ("test/accuracy", '"x+y/accuracy"'))
