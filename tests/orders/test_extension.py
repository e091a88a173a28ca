"""Is every run of a sweep still one of the extended sweep, whatever form its axes have?"""

import pytest

from grokjax.orders.extension import extended
from grokjax.orders.order import grid_orders
from grokjax.reader.errors import SpecError
from grokjax.reader.sweep_file import load

DRAWS = {"seed": 3, "optimizer.weight_decay": {"log_uniform": [0.01, 30]}}


@pytest.fixture
def sweep():
    def of(**changes):
        return load(
            {
                "name": "small",
                "task": {"kind": "modular_arithmetic", "operation": "x+y", "modulus": 7},
                "model": {"kind": "mlp", "width": 8},
                "optimizer": {"kind": "adamw", "learning_rate": 0.01, "weight_decay": 1.0},
                "train": {"steps": 20},
                "seeds": 2,
                **changes,
            }
        )

    return of


def kept(old, new):
    """How many runs of the old sweep are runs of the new one, and how many are new."""
    before, after = {order.run_id for order in grid_orders(old)}, {order.run_id for order in grid_orders(new)}
    return len(before & after), len(after - before)


ZIP = {"model.width": [8, 16], "optimizer.learning_rate": [0.01, 0.02]}
WIDER = {"optimizer.learning_rate": [0.03, 0.02, 0.01], "model.width": [32, 16, 8]}


@pytest.mark.parametrize(
    ("axes", "seeds", "more", "counts"),
    [
        ({"random": {"count": 4, **DRAWS}}, None, {"random.count": 6}, (8, 4)),
        ({"random": {"count": 4, **DRAWS}}, None, {"random": {"count": 6, **DRAWS}}, (8, 4)),
        ({"random": {"count": 4, **DRAWS}, "model.width": [8, 16]}, None, {"model.width": [8, 16, 32]}, (16, 8)),
        ({"zip": ZIP}, None, {"zip": WIDER}, (4, 2)),
        ({"zip": ZIP, "random": {"count": 2, **DRAWS}}, 3, {"random.count": 3, "zip": WIDER}, (8, 19)),
        ({}, [0, 1, 7], {}, (2, 1)),
        ({}, [7, 1, 0], {"zip": ZIP}, (2, 4)),
        ({}, None, {"seeds.init": [0, 1]}, (2, 2)),
    ],
)
def test_runs_that_are_there_stay_runs_of_the_sweep(sweep, axes, seeds, more, counts):
    old = sweep(axes=axes)
    assert kept(old, extended(old, seeds, None, more)) == counts


def test_one_of_several_groups_of_draws_is_named_by_its_place(sweep):
    rates = {"count": 2, "seed": 0, "optimizer.learning_rate": {"uniform": [0.01, 0.1]}}
    old = sweep(axes={"random": [{"count": 2, **DRAWS}, rates]})
    assert kept(old, extended(old, None, None, {"random.1.count": 3})) == (8, 4)
    with pytest.raises(SpecError, match=r"there are 2 groups of draws; say which: random\.0\.count=N"):
        extended(old, None, None, {"random.count": 3})


def test_fewer_exclusions_add_runs_and_more_may_leave_out_new_ones_only(sweep):
    old = sweep(axes={"optimizer.weight_decay": [0.1, 1, 10]}, exclude=["weight_decay = 10"])
    assert kept(old, extended(old, None, None, {}, [])) == (4, 2)
    wider, without = {"optimizer.weight_decay": [0.1, 1, 3, 10]}, ["weight_decay = 10", "weight_decay = 3"]
    assert kept(old, extended(old, 3, None, wider, without)) == (4, 2)
    with pytest.raises(SpecError, match="--exclude: leaves out 2 of the 4 runs that are there"):
        extended(old, None, None, {}, ["weight_decay > 0.5"])


def test_an_axis_inside_parts_that_are_an_axis_must_hold_the_values_of_all(sweep):
    kinds = [{"kind": "adamw", "learning_rate": 0.01}, {"kind": "adamw", "learning_rate": 0.01, "b1": 0.5}]
    old = sweep(axes={"optimizer": kinds})
    with pytest.raises(SpecError, match="must hold the value that all runs have so far"):
        extended(old, None, None, {"optimizer.b1": [0.9, 0.99]})


@pytest.mark.parametrize(
    ("axes", "seeds", "more", "message"),
    [
        ({"random": {"count": 4, **DRAWS}}, None, {"random.count": 3}, "at least the 4 draws that are there"),
        ({"random": {"count": 4, **DRAWS}}, None, {"random": {"count": 6, **DRAWS, "seed": 4}}, "must keep every draw"),
        ({"random": {"count": 4, **DRAWS}}, None, {"random.seed": 4}, "random.count=N, or a whole group"),
        ({"random": {"count": 4, **DRAWS}}, None, {"random.1.count": 6}, "has 1 group of random draws"),
        ({}, None, {"random.count": 6}, "sweep small draws nothing at random"),
        ({}, None, {"random": {"count": 6, **DRAWS}}, "must hold the value that all runs have so far"),
        ({"zip": ZIP}, None, {"model.width": [8, 16, 32]}, "move together; give the whole group: zip={...}"),
        ({"zip": ZIP}, None, {"zip": {**WIDER, "model.width": [32, 16, 9]}}, "must keep every value that is there"),
        ({"model.width": [8, 16]}, None, {"zip": WIDER}, "model.width is an axis by itself"),
        ({}, [0, 7], {}, "--seeds: must list every seed that is there"),
        ({}, [0, 1, 1], {}, "listed twice"),
        ({}, 3, {"seeds.init": [0, 1]}, "must hold the value that all runs have so far"),
    ],
)
def test_what_would_lose_runs_or_names_nothing_is_refused(sweep, axes, seeds, more, message):
    with pytest.raises(SpecError) as caught:
        extended(sweep(axes=axes), seeds, None, more)
    assert message in str(caught.value) and "\n" not in str(caught.value)
