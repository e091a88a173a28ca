"""A device that hangs or runs out of memory while it trains: said, logged, and nothing lost."""

import subprocess
import sys

import jax
import pytest

from grokjax.drive import keeper
from grokjax.store.files import read_json_lines
from grokjax.train.worker import LocalWorker
from tests.store.small_sweep import LANES, endings, typed
from tests.store.sweeps import outcome


@pytest.fixture
def sweep(small):
    return small.parent / "sweep.yaml"


def test_a_sweep_that_no_longer_moves_ends_with_70_and_its_stacks_and_resumes(small, sweep, tmp_path):
    words = ["run", sweep, "--out", tmp_path / "out", *LANES]
    command = [sys.executable, "-m", "tests.cli.stuck", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 70, done.stderr
    (stacks,) = (tmp_path / "out").glob("stacks-*.txt")
    assert "hanging" in stacks.read_text()
    said = done.stderr.splitlines()[-1]
    assert "nothing has moved for more than 2 s while training" in said and str(stacks) in said
    assert read_json_lines(tmp_path / "out" / "events.jsonl")[-1]["event"] == "stuck"
    assert typed(*words) == 0
    assert outcome(tmp_path / "out") == outcome(small)


class Exhausted:
    """In place of `LocalWorker._segment`: no memory for more lanes than fit, once a run has been committed."""

    def __init__(self, fitting, root):
        self.fitting, self.root, self.real = fitting, root, LocalWorker._segment

    def __call__(self, worker, *arguments):
        if worker.program.lanes > self.fitting and endings(self.root):
            raise jax.errors.JaxRuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 1 bytes")
        return self.real(worker, *arguments)


@pytest.mark.parametrize("executor", ["map", "vmap"])
def test_out_of_memory_while_training_halves_the_lanes_and_says_so(
    small, sweep, tmp_path, monkeypatch, capsys, executor
):
    root = tmp_path / "out"
    exhausted = Exhausted(1 if executor == "map" else 2, root)
    monkeypatch.setattr(keeper, "COMMIT_SECONDS", 0)  # what has ended is committed with its segment
    monkeypatch.setattr(LocalWorker, "_segment", lambda *arguments: exhausted(*arguments))
    words = ("run", sweep, "--out", root, *LANES, "--executor", executor, "--save-seconds", "0.001")
    assert typed(*words) == 0
    said = capsys.readouterr().err
    assert (
        f"warning: {root}: 1 lanes of a device in place of 2, since it ran out of memory (" in said
        and "RESOURCE_EXHAUSTED" in said
    )
    assert "12/12 done, 6 diverged" in said
    events = read_json_lines(root / "events.jsonl")
    (changed,) = [event for event in events if event["event"] == "width_changed"]
    assert "1 lanes of a device in place of 2" in changed["what"]
    ended = endings(root)
    assert events.index(changed) > [event["event"] for event in events].index("ended")
    assert len(ended) == len(set(ended)) == 12  # what was committed is not trained again
    assert typed("verify", root) == 0
    assert executor == "vmap" or outcome(root) == outcome(small)
    assert typed(*words[:4], "--executor", executor) == 0  # nothing is left to do


def test_out_of_memory_with_one_lane_gives_6_with_numbers_and_resumes(small, sweep, tmp_path, monkeypatch, capsys):
    exhausted = Exhausted(0, tmp_path / "out")
    with monkeypatch.context() as patch:
        patch.setattr(keeper, "COMMIT_SECONDS", 0)
        patch.setattr(LocalWorker, "_segment", lambda *arguments: exhausted(*arguments))
        assert typed("run", sweep, "--out", tmp_path / "out", *LANES) == 6
    assert "a device ran out of memory with 1 lanes" in capsys.readouterr().err
    assert typed("run", sweep, "--out", tmp_path / "out", *LANES) == 0
    assert outcome(tmp_path / "out") == outcome(small)
