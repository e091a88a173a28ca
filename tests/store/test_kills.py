"""Killed at any moment and started again, a sweep ends byte for byte as if nothing had happened."""

import json
import random
import time
from pathlib import Path

import pandas as pd
import pytest

from grokjax.store.files import read_json_lines
from tests.store.sweeps import finish, outcome, start, write_sweep

GIVE_UP = 300.0


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("uninterrupted")
    done = finish("run", write_sweep(root), "--out", root / "out")
    assert done.returncode == 0, done.stderr
    return root / "out"


def stage(root: Path) -> str:
    try:
        return json.loads((root / "live.json").read_text())["stage"]
    except (OSError, ValueError):
        return ""


def is_committing(root: Path) -> bool:
    return any(root.glob("runs/.*.tmp")) or any(root.glob(".HEAD*.tmp"))


def is_saving(root: Path) -> bool:
    return any(root.glob("checkpoints/*.orbax-checkpoint-tmp*"))


MOMENTS = {
    "compiling": lambda root: stage(root) == "compiling",
    "committing": is_committing,
    "saving": is_saving,
    "consolidating": lambda root: (root / ".history.zarr.tmp").exists(),
}


def kill_at(moment: str | float, sweep: Path, root: Path) -> bool:
    """Start the sweep, kill it at a moment (a name, or seconds after training began); false if it ended first."""
    process = start("run", sweep, "--out", root, "--save-seconds", "1")
    began, trained_since = time.monotonic(), None
    while process.poll() is None:
        assert time.monotonic() - began < GIVE_UP
        if trained_since is None and stage(root) == "training":
            trained_since = time.monotonic()
        is_now = trained_since is not None and isinstance(moment, float) and time.monotonic() - trained_since > moment
        if is_now or (isinstance(moment, str) and MOMENTS[moment](root)):
            process.kill()
            process.communicate()
            return True
        time.sleep(0.0005)
    error = process.communicate()[1]
    assert process.returncode == 0, error
    return False


def check_killed_sweep(moments: list[str | float], uninterrupted: Path, folder: Path) -> int:
    """Kill a sweep at each moment in turn, let it end, compare; gives the number of kills that hit."""
    sweep, root = write_sweep(folder), folder / "out"
    (root / "live.json").unlink(missing_ok=True)
    hits = sum(kill_at(moment, sweep, root) for moment in moments)
    done = finish("run", sweep, "--out", root)
    assert done.returncode == 0, done.stderr
    assert outcome(root) == outcome(uninterrupted)
    table = pd.read_csv(root / "table.csv")
    assert len(table) == 100 and table["run_id"].is_unique
    return hits


def test_a_sweep_killed_five_times_ends_as_if_nothing_had_happened(uninterrupted: Path, tmp_path: Path) -> None:
    assert check_killed_sweep(["compiling", "committing", "saving", 1.3, "consolidating"], uninterrupted, tmp_path) >= 4


@pytest.mark.slow
def test_a_sweep_killed_twenty_times_ends_as_if_nothing_had_happened(uninterrupted: Path, tmp_path: Path) -> None:
    draw = random.Random(5)
    anywhere = [draw.uniform(0.1, 3.0) for _ in range(15)]
    moments = ["compiling", *anywhere[:7], "committing", *anywhere[7:], "saving", "committing", "consolidating"]
    assert check_killed_sweep(moments, uninterrupted, tmp_path) >= 18


def test_lanes_were_refilled_and_cohorts_compiled_once(uninterrupted: Path) -> None:
    events = read_json_lines(uninterrupted / "events.jsonl")
    ended = [event for event in events if event["event"] == "ended"]
    places = [(event["pool"], event["lane"]) for event in ended]
    assert len(ended) == 100 and len(places) / len(set(places)) > 3
    assert json.loads((uninterrupted / "live.json").read_text())["compiled_programs"] == 2


def test_a_lost_row_would_be_noticed(uninterrupted: Path) -> None:
    content = outcome(uninterrupted)
    rows = content["table.csv"].splitlines(keepends=True)
    assert {**content, "table.csv": b"".join(rows[:-1])} != content and len(rows) == 101
