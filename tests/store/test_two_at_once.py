"""Two processes started at once on one folder: exactly one trains, the other says who does."""

import json
import subprocess
import time
from pathlib import Path

import pytest

from grokjax.store.files import read_json_lines
from tests.store.small_sweep import LANES, endings, typed
from tests.store.sweeps import outcome, start


def check_pair(small: Path, root: Path) -> None:
    """Both train longer than it takes the other to start; SIGTERM ends the one that does, and it can be resumed."""
    words = ("run", small.parent / "sweep.yaml", "--out", root, *LANES)
    pair = [start(*words, "--set", "train.steps=3000000", "--max-seconds", "600") for _ in range(2)]
    try:
        loser = waited(pair)
        assert loser.returncode == 4, loser.communicate()
        said = loser.communicate()[1].splitlines()[-1]
        (winner,) = [one for one in pair if one is not loser]
        assert "is in use by another process" in said and json.dumps({"pid": winner.pid})[1:-1] in said
        winner.terminate()
        assert winner.wait(timeout=240) == 75, winner.communicate()
    finally:
        for one in pair:
            one.kill()
            one.communicate()
    assert sum(event["event"] == "started" for event in read_json_lines(root / "events.jsonl")) == 1


def waited(pair: list[subprocess.Popen]) -> subprocess.Popen:
    """The process that ends first."""
    began = time.monotonic()
    while time.monotonic() - began < 240:
        for one in pair:
            if one.poll() is not None:
                return one
        time.sleep(0.02)
    raise AssertionError("neither was refused")


@pytest.mark.parametrize("trial", range(3))
def test_of_two_processes_started_at_once_exactly_one_trains(small: Path, tmp_path: Path, trial: int) -> None:
    check_pair(small, tmp_path / "out")


@pytest.mark.slow
@pytest.mark.parametrize("trial", range(20))
def test_twenty_times_of_two_processes_exactly_one_trains(small: Path, tmp_path: Path, trial: int) -> None:
    check_pair(small, tmp_path / "out")


@pytest.mark.slow
def test_two_that_may_both_end_leave_the_sweep_as_one_would(small: Path, tmp_path: Path) -> None:
    root = tmp_path / "out"
    words = ("run", small.parent / "sweep.yaml", "--out", root, *LANES)
    pair = [start(*words) for _ in range(2)]
    statuses = [one.wait(timeout=240) for one in pair]
    for one in pair:
        one.communicate()
    assert sorted(statuses) in ([0, 0], [0, 4])  # the second may have come when the first had ended
    assert typed(*words) == 0
    assert outcome(root) == outcome(small) and sorted(endings(root)) == sorted(endings(small))
