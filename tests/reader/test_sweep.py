"""Does a sweep hold exactly the runs that its axes, seeds and exclusions describe?"""

import dataclasses
import itertools
import time
import tracemalloc

import jax
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from grokjax.models.mlp import MLP
from grokjax.optimizers.adamw import AdamW
from grokjax.optimizers.sgd import SGD
from grokjax.orders.extension import extended
from grokjax.orders.order import grid_orders
from grokjax.reader.errors import SpecError
from grokjax.reader.measured_steps import Cadence
from grokjax.reader.plans import read_seeds
from grokjax.reader.run import Minibatch, Run, Seeds
from grokjax.reader.sweep import Claim, SeedPlan, StopPlan, Sweep
from grokjax.reader.sweep_file import load, sweep_from_mapping
from grokjax.reader.yaml_file import parse
from grokjax.regularizers.l1 import L1
from grokjax.tasks.modular_arithmetic import ModularArithmetic

BASE = Run(task=ModularArithmetic(modulus=7), model=MLP(width=8), optimizer=AdamW())


def sweep(**changes):
    return Sweep(**{"name": "small", "base": BASE, "steps": 100, **changes})


AXES = {
    "optimizer.weight_decay": [0.1, 1, 10],
    "zip": [{"model.width": [4, 8], "task.operation": ["x+y", "x*y"]}],
    "task.train_fraction": [0.3, 0.5],
}


def test_every_cell_and_seed_is_there_once_seeds_fastest():
    made = sweep(axes=AXES, seeds=[5, 3])
    expected = [
        (decay, width, operation, fraction, seed)
        for decay in (0.1, 1.0, 10.0)
        for width, operation in ((4, "x+y"), (8, "x*y"))
        for fraction in (0.3, 0.5)
        for seed in (5, 3)
    ]
    runs = [order.run for order in grid_orders(made)]
    found = [
        (r.optimizer.weight_decay, r.model.width, r.task.operation, r.task.train_fraction, r.seeds.split) for r in runs
    ]
    assert found == expected
    assert made.num_cells == 12
    assert all(len(set(vars(run.seeds).values())) == 1 for run in runs)
    for index in (-1, made.num_runs):
        with pytest.raises(IndexError):
            grid_orders(made)[index]


def test_columns_cells_and_settings_tell_the_same():
    made = sweep(
        axes=AXES, seeds=2, exclude=["weight_decay = 10 and operation = x*y", "train_fraction > 0.4 and width = 4"]
    )
    columns = made.points.columns()
    kept = [
        cell
        for cell in itertools.product((0.1, 1.0, 10.0), ((4, "x+y"), (8, "x*y")), (0.3, 0.5))
        if not (cell[0] == 10 and cell[1][1] == "x*y") and not (cell[2] > 0.4 and cell[1][0] == 4)
    ]
    assert made.num_cells == len(kept) == 7
    for index, (decay, (width, operation), fraction) in enumerate(kept):
        cell = made.points[index]
        assert cell == {
            "optimizer.weight_decay": decay,
            "model.width": width,
            "task.operation": operation,
            "task.train_fraction": fraction,
        }
        assert {path: column[index] for path, column in columns.items()} == cell
        settings = grid_orders(made)[index * 2 + 1].settings
        assert settings == {**cell, **dict.fromkeys(("seeds.split", "seeds.init", "seeds.order", "seeds.noise"), 1)}
    assert columns["optimizer.weight_decay"].dtype == np.float64
    assert columns["model.width"].dtype == np.int64


def test_runs_differ_only_where_the_cell_says():
    made = sweep(axes={"optimizer.weight_decay": [0.1, 1]}, seeds=2)
    assert grid_orders(made)[3].run == dataclasses.replace(
        BASE, optimizer=AdamW(weight_decay=1.0), seeds=Seeds(split=1, init=1, order=1, noise=1)
    )


@given(st.lists(st.integers(1, 4), min_size=1, max_size=3), st.integers(1, 4))
def test_the_queue_holds_every_run_once_seed_by_seed(lengths, seeds):
    paths = ("optimizer.weight_decay", "optimizer.learning_rate", "model.init_scale")
    axes = {path: [0.5 + n for n in range(length)] for path, length in zip(paths, lengths, strict=False)}
    made = sweep(axes=axes, seeds=seeds)
    queue = grid_orders(made).in_turn()
    assert sorted(queue.tolist()) == list(range(made.num_runs))
    assert (queue % seeds).tolist() == sorted((queue % seeds).tolist())
    blocks = (queue // seeds).reshape(seeds, made.num_cells)
    assert (blocks == blocks[0]).all()
    assert queue.tolist() == grid_orders(sweep(axes=axes, seeds=seeds)).in_turn().tolist()


def test_swept_axes_keep_the_tree_structure_and_static_ones_change_it():
    made = sweep(axes={"optimizer.weight_decay": [0.1, 1], "model.width": [4, 8]}, seeds=2)
    structures = [jax.tree.structure(order.run) for order in grid_orders(made)]
    assert len(set(structures)) == 2
    assert structures[0] == structures[1] == structures[4]
    assert all(type(leaf) in (int, float) for leaf in jax.tree.leaves(grid_orders(made)[3].run))


def test_whole_parts_as_axes_carry_their_settings():
    made = sweep(
        axes={
            "optimizer.weight_decay": [0.5, 1],
            "optimizer": ["adamw", {"kind": "sgd", "learning_rate": 0.1}],
            "train.minibatch": ["full", 16],
        }
    )
    runs = [order.run for order in grid_orders(made)]
    assert [type(run.optimizer) for run in runs] == [AdamW, AdamW, SGD, SGD] * 2
    assert [run.optimizer.weight_decay for run in runs] == [0.5] * 4 + [1.0] * 4
    assert [run.minibatch for run in runs] == [None, Minibatch(at_most=16)] * 4
    columns = made.points.columns()
    assert columns["optimizer"].tolist() == ["adamw", "adamw", "sgd", "sgd"] * 2
    assert columns["train.minibatch"].tolist() == ["full", 16] * 4


def test_streams_held_fixed_and_seeds_as_axes():
    made = sweep(seeds={"count": 2, "streams": {"split": 9}}, axes={"seeds.init": [7, 8]})
    seeds = [order.run.seeds for order in grid_orders(made)]
    assert seeds == [Seeds(split=9, init=init, order=seed, noise=seed) for init in (7, 8) for seed in (0, 1)]
    assert grid_orders(made)[2].settings["seeds.init"] == 8


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (3, SeedPlan((0, 1, 2))),
        ([4, 2**32 - 1], SeedPlan((4, 2**32 - 1))),
        ({"list": [4], "streams": {"noise": 0, "split": 1}}, SeedPlan((4,), (("split", 1), ("noise", 0)))),
    ],
)
def test_seeds_are_counted_or_listed(value, expected):
    assert read_seeds(value) == expected


@pytest.mark.parametrize(
    "value",
    [
        0,
        -1,
        True,
        1.5,
        "5",
        [],
        [0, 0],
        [-1],
        [2**32],
        [True],
        ["a"],
        {"streams": {}},
        {"count": 1, "streams": {"x": 1}},
        None,
    ],
)
def test_seeds_that_mean_nothing_are_refused(value):
    with pytest.raises(SpecError, match="seeds"):
        read_seeds(value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "../x"}, "plain folder name"),
        ({"name": ""}, "plain folder name"),
        ({"name": ".."}, "plain folder name"),
        ({"name": "-rf"}, "plain folder name"),
        ({"name": "a/b"}, "for example a-b"),
        ({"name": "a\nb"}, "plain folder name"),
        ({"name": "a."}, "plain folder name"),
        ({"name": "a" * 101}, "plain folder name"),
        ({"name": "CON"}, "device"),
        ({"name": "caf\u00e9"}, "plain folder name"),
        ({"steps": 0}, "train.steps"),
        ({"steps": 1.5}, "train.steps"),
        ({"steps": 2**31}, "train.steps"),
        (
            {"base": dataclasses.replace(BASE, optimizer=AdamW(weight_decay=-1.0))},
            "optimizer.weight_decay: must be >= 0",
        ),
        ({"base": dataclasses.replace(BASE, model=AdamW())}, "model"),
        ({"base": "run"}, "base"),
        ({"axes": {"optimizer.b1": {"linear": [0.1, 0.9, 4000]}}, "seeds": 10_000}, "40,000,000 runs"),
        ({"seeds": {"count": 2, "streams": {"split": 0, "init": 0, "order": 0, "noise": 0}}}, "give equal runs"),
        ({"seeds": {"count": 2, "streams": {"init": 0}}, "axes": {"seeds.init": [1]}}, "is an axis"),
        ({"exclude": ["weight_decay = 1"]}, "there is no weight_decay"),
        ({"axes": {"optimizer.b1": [0.1]}, "exclude": ["b1 = 0.1"]}, "leaves every cell out"),
        ({"axes": {"optimizer.b1": [0.1]}, "exclude": ["b1 = 0.2"]}, "leaves no cell out"),
        ({"measure": {"every": 0}}, "measure.every.every: must be >= 1"),
        ({"measure": {"evry": 3}}, "did you mean 'every'"),
        ({"measure": {"every": {"log": 5, "linear": 5}}}, "expected one of"),
        ({"measure": {"every": {"every": 5, "horizon": 5}}}, "only log and linear"),
        ({"measure": {"looks": {"ratio": 1}}}, "measure.looks.ratio: must be >= 1"),
        ({"measure": {"what": ["fitt"]}}, "did you mean 'fit'"),
        ({"measure": {"what": ["weight_norm", "weight_norm"]}}, "listed twice"),
        ({"measure": {"every": 1}, "steps": 10**8}, "100,000,000 measured steps"),
        ({"weights": {"every": 1}, "steps": 10**8}, "weights"),
        ({"weights": [0, 10, 300], "steps": 200}, "weights: lists step 300, but runs end at train.steps, 200"),
        ({"weights": [0, 10, 10]}, "weights.2: steps must increase, and 10 stands before it (got 10)"),
        ({"weights": []}, "weights: from 1 to"),
        ({"measure": {"every": [0, 1.5]}}, "measure.every.1: expected a whole number"),
        ({"measure": {"looks": [-1]}}, "measure.looks.0: must be >= 0"),
        ({"measure": {"every": {"every": [1, 2]}}}, "steps are listed right at measure.every"),
        ({"stop": {"after": 3}}, "stop.after"),
        ({"stop": {"audit": 0.1}}, "stop: names no condition; write after_grok"),
        ({"stop": {"after_grok": {"steps": -1}}}, "must be >= 0"),
        ({"stop": {"after_grok": {}, "audit": 2}}, "stop.audit: must be <= 1"),
        ({"claims": [{"name": "a"}]}, "claims.0.that"),
        ({"claims": [{"name": "a", "that": "b", "published": ["c"]}]}, "claims.0.published"),
        ({"claims": [{"name": "a", "that": "b", "publishd": "c"}]}, "claims.0.publishd"),
        ({"claims": [{"name": "a", "that": "b", "over": ["task.modulus"]}]}, "is no axis"),
        ({"notes": "bell \x07"}, "control character U+0007"),
        ({"notes": "\u202eevil"}, "U+202E"),
        ({"notes": "x" * 10_001}, "at most 10,000"),
        ({"tags": [3]}, "tags.0: expected text"),
    ],
)
def test_a_sweep_that_cannot_be_run_is_refused(changes, message):
    with pytest.raises(SpecError) as caught:
        sweep(**changes)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"base": dataclasses.replace(BASE, task=ModularArithmetic(modulus=12, operation="x/y"))},
            "task.modulus: 'x/y' needs a prime",
        ),
        ({"axes": {"task.modulus": [7, 12], "task.operation": ["x+y", "x/y"]}}, "got 12"),
        ({"axes": {"task.train_fraction": [0.01, 0.5]}}, "task.train_fraction: "),
        ({"axes": {"task.train_fraction": [0.5, 1]}}, "leaves none of 49 examples to test on"),
        (
            {"axes": {"optimizer": ["adamw", {"kind": "adamw", "b1": 0.5}], "optimizer.b1": [0.1, 0.2]}},
            "differs only in optimizer.b1",
        ),
        (
            {"axes": {"optimizer": ["adamw", "sgd"], "optimizer.b1": [0.1, 0.2]}},
            "value 2 of optimizer does not take it",
        ),
    ],
)
def test_the_parts_are_asked_before_anything_compiles(changes, message):
    with pytest.raises(SpecError) as caught:
        sweep(**changes).check()
    assert message in str(caught.value)


def test_cells_that_are_left_out_are_not_asked():
    axes = {"task.modulus": [7, 12], "task.operation": ["x+y", "x/y"]}
    sweep(axes=axes, exclude=["modulus = 12 and operation = x/y"]).check()
    with pytest.raises(SpecError, match="prime"):
        sweep(axes=axes, exclude=["modulus = 7 and operation = x/y"]).check()


def test_listed_steps_stay_as_they_are_when_a_sweep_gets_longer():
    listed = sweep(weights=[0, 10, 100], measure={"every": [5, 50]})
    longer = extended(listed, None, 400, {})
    assert (longer.steps, longer.weights, longer.measure) == (400, listed.weights, listed.measure)
    assert "weights: [0, 10, 100]" in longer.to_yaml()


def test_measures_begin_with_fit_and_default_to_the_weight_norm():
    assert [part.kind for part in sweep().measure.what] == ["fit", "weight_norm"]
    assert [part.kind for part in sweep(measure={"what": ["weight_norm"]}).measure.what] == ["fit", "weight_norm"]
    assert [part.kind for part in sweep(measure={"what": []}).measure.what] == ["fit"]
    assert sweep().measure.every == Cadence("log", 60)
    assert sweep().measure.looks == Cadence("ratio", 1.04)


def test_python_and_file_are_two_spellings():
    python = sweep(
        axes={"optimizer.weight_decay": np.array([0.1, 1.0])},
        seeds=2,
        stop=StopPlan(steps=100, ratio=0.5, audit=0.1),
        claims=[Claim("a", "b", ("optimizer.weight_decay",))],
    )
    file = sweep_from_mapping(
        {
            "name": "small",
            "task": {"kind": "modular_arithmetic", "modulus": 7},
            "model": {"kind": "mlp", "width": 8},
            "optimizer": {"kind": "adamw"},
            "train": {"steps": 100},
            "axes": {"optimizer.weight_decay": [0.1, 1]},
            "seeds": 2,
            "stop": {"after_grok": {"steps": 100, "ratio": 0.5}, "audit": 0.1},
            "claims": [{"name": "a", "that": "b", "over": "optimizer.weight_decay"}],
        }
    )
    assert python == file
    assert hash(python) == hash(file)


def test_distinct_cells_are_the_first_of_each_combination():
    made = sweep(axes={"model.width": [4, 8], "optimizer.weight_decay": [0.1, 1, 10], "model.depth": [1, 2]})
    static = [axis for axis in made.axes if axis.paths[0].startswith("model")]
    cells = [made.points[index] for index in made.points.distinct(static).tolist()]
    assert [(cell["model.width"], cell["model.depth"]) for cell in cells] == [(4, 1), (4, 2), (8, 1), (8, 2)]
    assert {cell["optimizer.weight_decay"] for cell in cells} == {0.1}
    assert made.points.distinct([]).tolist() == [0]


def test_a_million_runs_on_a_grid_cost_seconds_and_megabytes():
    axes = {"optimizer.weight_decay": {"log": [0.1, 10, 500]}, "task.train_fraction": {"linear": [0.2, 0.8, 400]}}
    start = time.process_time()
    tracemalloc.start()
    made = sweep(axes=axes, seeds=5, exclude=["weight_decay > 9 and train_fraction < 0.3"])
    assert 900_000 < made.num_runs < 1_000_000
    assert len(grid_orders(made).in_turn()) == made.num_runs
    assert all(len(column) == made.num_cells for column in made.points.columns().values())
    assert grid_orders(made)[made.num_runs - 1].run.optimizer.weight_decay == 10
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 500e6
    assert time.process_time() - start < 10


def test_a_million_runs_of_random_draws_cost_seconds():
    decays = {"optimizer.weight_decay": {"log_uniform": [0.1, 10]}, "optimizer.b1": {"uniform": [0.1, 0.9]}}
    start = time.process_time()
    made = sweep(axes={"random": {"count": 100_000, "seed": 0, **decays}}, seeds=10)
    assert made.num_runs == len(grid_orders(made).in_turn()) == 1_000_000
    assert time.process_time() - start < 10


def test_the_words_of_a_sweep_file_are_as_good_as_parts():
    words = {"task": {"kind": "modular_arithmetic", "modulus": 7}, "model": {"kind": "mlp", "width": 8}}
    made = Run(
        **words, optimizer="adamw", regularizers=[{"kind": "l1", "strength": 1}], minibatch=16, seeds={"init": 3}
    )
    assert made == Run(
        task=BASE.task,
        model=BASE.model,
        optimizer=AdamW(),
        regularizers=(L1(strength=1.0),),
        minibatch=Minibatch(at_most=16),
        seeds=Seeds(init=3),
    )
    assert sweep(base={**words, "optimizer": "adamw", "train": {"minibatch": 16}}) == sweep(
        base=dataclasses.replace(BASE, minibatch=Minibatch(at_most=16))
    )


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Run(task="x", model="mlp", optimizer="adamw"), 'task.kind: unknown kind of tasks \\(got "x"\\)'),
        (lambda: Run(task={"kind": "modular_arithmetic", "modulos": 7}, model="mlp", optimizer="adamw"), "'modulus'"),
        (lambda: sweep(base={"task": {}, "steps": 3}), "base.steps: unknown key"),
        (lambda: sweep(base={"train": {"steps": 3}}), "give the budget as steps="),
        (lambda: sweep(base=3), "expected a Run or a mapping"),
    ],
)
def test_words_that_mean_nothing_are_refused(make, message):
    with pytest.raises(SpecError, match=message):
        make()


def test_a_sweep_that_is_written_reads_back_equal():
    made = sweep(axes=AXES, seeds=[5, 3], claims=[{"name": "a", "that": "b > 1"}])
    assert load(parse(made.to_yaml()).content) == made
