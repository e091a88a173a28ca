"""The stop rule inside the program and its twin in the analysis agree, and audited runs go on to their budget."""

import numpy as np
import pytest

from grokjax.analysis.stop_conditions import UNSEEN, StopCondition, ends_at
from grokjax.losses.mse import MSE
from grokjax.models.mlp import MLP
from grokjax.optimizers.adamw import AdamW
from grokjax.orders.identity import run_id
from grokjax.reader.measured_steps import Cadence, MeasurePlan
from grokjax.reader.run import Run, Seeds
from grokjax.reader.sweep import StopPlan
from grokjax.results.dataset import assemble
from grokjax.results.reading import looks_of
from grokjax.store.records import pack_history, stop_reason
from grokjax.tasks.modular_arithmetic import ModularArithmetic
from grokjax.train.devices import choose_pools
from grokjax.train.executables import Traced
from grokjax.train.feed import Feed, is_audited
from grokjax.train.trainer import Trainer
from grokjax.train.worker import LocalWorker

STEPS, RUNS = 400, 12
STOP = StopPlan(steps=30, ratio=0.5, audit=0.25)
CONDITION = StopCondition(UNSEEN, "at_least", 0.99, 30, 0.5)


def make_run(number: int) -> Run:
    task = ModularArithmetic(modulus=11, train_fraction=(0.5, 0.7, 0.85, 0.9)[number % 4])
    optimizer = AdamW(learning_rate=0.02, weight_decay=(0.3, 2.0, 5.0)[number % 3])
    seeds = Seeds(split=number, init=number, order=number, noise=number)
    return Run(task=task, model=MLP(width=64, activation="square"), optimizer=optimizer, loss=MSE(), seeds=seeds)


def train(stop: StopPlan | None):
    """Run -> its lane, trained by the loop with refills."""
    measure = MeasurePlan(every=Cadence("log", 8), looks=Cadence("ratio", 1.04), what=())
    run = make_run(0)
    feed = Feed(run, run.task.signature(), [run.task], measure, stop, STEPS)
    pools = choose_pools("cpu", "map")
    compiled = Traced(feed.program(3, 1), pools[0]).compile(pools, feed.values(run), feed.tables, feed.schedule)
    workers = [LocalWorker(one) for one in compiled]
    trainer = Trainer(workers, range(RUNS), lambda number: feed.values(make_run(number)))
    ended = []
    for pool in range(len(workers)):
        trainer.refill(pool)
    for pool in trainer.rested():
        ended += trainer.hand_over(pool).ended
        trainer.refill(pool)
    for worker in workers:
        worker.close()
    assert sorted(one.order for one in ended) == list(range(RUNS))  # every run exactly once
    return {one.order: one.lane for one in ended}


@pytest.fixture(scope="module")
def stopped():
    return train(STOP)


@pytest.fixture(scope="module")
def unstopped():
    return train(None)


def test_online_rule_and_analysis_agree(stopped, unstopped) -> None:
    names = [str(number) for number in range(RUNS)]
    packed = pack_history(names, [unstopped[number] for number in range(RUNS)], [{}] * RUNS, STEPS, 0)
    order = assemble([packed], {}, names)
    expected = ends_at(looks_of(order, {"label_noise": 0.0, "loss": "mse"}), [CONDITION])
    reached = np.array([int(stopped[number].state.step) for number in range(RUNS)])
    audited = np.array([is_audited(make_run(number), STOP.audit) for number in range(RUNS)])
    stops = (expected >= 0) & (expected < STEPS) & ~audited
    assert stops.sum() >= 3 and (~stops).sum() >= 2  # the sweep shows both
    np.testing.assert_array_equal(reached, np.where(stops, expected, STEPS))
    assert [stop_reason(stopped[number], STEPS) == "grokked" for number in range(RUNS)] == stops.tolist()


def test_a_stopped_run_is_a_prefix_of_the_unstopped_one(stopped, unstopped) -> None:
    for number in range(RUNS):
        count = int(stopped[number].book.num_looks)
        for kind, buffer in stopped[number].book.looks.items():
            assert buffer[:count].tobytes() == unstopped[number].book.looks[kind][:count].tobytes()


def test_audits_depend_on_the_run_alone_and_have_the_right_share() -> None:
    ids = {run_id(make_run(number)) for number in range(RUNS)}
    assert len(ids) == RUNS
    assert not any(is_audited(make_run(number), 0.0) for number in range(RUNS))
    assert all(is_audited(make_run(number), 1.0) for number in range(RUNS))
    share = np.mean([is_audited(make_run(number), 0.25) for number in range(300)])
    assert 0.15 < share < 0.35
