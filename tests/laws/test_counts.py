"""A cohort is traced once, and each of its programs is compiled once for every device, refills and resumes included."""

import time
from collections import Counter
from pathlib import Path

import jax
import pytest

from grokjax.drive.progress import Progress
from grokjax.drive.run_sweep import Options, run_sweep
from grokjax.reader.sweep_file import load
from grokjax.train.executables import COMPILATIONS, TRACES
from tests.store.small_sweep import LANES, SMALL, endings, typed

PROGRAMS = ("fresh", "take", "place", "segment")
BY_XLA = "/jax/core/compile/backend_compile_duration"
SWEEP = SMALL.replace("[1.0e-2, 1.0e+30]", "[1.0e-2]").replace("seeds: 2", "seeds: 4")


@pytest.fixture
def compiled():
    """What XLA compiles or takes from its cache, by the account of JAX itself."""
    counts: Counter[str] = Counter()

    def count(event: str, seconds: float, **_: object) -> None:
        counts[event] += 1

    jax.monitoring.register_event_duration_secs_listener(count)
    yield counts
    jax.monitoring.unregister_event_duration_listener(count)


def start(compiled: Counter, cohorts: int, status: int, *words: str | Path) -> int:
    """One start must trace and compile exactly what so many cohorts need; gives how much XLA compiled beside it."""
    for counter in (compiled, TRACES, COMPILATIONS):
        counter.clear()
    assert typed("run", *words, *LANES) == status
    devices = len(jax.local_devices(backend="cpu"))
    assert dict(TRACES) == dict.fromkeys(PROGRAMS, cohorts)
    assert dict(COMPILATIONS) == dict.fromkeys(PROGRAMS, cohorts * devices)
    return compiled[BY_XLA] - cohorts * devices * len(PROGRAMS)


def test_refills_and_a_resume_compile_nothing_more(compiled, tmp_path: Path) -> None:
    (tmp_path / "sweep.yaml").write_text(SWEEP)
    words = (tmp_path / "sweep.yaml", "--out", tmp_path / "out")
    start(compiled, 1, 75, *words, "--max-seconds", "0.001")
    assert len(endings(tmp_path / "out")) < 8  # more than four are left, for four lanes
    assert start(compiled, 1, 0, *words) == 0
    assert len(endings(tmp_path / "out")) == 12


def test_a_cohort_is_compiled_while_the_one_before_it_trains(tmp_path: Path) -> None:
    (tmp_path / "sweep.yaml").write_text(SWEEP.replace("axes:", "axes:\n  model.width: [16, 20]"))
    devices, waited_for = len(jax.local_devices(backend="cpu")), []
    COMPILATIONS.clear()

    def watch(progress: Progress) -> None:
        """Hold the first cohort back at its first segment until the second one is compiled."""
        if progress.stage == "training" and progress.cohort == 0 and not waited_for:
            until = time.monotonic() + 120
            while COMPILATIONS["segment"] < 2 * devices and time.monotonic() < until:
                time.sleep(0.01)
            waited_for.append((COMPILATIONS["segment"], progress.done))

    run_sweep(load(tmp_path / "sweep.yaml"), tmp_path / "out", Options(lanes=2, watch=watch))
    assert waited_for == [(2 * devices, 0)]
    assert COMPILATIONS["segment"] == 2 * devices and len(endings(tmp_path / "out")) == 24


def test_a_lane_that_was_refilled_counts_as_running(tmp_path: Path) -> None:
    (tmp_path / "sweep.yaml").write_text(SWEEP)
    seen: list[tuple[int, int]] = []

    def watch(progress: Progress) -> None:
        if progress.stage == "training" and progress.done:
            seen.append((progress.running, progress.queued))

    run_sweep(load(tmp_path / "sweep.yaml"), tmp_path / "out", Options(lanes=2, watch=watch))
    lanes = 2 * len(jax.local_devices(backend="cpu"))
    waiting = [running for running, queued in seen if queued]
    assert waiting and set(waiting) == {lanes}


@pytest.mark.slow
def test_each_cohort_is_compiled_once(compiled, tmp_path: Path) -> None:
    (tmp_path / "sweep.yaml").write_text(SWEEP.replace("axes:", "axes:\n  model.width: [16, 20]"))
    start(compiled, 2, 0, tmp_path / "sweep.yaml", "--out", tmp_path / "warm")
    assert start(compiled, 2, 0, tmp_path / "sweep.yaml", "--out", tmp_path / "out") == 0
