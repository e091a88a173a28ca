"""Who may train with whom, and which runs are to blame: rules that need no engine."""

import subprocess
import sys
from concurrent.futures import Future
from types import SimpleNamespace

import pytest

from grokjax.drive.remote.crew import MOST_FAILURES, Crew, Member, WorkerLostError, WorkersError
from grokjax.drive.remote.host import own_versions
from grokjax.drive.remote.suspects import Suspects
from grokjax.orders.order import Queue

DEVICE = {"device": {"platform": "gpu", "kind": "H100"}, "processor": {"name": "a"}}


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

    def arrive(self, **facts):
        """A worker answers with facts that differ in these from those of this process."""
        future = Future()
        member = Member(len(self.released) + len(self.members), lambda method, *_: Future(), 0.0)
        self.on_the_way[future] = member
        future.set_result({"pid": 7, "host": "n1", **own_versions(), **DEVICE, **facts})
        return self.welcome(future)


def test_a_worker_with_other_sources_than_this_process_is_refused_and_named():
    crew = Answers()
    with pytest.raises(WorkersError, match=r"worker 0 \(process 7 on n1\) is refused: jax is 0.9.9, not "):
        crew.arrive(jax="0.9.9")
    assert crew.released == [0]


@pytest.mark.parametrize("differing", [{"device": {"platform": "gpu", "kind": "A100"}}, {"processor": {"name": "b"}}])
def test_a_worker_of_another_kind_than_the_first_is_refused_while_the_first_trains_on(differing):
    crew = Answers()
    first = crew.arrive()
    assert crew.arrive(**differing) is None
    assert crew.members == [first]
    assert [text.split(":")[0] for text in crew.said] == ["worker_refused"]


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
    with pytest.raises(WorkersError, match="device is platform gpu, kind A100, not platform gpu, kind H100"):
        crew.arrive(device={"platform": "gpu", "kind": "A100"})


def test_workers_that_are_refused_are_not_asked_for_again_and_again():
    crew = Answers()
    crew.arrive()
    for _ in range(MOST_FAILURES):
        assert crew.may_recruit
        crew.arrive(processor={"name": "b"})
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


def test_a_worker_without_a_place_is_reported_only_when_it_has_waited():
    crew = Answers()
    crew.on_the_way[Future()] = Member(0, lambda method, *_: Future(), asked=1e18)
    crew.look_for_places(is_training=False)
    crew.on_the_way[Future()] = Member(1, lambda method, *_: Future(), asked=-1e18)
    with pytest.raises(WorkersError, match="1 of the workers asked for got no place in 60 s: each needs 1 GPU"):
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
