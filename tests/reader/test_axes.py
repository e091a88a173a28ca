"""Do axes hold the values that the file describes, and are the ones that cannot work refused?"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grokjax.core.schedules import Linear
from grokjax.optimizers.adamw import AdamW
from grokjax.reader.axes import axes_to_mapping, read_axes, six_digits
from grokjax.reader.errors import SpecError
from grokjax.reader.read_run import read_run
from grokjax.reader.run import Minibatch

PARTS = {"task": {"kind": "modular_arithmetic", "modulus": 7}, "model": "mlp", "optimizer": "adamw"}
DECAY = {"linear": {"start": 0, "end": 1, "finish": 50}}
DECAY_OF_EPS = {"linear": {"start": 1, "end": 0.5, "finish": 50}}
BASE = read_run(
    {
        **PARTS,
        "regularizers": [{"kind": "l2", "strength": 0.1}],
        "optimizer": {"kind": "adamw", "weight_decay": DECAY},
    }
)


def read(base=BASE, **axes):
    return read_axes({key.replace("__", "."): form for key, form in axes.items()}, base)


def values(form, path="optimizer.learning_rate"):
    return read_axes({path: form}, BASE)[0].values[0]


def test_a_list_keeps_the_decimals_as_written():
    assert values([0.1, 0.30000001, 1]) == (0.1, 0.30000001, 1.0)
    assert all(type(value) is float for value in values([1, 2]))
    assert values([32, 64.0], "model.width") == (32, 64)
    assert all(type(value) is int for value in values([32, 64.0], "model.width"))


@given(st.floats(1e-6, 1e3), st.floats(1.01, 1e4), st.integers(2, 40))
def test_log_and_linear_steps_are_even_to_six_digits(low, factor, count):
    low, high = six_digits(low), six_digits(low * factor)
    logarithmic, linear = values({"log": [low, high, count]}), values({"linear": [low, high, count]})
    for found, even in ((logarithmic, np.geomspace(low, high, count)), (linear, np.linspace(low, high, count))):
        assert found[0] == low
        assert found[-1] == high
        np.testing.assert_allclose(found, even, rtol=5.1e-6)
        assert all(float(f"{value:.6g}") == value for value in found)


def test_groups_move_together():
    (axis,) = read(zip=[{"optimizer.learning_rate": {"log": [0.1, 10, 3]}, "task.operation": ["x+y", "x*y", "x-y"]}])
    assert axis.paths == ("optimizer.learning_rate", "task.operation")
    assert axis.point(1) == {"optimizer.learning_rate": 1.0, "task.operation": "x*y"}


RANDOM = {
    "count": 50,
    "seed": 3,
    "optimizer.learning_rate": {"log_uniform": [1e-4, 1e-1]},
    "optimizer.b1": {"uniform": [0.5, 0.9]},
    "model.width": {"integers": [4, 6]},
    "task.operation": {"choice": ["x+y", "x*y"]},
}


def test_random_draws_lie_in_their_ranges_and_do_not_depend_on_one_another():
    (axis,) = read(random=RANDOM)
    columns = dict(zip(axis.paths, axis.values, strict=True))
    rate = np.array(columns["optimizer.learning_rate"])
    assert len(axis) == 50
    assert rate.min() >= 1e-4
    assert rate.max() <= 1e-1
    assert 10 < np.sum(rate < 10**-2.5) < 40  # half of them below the middle of the decades
    assert set(columns["model.width"]) == {4, 5, 6}
    assert set(columns["task.operation"]) == {"x+y", "x*y"}
    (fewer,) = read(random={**{k: v for k, v in RANDOM.items() if k != "model.width"}, "count": 20})
    for path, column in zip(fewer.paths, fewer.values, strict=True):
        assert column == columns[path][:20]
    (other,) = read(random={**RANDOM, "seed": 4})
    assert other != axis


def test_any_setting_can_be_an_axis():
    axes = read(
        optimizer__weight_decay__end=[0.5, 2],
        regularizers__0__strength=[0.1, 1],
        seeds__init=[0, 1],
        train__minibatch=["full", 16, {"at_most": 8, "share": 0.5}],
        precision__matmul=["highest", "bf16"],
        model__activation=["relu", "square"],
        optimizer__learning_rate=[0.1, {"linear": {"start": 0.1, "end": 0.01, "finish": 9}}],
    )
    found = {axis.paths[0]: axis.values[0] for axis in axes}
    assert found["train.minibatch"] == (None, Minibatch(at_most=16), Minibatch(at_most=8, share=0.5))
    assert found["optimizer.learning_rate"][1] == Linear(start=0.1, end=0.01, finish=9.0)
    assert found["seeds.init"] == (0, 1)


def test_an_axis_over_the_end_of_a_schedule_may_hold_the_bound_that_the_setting_excludes():
    base = read_run({**PARTS, "optimizer": {"kind": "adamw", "learning_rate": DECAY, "eps": DECAY_OF_EPS}})
    assert read(base, optimizer__learning_rate__start=[0, 0.1])[0].values == ((0.0, 0.1),)
    with pytest.raises(SpecError, match="axes.optimizer.learning_rate.end.0: must be >= 0"):
        read(base, optimizer__learning_rate__end=[-0.1, 0.1])
    with pytest.raises(SpecError, match="axes.optimizer.eps.end.0: must be > 0"):
        read(base, optimizer__eps__end=[0, 0.1])


def test_a_whole_part_and_a_setting_of_it_can_both_be_axes():
    whole, rate = read(optimizer=["adamw", {"kind": "sgd", "learning_rate": 1}], optimizer__learning_rate=[0.1, 0.2])
    assert whole.values[0][0] == AdamW()
    assert rate.values[0] == (0.1, 0.2)


@pytest.mark.parametrize(
    ("axes", "message"),
    [
        ({"optimizer.weigth_decay": [1]}, "did you mean 'optimizer.weight_decay'"),
        ({"weight_decay": [1]}, "did you mean 'optimizer.weight_decay'"),
        ({"minibatch": [8]}, "did you mean 'train.minibatch'"),
        ({"optimizer.learning_rate.end": [1]}, "no setting 'end'"),
        ({"regularizers.1.strength": [1]}, "has 1 items"),
        ({"init.step": [1]}, "init is not set"),
        ({"train.minibatch.share": [0.5]}, "minibatch is not set"),
        ({"train.steps": [10, 20]}, "the budget is no axis"),
        ({"measure.every": [10, 20]}, "no axis"),
        ({"optimizer.kind": ["adamw", "sgd"]}, "give the whole part a list"),
        ({"optimizer.learning_rate": []}, "axis has no values"),
        ({"optimizer.learning_rate": 0.1}, "write [0.1]"),
        ({"optimizer.learning_rate": [0.1, 0.10]}, "values 1 and 2 are equal"),
        ({"optimizer.learning_rate": [0.1, 0.1000000001]}, "values 1 and 2 are equal"),
        ({"optimizer.learning_rate": [0.1, -1]}, "axes.optimizer.learning_rate.1: must be > 0"),
        ({"optimizer.learning_rate": [0.1, float("nan")]}, "must be finite"),
        ({"optimizer.weight_decay.end": [-1]}, "must be >= 0"),
        ({"optimizer.learning_rate": {"lin": [0, 1, 2]}}, "did you mean 'linear'"),
        ({"optimizer.learning_rate": {"log": [0, 1, 2]}}, "needs positive ends"),
        ({"optimizer.learning_rate": {"log": [1, 2]}}, "expected [low, high, count]"),
        ({"optimizer.learning_rate": {"linear": [1, 2, 10**9]}}, "count must be from 1"),
        ({"optimizer.learning_rate": {"linear": [1, 1, 3]}}, "low and high are equal"),
        ({"model.width": {"linear": [1, 4, 3]}}, "expected a whole number"),
        ({"task.modulus": ["7"]}, "remove the quotes"),
        ({"zip": [{"optimizer.b1": [0.1, 0.2], "optimizer.b2": [0.1]}]}, "optimizer.b1 has 2, optimizer.b2 has 1"),
        ({"zip": [{"optimizer.b1": [0.1]}], "optimizer.b1": [0.2]}, "an axis twice"),
        ({"zip": {"optimizer.b1": [0.1, 0.1], "optimizer.b2": [0.2, 0.2]}}, "values 1 and 2 are equal"),
        ({"random": {"count": 3, "optimizer.b1": {"uniform": [0, 1]}}}, "random.0.seed: missing"),
        ({"random": {"count": 3, "seed": 0}}, "names no setting"),
        ({"random": {"count": 3, "seed": 0, "optimizer.b1": [0, 1]}}, "expected one of {uniform"),
        ({"random": {"count": 3, "seed": 0, "optimizer.b1": {"uniform": [1, 0]}}}, "low must be below high"),
        ({"random": {"count": 9, "seed": 0, "model.bias": {"choice": [True, False]}}}, "draws 1 and"),
        ([1], "expected a mapping"),
    ],
)
def test_an_axis_that_cannot_work_is_refused(axes, message):
    with pytest.raises(SpecError, match="axes") as caught:
        read_axes(axes, BASE)
    assert message in str(caught.value)


def test_axes_survive_being_written():
    axes = read(
        optimizer__learning_rate={"log": [0.1, 10, 3]},
        zip=[{"optimizer.b1": [0.1, 0.2], "task.operation": ["x+y", "x*y"]}],
        random={"count": 2, "seed": 1, "optimizer.b2": {"uniform": [0.1, 0.9]}},
        model=["mlp", {"kind": "mlp", "width": 16}],
        optimizer__weight_decay=[0.1, {"linear": {"start": 0, "end": 1, "finish": 5}}],
    )
    mapping = axes_to_mapping(axes)
    assert read_axes(mapping, read_run(PARTS)) == axes
    assert mapping["optimizer.learning_rate"] == {"log": [0.1, 10, 3]}
    assert list(mapping) == ["optimizer.learning_rate", "zip", "random", "model", "optimizer.weight_decay"]
