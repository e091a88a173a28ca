"""Who may train with whom, and which runs are to blame: rules that need no engine."""

import subprocess
import sys
from concurrent.futures import Future
from types import SimpleNamespace

import pytest

from grokjax.drive.remote.crew import MOST_FAILURES, Crew, Member, Pulse, WorkerLostError, WorkersError
from grokjax.drive.remote.suspects import Suspects
from grokjax.orders.order import Queue
from grokjax.store.provenance import provenance


def on_device(platform="gpu", kind="H100", **facts):
    """What a worker like this process says of itself, with another device and perhaps other facts."""
    return provenance([{"platform": platform, "kind": kind, "devices": 1}]) | facts


def orders(*names):
    return [SimpleNamespace(run_id=name) for name in names]


class Answers(Crew):
    """A crew whose workers answer what they are told to; it asks for none by itself."""

    def __init__(self):
        super().__init__(patience=300.0)
        self.released, self.said = [], []
        self.tell_to(lambda event, text: self.said.append(f"{event}: {text}"))

    def recruit(self):
        pass

    def result(self, future, timeout=None):
        return future.result(timeout)

    def wanted(self):
        return "each needs 1 GPU; the cluster has 0, of which 0 are free"

    def release(self, member):
        self.released.append(member.number)

    def arrive(self, record=None):
        """A worker answers, with this record of what it runs on."""
        future = Future()
        member = Member(len(self.released) + len(self.members), lambda method, *_: Future(), 0.0)
        self.on_the_way[future] = member
        future.set_result({"pid": 7, "host": "n1", "provenance": record or on_device()})
        return self.welcome(future)


def test_a_worker_with_other_sources_than_this_process_is_refused_and_named():
    crew = Answers()
    with pytest.raises(WorkersError, match=r"worker 0 \(process 7 on n1\) is refused: jax: 0.9.9, not "):
        crew.arrive(on_device(packages=on_device()["packages"] | {"jax": "0.9.9"}))
    assert crew.released == [0]


@pytest.mark.parametrize(
    ("differing", "said"),
    [
        (on_device(kind="A100"), "device: A100, not H100"),
        (on_device(drivers={"CUDA driver": "1.0"}), "drivers: CUDA driver 1.0, not "),
        (on_device(options=on_device()["options"] | {"jax_enable_x64": True}), "enable_x64: True, not False"),
    ],
)
def test_a_worker_of_another_kind_than_the_first_is_refused_while_the_first_trains_on(differing, said):
    crew = Answers()
    first = crew.arrive()
    assert crew.arrive(differing) is None
    assert crew.members == [first]
    assert len(crew.said) == 1
    assert crew.said[0].startswith("worker_refused: worker 1 ")
    assert said in crew.said[0]


def test_the_processor_of_a_machine_counts_only_where_it_trains():
    core = on_device()["processor"] | {"name": "another"}
    crew = Answers()
    crew.arrive()
    assert crew.arrive(on_device(processor=core)) is not None
    crew = Answers()
    crew.arrive(on_device("cpu", "cpu"))
    assert crew.arrive(on_device("cpu", "cpu", processor=core)) is None


def test_workers_that_die_before_they_train_end_the_sweep_only_when_none_is_left():
    crew = Answers()
    crew.arrive()
    for _ in range(MOST_FAILURES):
        crew.has_failed_to_begin(WorkerLostError("gone"))
    assert not crew.may_recruit
    crew.members.clear()
    with pytest.raises(WorkersError, match=f"{MOST_FAILURES + 1} workers in a row did not begin to train: gone"):
        crew.has_failed_to_begin(WorkerLostError("gone"))


def test_a_worker_that_begins_lets_others_be_asked_for_again():
    crew = Answers()
    crew.arrive()
    for _ in range(MOST_FAILURES):
        crew.has_failed_to_begin(WorkerLostError("gone"))
    crew.has_begun()
    assert crew.may_recruit


def test_a_worker_of_another_kind_is_refused_also_when_the_first_has_died():
    crew = Answers()
    first = crew.arrive()
    crew.dismiss(first, "died")
    with pytest.raises(WorkersError, match="device: A100, not H100"):
        crew.arrive(on_device(kind="A100"))


def test_workers_that_are_refused_are_not_asked_for_again_and_again():
    crew = Answers()
    crew.arrive()
    for _ in range(MOST_FAILURES):
        assert crew.may_recruit
        crew.arrive(on_device(kind="A100"))
    assert not crew.may_recruit


def test_when_the_last_worker_dies_another_is_asked_for_whatever_failed_before():
    crew = Answers()
    last = crew.arrive()
    for _ in range(MOST_FAILURES):
        crew.has_failed_to_begin(WorkerLostError("gone"))
    crew.dismiss(last, "died")
    assert crew.may_recruit
    with pytest.raises(WorkersError, match=f"{MOST_FAILURES + 1} workers in a row"):
        crew.has_failed_to_begin(WorkerLostError("gone"))


@pytest.fixture
def clock(monkeypatch):
    """Seconds of a clock that the test sets."""
    now = [1000.0]
    monkeypatch.setattr("grokjax.drive.remote.crew.time", SimpleNamespace(monotonic=lambda: now[0]))
    return now


def test_a_worker_that_does_not_come_ends_the_sweep_only_when_it_has_been_waited_for(clock):
    crew = Answers()
    crew.on_the_way[Future()] = Member(0, lambda method, *_: Future(), asked=clock[0])
    clock[0] += 299
    crew.look_for_places(is_training=False)
    clock[0] += 2
    with pytest.raises(WorkersError, match="1 of the workers asked for have not come in 300 s: each needs 1 GPU"):
        crew.look_for_places(is_training=False)


def test_one_that_was_always_waited_for_in_vain_gets_its_time_when_the_last_worker_is_gone(clock):
    crew = Answers()
    last = crew.arrive()
    crew.on_the_way[Future()] = Member(7, lambda method, *_: Future(), asked=clock[0])
    clock[0] += 5000
    crew.look_for_places(is_training=True)
    crew.dismiss(last, "died")
    crew.look_for_places(is_training=False)
    clock[0] += 301
    with pytest.raises(WorkersError, match="have not come in 300 s"):
        crew.look_for_places(is_training=False)


def test_a_run_is_alone_after_two_deaths_and_failed_after_three():
    suspects = Suspects()
    bad, good = orders("bad", "good")
    assert suspects.note([bad, good]) == [bad, good]
    assert suspects.note([bad]) == []
    assert list(suspects.waiting) == [bad]
    assert suspects.is_suspect(bad)
    assert not suspects.is_suspect(good)
    assert suspects.failed == []
    suspects.note([bad])
    assert suspects.failed == ["bad"]


def test_orders_that_wait_again_come_before_those_that_still_wait():
    first, second, third = orders("first", "second", "third")
    queue = Queue([first, second, third])
    taken = [queue.take(), queue.take()]
    queue.put_back(taken)
    assert [queue.take().run_id for _ in range(3)] == ["first", "second", "third"]
    assert not queue
    queue.put_back([second])
    assert queue.take() is second


@pytest.mark.parametrize("workers", ["dask", "ray:0"])
def test_workers_that_make_no_sense_are_refused_before_anything_is_written(tmp_path, workers):
    words = ["run", "quickstart", "--out", str(tmp_path / "out"), "--workers", workers]
    ended = subprocess.run([sys.executable, "-m", "grokjax", *words], capture_output=True, text=True)
    assert ended.returncode == 2
    assert f"--workers: must be ray, ray:N with N from 1, or ray:ADDRESS, not '{workers}'" in ended.stderr
    assert not (tmp_path / "out").exists()


def answered():
    future = Future()
    future.set_result(None)
    return future


def test_a_worker_that_was_frozen_while_it_rested_is_passed_over():
    crew = Answers()
    frozen, alive = crew.arrive(), crew.arrive()
    alive.call = lambda method, *_: answered()
    assert crew.answering(lambda: None) is alive
    assert crew.members == [frozen, alive]  # it may only be slow


def test_workers_that_are_all_frozen_are_given_up():
    crew = Answers()
    crew.patience = 0.5
    frozen = crew.arrive()

    def check_stop():
        if not crew.members:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        crew.answering(check_stop)
    assert crew.released == [frozen.number]
    assert "has not answered for" in crew.said[-1]


def test_a_worker_that_answers_while_it_compiles_is_not_lost_and_one_that_does_not_is(clock):
    crew = Answers()
    member = crew.arrive()
    answers = []
    member.call = lambda method, *_: answers.append(Future()) or answers[-1]
    pulse = Pulse(member)
    for _ in range(3):
        answers[-1].set_result(None)
        clock[0] += 301
        assert not pulse.is_lost(300)
    clock[0] += 299
    assert not pulse.is_lost(300)
    clock[0] += 2
    assert pulse.is_lost(300)
    assert len(answers) == 4
