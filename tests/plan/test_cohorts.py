"""Does a cohort keep its key, by which its program and its checkpoints are found, whatever else the sweep has?"""

import dataclasses
import os
import subprocess
import sys

from grokjax.models.mlp import MLP
from grokjax.optimizers.adamw import AdamW
from grokjax.orders.order import grid_orders
from grokjax.plan.cohorts import find_cohorts
from grokjax.reader.axes import Axis
from grokjax.reader.run import Minibatch, Run, StoredInit
from grokjax.reader.sweep import Sweep
from grokjax.tasks.modular_arithmetic import ModularArithmetic

RUN = Run(task=ModularArithmetic(modulus=7), model=MLP(width=16), optimizer=AdamW())


def keys(base: Run = RUN, **axes: tuple) -> list[str]:
    paths = {name.replace("__", "."): values for name, values in axes.items()}
    sweep = Sweep(
        name="keys", base=base, steps=10, axes=tuple(Axis((path,), (values,)) for path, values in paths.items())
    )
    return [cohort.key for cohort in find_cohorts(grid_orders(sweep))]


def test_a_finer_static_axis_and_other_numbers_change_no_key() -> None:
    coarse = keys(model__width=(16, 24))
    assert keys(model__width=(12, 16, 20, 24))[1::2] == coarse and len(set(coarse)) == 2
    assert keys(optimizer__weight_decay=(0.5, 3.0), task__train_fraction=(0.3, 0.7)) == coarse[:1]
    assert keys(task__operation=("x+y", "x*y")) == coarse[:1]  # tables of one shape are values


def test_minibatches_of_another_size_are_another_program_and_their_share_is_a_value() -> None:
    base = dataclasses.replace(RUN, minibatch=Minibatch(at_most=8))
    assert len(set(keys(base, train__minibatch__at_most=(8, 24)))) == 2  # the blocks of a sum follow the size
    assert keys(base, train__minibatch__share=(0.2, 0.5)) == keys(base)


def test_what_changes_the_program_changes_the_key() -> None:
    changed = [
        dataclasses.replace(RUN, model=MLP(width=16, activation="square")),
        dataclasses.replace(RUN, model=MLP(width=16, dropout=0.1)),
        dataclasses.replace(RUN, task=ModularArithmetic(modulus=11)),
        dataclasses.replace(RUN, init=StoredInit(source="a#b", step=1)),
        dataclasses.replace(RUN, init=StoredInit(source="a#b", step=1, freeze=("output/*",))),
    ]
    assert len({*keys(), *(key for base in changed for key in keys(base))}) == 6


def test_the_key_is_the_same_in_every_process() -> None:
    command = [sys.executable, "-c", "from tests.plan.test_cohorts import keys; print(*keys(model__width=(16, 24)))"]
    environment = os.environ | {"PYTHONHASHSEED": "7"}
    said = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300)
    assert said.stdout.split() == keys(model__width=(16, 24)), said.stderr
