"""Are whole parts called by what tells them apart, without files, uniquely, wherever conditions name them?"""

import pytest

from grokjax.orders.identity import spec_hash
from grokjax.orders.order import grid_orders
from grokjax.reader.errors import SpecError
from grokjax.reader.sweep_file import load
from grokjax.reader.value_names import read_text, value_aliases, value_names
from grokjax.reader.yaml_file import parse

ADAMW = {"kind": "adamw", "learning_rate": 0.01}


def sweep(axis, **others):
    mapping = {
        "name": "arms",
        "task": {"kind": "modular_arithmetic", "modulus": 5},
        "model": {"kind": "mlp", "width": 4},
        "optimizer": "adamw",
        "train": {"steps": 2},
        "axes": axis,
    }
    return load({**mapping, **others})


def names(values, path="optimizer"):
    return sweep({path: values}).points.axis_values[path].tolist()


def record(text, name="", **settings):
    return {"text": text, "settings": settings, "name": name}


def test_a_kind_that_comes_once_is_the_whole_name():
    assert names([ADAMW, {"kind": "sgd", "learning_rate": 0.1}]) == ["adamw", "sgd"]


def test_values_of_one_kind_are_told_apart_by_what_differs_though_it_be_a_default():
    assert names([ADAMW, {**ADAMW, "b2": 0.999}, "sgd"]) == ["adamw b2=0.98", "adamw b2=0.999", "sgd"]


def test_lists_of_parts_are_called_by_their_kinds():
    weak, strong = ([{"kind": "l1", "strength": strength}] for strength in (1e-4, 1e-3))
    assert names([[], weak, strong], "regularizers") == ["none", "l1 strength=0.0001", "l1 strength=0.001"]


def test_no_name_holds_a_folder_and_equal_names_of_two_files_are_told_apart():
    texts = [f"/somewhere/{file}.py:slow {{gain: 5}}" for file in ("old", "new")]
    found = value_names([record(text, kind=text.split()[0], gain=5.0) for text in texts])
    assert list(found.values()) == ["old:slow", "new:slow"]


def test_names_stay_unique_where_nothing_short_tells_values_apart():
    found = value_names([record("a {x: 1.00000001}", kind="a", x=1.00000001), record("a", kind="a", x=1.0)])
    assert len(set(found.values())) == 2


def test_a_stored_text_gives_its_settings_and_what_it_leaves_out_is_the_default():
    texts = ["sgd {momentum: 0.9}", "sgd"]
    records = [{"text": text, "settings": read_text(text)} for text in texts]
    assert list(value_names(records).values()) == ["sgd momentum=0.9", "sgd momentum=default"]


def test_the_kind_and_the_stored_text_are_other_words_for_a_name():
    records = [record("a {x: 1.0}", kind="a", x=1.0), record("a {x: 2.0}", kind="a", x=2.0)]
    assert value_aliases(records) == {
        "a {x: 1.0}": ["a x=1"],
        "a {x: 2.0}": ["a x=2"],
        "a": ["a x=1", "a x=2"],
    }


NAMED = {"plain": ADAMW, "fast one": {**ADAMW, "learning_rate": 0.1}}


def test_names_of_the_file_are_kept_and_leave_every_run_the_run_it_was():
    named, listed = sweep({"optimizer": NAMED}), sweep({"optimizer": list(NAMED.values())})
    assert named.points.axis_values["optimizer"].tolist() == ["plain", "fast one"]
    assert [order.run_id for order in grid_orders(named)] == [order.run_id for order in grid_orders(listed)]
    assert spec_hash(named) == spec_hash(listed)  # so that a stored sweep may be given names
    assert load(parse(named.to_yaml()).content).points.axis_values["optimizer"].tolist() == ["plain", "fast one"]


@pytest.mark.parametrize(
    "condition",
    ["optimizer = plain", "optimizer in [plain]", "optimizer = adamw {learning_rate: 0.01}"],
)
def test_exclude_takes_names_and_stored_texts(condition):
    found = sweep({"optimizer": NAMED, "model.width": [4, 8]}, exclude=[f"{condition} and width = 8"])
    assert found.num_cells == 3


def test_exclude_takes_the_kind_for_all_its_values():
    values = [*NAMED.values(), "sgd"]
    found = sweep({"optimizer": values, "model.width": [4, 8]}, exclude=["optimizer = adamw and width = 8"])
    assert found.num_cells == 4


def test_a_kind_that_is_also_a_name_means_the_value_of_that_name_alone():
    values = {"adamw": ADAMW, "fast": {**ADAMW, "learning_rate": 0.1}}
    found = sweep({"optimizer": values, "model.width": [4, 8]}, exclude=["optimizer = adamw and width = 8"])
    assert found.num_cells == 3


def test_a_value_that_is_not_there_is_answered_with_those_that_are():
    with pytest.raises(SpecError, match="optimizer is plain or fast one"):
        sweep({"optimizer": NAMED}, exclude=["optimizer = slow"])


@pytest.mark.parametrize(
    ("axis", "message"),
    [
        ({"optimizer": {"1": ADAMW, "b": "sgd"}}, "must not read as a number"),
        ({"optimizer": {" a": ADAMW, "b": "sgd"}}, "must be text"),
        ({"task.operation": {"sum": "x+y", "product": "x*y"}}, "only whole parts"),
        ({"optimizer.weight_decay": {"lin": [0.1, 1, 3]}}, "did you mean 'linear'"),
        ({"optimizer": {"fast": {"kind": "adamw", "learning_rat": 1}}}, "axes.optimizer.fast.learning_rat"),
    ],
)
def test_names_that_mean_nothing_are_refused(axis, message):
    with pytest.raises(SpecError, match=message):
        sweep(axis)
