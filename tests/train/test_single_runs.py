"""Settings that change how one run is trained: schedules, number formats, stored beginnings."""

import dataclasses

import jax
import numpy as np
import pytest

from grokjax.core.schedules import Switch
from grokjax.losses.mse import MSE
from grokjax.models.mlp import MLP
from grokjax.optimizers.adamw import AdamW
from grokjax.reader.measured_steps import Cadence, MeasurePlan
from grokjax.reader.run import Precision, Run
from grokjax.tasks.modular_arithmetic import ModularArithmetic
from grokjax.train.devices import choose_pools
from grokjax.train.executables import Traced
from grokjax.train.feed import Feed
from grokjax.train.look_names import unpack
from grokjax.train.worker import LocalWorker

STEPS, AT = 60, 40
MEASURE = MeasurePlan(every=Cadence("every", 20), looks=Cadence("every", 10), what=())
BASE = Run(
    task=ModularArithmetic(modulus=7, train_fraction=0.6),
    model=MLP(width=12, activation="square"),
    optimizer=AdamW(learning_rate=0.01, weight_decay=Switch(before=0.0, after=3.0, at_step=float(AT))),
    loss=MSE(),
)


def train(*runs: Run) -> list:
    """Runs of one program, each to its end; lanes as NumPy arrays."""
    feed = Feed(runs[0], runs[0].task.signature(), [runs[0].task], MEASURE, None, STEPS)
    pool = choose_pools("cpu", "map")[0]
    worker = LocalWorker(
        Traced(feed.program(len(runs), 1), pool).compile([pool], feed.values(runs[0]), feed.tables, feed.schedule)[0]
    )
    try:
        for lane, run in enumerate(runs):
            worker.fill(lane, lane, feed.values(run))
        worker.start_segment(np.full(len(runs), STEPS), False).result()
        return [worker.take(lane) for lane in range(len(runs))]
    finally:
        worker.close()


def with_decay(before: float, after: float) -> Run:
    decay = Switch(before=before, after=after, at_step=float(AT))
    return dataclasses.replace(BASE, optimizer=dataclasses.replace(BASE.optimizer, weight_decay=decay))


def test_a_schedule_acts_from_its_step_on_and_not_before() -> None:
    switched, never, always = (
        unpack(lane.book.looks)["train/loss"] for lane in train(BASE, with_decay(0.0, 0.0), with_decay(3.0, 3.0))
    )
    steps = list(range(0, STEPS + 1, 10))
    before, after = steps.index(AT) + 1, steps.index(AT + 10)
    np.testing.assert_array_equal(switched[:before], never[:before])
    assert switched[after] != never[after] and switched[1] != always[1]


def test_dropout_is_scheduled_with_swept_ends_in_one_program() -> None:
    def dropped(before: float, after: float) -> Run:
        return dataclasses.replace(
            with_decay(0.0, 0.0),
            model=MLP(width=12, dropout=Switch(before=before, after=after, at_step=float(AT))),
        )

    late, never, always = (
        unpack(lane.book.looks)["train/loss"] for lane in train(dropped(0.0, 0.5), dropped(0.0, 0.0), dropped(0.5, 0.5))
    )
    until = AT // 10 + 1
    np.testing.assert_array_equal(late[:until], never[:until])
    assert late[until] != never[until] and always[1] != never[1]


def test_float64_runs_are_float64_and_agree_with_float32_to_its_rounding() -> None:
    (single,) = train(BASE)
    (double,) = train(dataclasses.replace(BASE, precision=Precision(params="float64")))
    for one, two in zip(jax.tree.leaves(single.state.params), jax.tree.leaves(double.state.params), strict=True):
        assert one.dtype == np.float32 and two.dtype == np.float64
        np.testing.assert_allclose(one, two, rtol=0.02, atol=1e-4)  # 60 updates of Adam carry rounding along
    assert not any(np.array_equal(leaf, leaf.astype(np.float32)) for leaf in jax.tree.leaves(double.state.params))


@pytest.mark.parametrize("learning_rate", [1e30, 1e38])
def test_a_run_that_diverges_keeps_its_last_finite_state_and_the_step(learning_rate: float) -> None:
    wild = dataclasses.replace(BASE, optimizer=dataclasses.replace(BASE.optimizer, learning_rate=learning_rate))
    calm, lane = train(BASE, wild)
    assert calm.book.diverged_at == -1 and calm.state.step == STEPS
    assert lane.book.diverged_at == lane.state.step + 1 and lane.state.step < STEPS and not lane.book.active
    for leaf in jax.tree.leaves((lane.state.params, lane.state.opt_state)):
        assert np.all(np.isfinite(leaf))
    count = int(lane.book.num_looks)
    assert lane.book.look_steps[count - 1] == lane.state.step  # the last finite state was looked at


def test_a_program_keeps_the_blocks_that_an_earlier_start_recorded() -> None:
    feed = Feed(BASE, BASE.task.signature(), [BASE.task], MEASURE, None, STEPS)
    recorded = feed.program(4, 1).facts() | {"block_rows": 16, "look_rows": 24}
    assert feed.program(4, 1, recorded).facts() == recorded
    del recorded["look_rows"]  # by a version whose looks had the blocks of updates
    assert feed.program(4, 1, recorded).facts() == recorded | {"look_rows": 16}
