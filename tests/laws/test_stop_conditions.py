"""A condition of the stop rule ends a run where its twin in the analysis says, also when the run is continued."""

import numpy as np
import pytest

from grokjax.analysis.stop_conditions import ends_at, stop_conditions
from grokjax.drive.opening import _stop
from grokjax.losses.mse import MSE
from grokjax.measures.weight_norm import WeightNorm
from grokjax.models.mlp import MLP
from grokjax.optimizers.adamw import AdamW
from grokjax.reader.measured_steps import Cadence, MeasurePlan
from grokjax.reader.run import Run, Seeds
from grokjax.reader.stop_plan import read_stop
from grokjax.results.dataset import assemble
from grokjax.results.reading import looks_of
from grokjax.store.records import continued, pack_history, pack_weights, stop_reason
from grokjax.tasks.modular_arithmetic import ModularArithmetic
from grokjax.train.devices import choose_pools
from grokjax.train.executables import Traced
from grokjax.train.feed import Feed
from grokjax.train.worker import LocalWorker

STEPS, RUNS = 400, 8
CONDITIONS = {
    "below": [{"measure": "test/objective", "below": 0.05, "steps": 20}],
    "hopeless": [{"measure": "test/accuracy", "below": 0.5, "steps": 200}],
    "no_new lowest": [{"measure": "test/objective", "no_new": "lowest", "steps": 40}],
    "no_new highest": [{"measure": "test_novel/accuracy", "no_new": "highest", "steps": 30, "ratio": 0.3}],
    "several": [
        {"measure": "train/accuracy", "at_least": 0.9},
        {"measure": "test/accuracy", "no_new": "highest", "steps": 90},
    ],
}


def make_run(number: int) -> Run:
    task = ModularArithmetic(modulus=11, train_fraction=(0.5, 0.7, 0.85, 0.9)[number % 4])
    optimizer = AdamW(learning_rate=0.02, weight_decay=(0.3, 2.0, 5.0)[number % 3])
    seeds = Seeds(split=number, init=number, order=number, noise=number)
    return Run(task=task, model=MLP(width=32, activation="square"), optimizer=optimizer, loss=MSE(), seeds=seeds)


def cohort(stop, what=()):
    measure = MeasurePlan(every=Cadence("log", 8), looks=Cadence("ratio", 1.1), what=what)
    run = make_run(0)
    return Feed(run, run.task.signature(), [run.task], measure, stop, STEPS)


def worker_of(feed: Feed) -> LocalWorker:
    pools = choose_pools("cpu", "map")[:1]
    traced = Traced(feed.program(RUNS, 1), pools[0])
    return LocalWorker(traced.compile(pools, feed.values(make_run(0)), feed.tables, feed.schedule)[0])


def train(feed: Feed, until: int = STEPS):
    """Lanes of all runs, trained up to a step."""
    worker = worker_of(feed)
    for number in range(RUNS):
        worker.fill(number, number, feed.values(make_run(number)))
    worker.start_segment(np.full(RUNS, until), False).result()
    lanes = [worker.take(number) for number in range(RUNS)]
    return worker, lanes


@pytest.fixture(scope="module")
def looks():
    """What is seen of the same runs where nothing ends them."""
    worker, lanes = train(cohort(None))
    worker.close()
    names = [str(number) for number in range(RUNS)]
    packed = pack_history(names, lanes, [{}] * RUNS, STEPS, 0)
    return looks_of(assemble([packed], {}, names), {"label_noise": 0.0, "loss": "mse"})


@pytest.mark.parametrize("name", CONDITIONS)
def test_the_program_ends_runs_where_the_analysis_says_also_those_that_are_continued(name, looks):
    plan = read_stop({"when": CONDITIONS[name], "audit": 0})
    expected = ends_at(looks, stop_conditions(_stop(plan)))
    expected = np.where(expected < 0, STEPS, expected)
    assert (expected < STEPS).any()
    feed = cohort(plan)
    worker, half = train(feed, until=60)
    whole = [worker.take(number) for number in range(RUNS)]
    for number, lane in enumerate(half):  # as a resumed sweep does: every lane is filled again from what was stored
        if worker.active[number]:
            fresh = worker.executables.fresh(feed.values(make_run(number)), worker.executables.tables)
            history = pack_history([str(number)], [lane], [{}], STEPS, 0)
            rules = worker.program.stop_rules
            schedule = feed.schedule
            weights = pack_weights([str(number)], [lane])
            filled = continued(fresh, history, weights, 0, schedule.steps, schedule.is_row, rules)
            assert np.array_equal(filled.book.since, whole[number].book.since)
            worker.fill(number, number, filled)
    worker.start_segment(np.full(RUNS, STEPS), False).result()
    ended = [worker.take(number) for number in range(RUNS)]
    worker.close()
    np.testing.assert_array_equal([int(lane.state.step) for lane in ended], expected)
    reasons = [stop_reason(lane, STEPS) for lane in ended]
    assert reasons == ["stopped" if step < STEPS else "budget" for step in expected]


def test_a_measure_that_is_no_look_ends_runs_at_measured_steps_only():
    plan = read_stop({"when": [{"measure": "weight_norm/total", "below": 6.0}], "audit": 0})
    feed = cohort(plan, (WeightNorm(),))
    worker, lanes = train(feed)
    worker.close()
    rows = set(feed.schedule.steps[feed.schedule.is_row].tolist())
    ended = [lane for lane in lanes if int(lane.state.step) < STEPS]
    assert ended
    for lane in lanes:
        norms = lane.book.rows["weight_norm/total"][: int(lane.book.num_rows)]
        below = norms < 6.0
        assert (
            int(lane.state.step) in rows and bool(below[-1]) == (int(lane.state.step) < STEPS) and not below[:-1].any()
        )


def test_which_condition_ended_a_run_is_known(looks):
    after_grok = {"steps": 20, "ratio": 0, "at": 0.9}
    plan = read_stop({"after_grok": after_grok, "when": [{"measure": "train/loss", "below": 1e-9}], "audit": 0})
    expected = ends_at(looks, stop_conditions(_stop(plan)))
    worker, lanes = train(cohort(plan))
    worker.close()
    reasons = np.array([stop_reason(lane, STEPS) for lane in lanes])
    grokked = ends_at(looks, stop_conditions(_stop(read_stop({"after_grok": after_grok}))))
    assert (grokked >= 0).any()
    np.testing.assert_array_equal(reasons == "grokked", (grokked >= 0) & (grokked == expected) & (grokked < STEPS))
