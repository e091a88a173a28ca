"""Killed at any moment and started again, a sweep ends byte for byte as if nothing had happened."""

import json
import random
import signal
import time
from collections import Counter
from pathlib import Path

import pandas as pd
import pytest

from grokjax.store.files import read_json_lines
from tests.store.sweeps import TWO_COHORTS, finish, outcome, start, write_sweep

GIVE_UP = 300.0
BATCHED = ("--executor", "vmap", "--lanes", "2")
TRANSFORMER = """
name: transformer
task: {kind: modular_arithmetic, operation: x+y, modulus: 13, label_noise: 0.2}
model: {kind: transformer, width: 16, heads: 2, mlp_width: 24, dropout: 0.1}
optimizer: {kind: adamw, learning_rate: 3.0e-3}
train: {steps: 1500, minibatch: 40}
axes:
  optimizer.weight_decay: [0.3, 2.0]
  task.train_fraction: [0.5, 0.85]
seeds: 2
measure: {every: {log: 12}, what: [fit, weight_norm]}
"""
LONG = TWO_COHORTS.replace("steps: 3000", "steps: 12000")


def run_uninterrupted(text: str, folder: Path, *options: str) -> Path:
    done = finish("run", write_sweep(folder, text), "--out", folder / "out", *options)
    assert done.returncode == 0, done.stderr
    return folder / "out"


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_uninterrupted(TWO_COHORTS, tmp_path_factory.mktemp("uninterrupted"))


def files_at(moment: str, root: Path) -> set[Path]:
    """What lies in the folder at a moment and at no other: temporary files, which a kill leaves behind."""
    return {path for pattern in MOMENTS[moment] for path in root.glob(pattern)}


MOMENTS = {
    "compiling": ["../compiled/jit_grokjax_*"],
    "committing": ["runs/.*.tmp", ".HEAD*.tmp"],
    "saving": ["checkpoints/*.orbax-checkpoint-tmp*"],
    "consolidating": [".history.zarr.tmp"],
}


def kill_at(moment: str | float, sweep: Path, root: Path, *options: str) -> bool:
    """Start the sweep, kill it at a moment (a name, or seconds after its first save began); false if it ended first.

    Every segment ends with a save, and segments begin with one step: a first save comes early on the fastest machine.
    """
    (root / "live.json").unlink(missing_ok=True)  # what an earlier start said must not be taken for this one's
    variables = {}
    if moment == "compiling":  # a cache that holds the programs would leave nothing to compile
        variables["JAX_COMPILATION_CACHE_DIR"] = str(root.parent / "compiled")
    awaited = moment if isinstance(moment, str) else "saving"
    before = files_at(awaited, root)
    process = start("run", sweep, "--out", root, "--save-seconds", "0.001", *options, **variables)
    began, seen = time.monotonic(), None
    while process.poll() is None:
        assert time.monotonic() - began < GIVE_UP
        now = files_at(awaited, root)
        before &= now
        if seen is None and now - before:
            seen = time.monotonic()
        if seen is not None and time.monotonic() - seen >= (moment if isinstance(moment, float) else 0.0):
            process.kill()
            process.communicate()
            return process.returncode == -signal.SIGKILL
        time.sleep(0.0005)
    error = process.communicate()[1]
    assert process.returncode == 0, error
    return False


def check_killed_sweep(
    moments: list[str | float], text: str, uninterrupted: Path, folder: Path, *options: str
) -> list[str]:
    """Kill a sweep at each moment in turn, let it end, compare. Every kill must hit. Gives the runs in their order."""
    sweep, root = write_sweep(folder, text), folder / "out"
    assert [moment for moment in moments if not kill_at(moment, sweep, root, *options)] == []
    done = finish("run", sweep, "--out", root, *options)
    assert done.returncode == 0, done.stderr
    assert outcome(root) == outcome(uninterrupted)
    runs = pd.read_csv(root / "table.csv")["run_id"].tolist()
    assert len(runs) == len(set(runs))
    events = Counter(event["event"] for event in read_json_lines(root / "events.jsonl"))
    in_training = sum(moment not in ("compiling", "consolidating") for moment in moments)
    assert events["started"] == len(moments) + 1
    assert events["compiled"] >= in_training  # each of these starts got as far as training
    assert events["ended"] >= len(runs) and events["complete"] == 1
    return runs


@pytest.mark.parametrize(
    "moments",
    [
        ["saving", "committing", "consolidating"],
        pytest.param(["compiling", "saving", "committing", 0.05, "consolidating"], marks=pytest.mark.slow),
    ],
    ids=len,
)
def test_a_sweep_killed_several_times_ends_as_if_nothing_had_happened(
    uninterrupted: Path, tmp_path: Path, moments: list[str | float]
) -> None:
    assert len(check_killed_sweep(moments, TWO_COHORTS, uninterrupted, tmp_path)) == 100


@pytest.fixture(scope="module")
def long_uninterrupted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return run_uninterrupted(LONG, tmp_path_factory.mktemp("long"))


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(10))
def test_a_sweep_killed_twenty_times_ends_as_if_nothing_had_happened(
    long_uninterrupted: Path, tmp_path: Path, seed: int
) -> None:
    draw = random.Random(seed)
    moments: list[str | float] = [draw.uniform(0.0, 0.2) for _ in range(18)]
    moments[3::6], moments[5::6] = ["committing"] * 3, ["saving"] * 3
    assert len(check_killed_sweep(["compiling", *moments, "consolidating"], LONG, long_uninterrupted, tmp_path)) == 100


@pytest.mark.slow
def test_a_killed_sweep_of_transformers_in_batched_lanes_ends_as_if_nothing_had_happened(tmp_path: Path) -> None:
    (tmp_path / "whole").mkdir()
    whole = run_uninterrupted(TRANSFORMER, tmp_path / "whole", *BATCHED)
    assert len(check_killed_sweep(["saving", 0.5, "committing"], TRANSFORMER, whole, tmp_path, *BATCHED)) == 8


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
