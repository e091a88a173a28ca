"""Killed, torn or refused at any file-system call of a commit, a folder holds what was committed and goes on."""

import errno
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.store.crash_points import FAIL_ON, FAIL_ONCE, KILL, TEAR
from tests.store.small_sweep import LANES, typed
from tests.store.sweeps import outcome

SOURCE = Path(__file__).with_name("crash_points.c")
ERRORS = (errno.ENOSPC, errno.EIO, errno.EDQUOT, errno.EROFS)
NEVER = 0
# Each mode meets every fifth call; the four errors share them.
SOME = [(KILL, NEVER, 1, 5), (TEAR, NEVER, 3, 5), *((FAIL_ON, code, 1 + 5 * n, 20) for n, code in enumerate(ERRORS))]
EVERY = [(KILL, NEVER), (TEAR, NEVER), *((mode, code) for mode in (FAIL_ONCE, FAIL_ON) for code in ERRORS)]


@pytest.fixture(scope="module")
def shim(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """crash_points.c, compiled."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if not sys.platform.startswith("linux") or compiler is None:
        pytest.skip("faults are injected below Python: needs Linux and a C compiler")
    library = tmp_path_factory.mktemp("shim") / "crash_points.so"
    flags = ("-shared", "-fPIC", "-O1", "-D_LARGEFILE64_SOURCE", "-o", library)
    subprocess.run([compiler, *map(str, flags), str(SOURCE), "-ldl"], check=True)
    return library


def preloaded(shim: Path, module: str, *words: str | Path | int, timeout: float = 1500) -> subprocess.CompletedProcess:
    command = [sys.executable, "-m", f"tests.store.{module}", *map(str, words)]
    variables = {**os.environ, "LD_PRELOAD": str(shim)}
    return subprocess.run(command, capture_output=True, text=True, timeout=timeout, env=variables, check=False)


def check_faults(shim: Path, place: Path, mode: int, code: int, first: int, every: int) -> None:
    done = preloaded(shim, "crash_points", mode, code, first, every, place)
    assert done.returncode == 0, done.stderr[-3000:]
    counts = re.fullmatch(r"faulted (\d+) of (\d+)\n", done.stdout)
    assert counts, done.stdout  # a line for each trial that went wrong
    faulted, calls = map(int, counts.groups())
    tried = len(range(first, calls + 1, every))
    assert calls > 60 and faulted >= 0.85 * tried  # the others: of what may fail, such as the removal of an old file


@pytest.mark.parametrize(("mode", "code", "first", "every"), SOME)
def test_a_fault_at_every_fifth_call_of_a_commit_loses_nothing_and_is_never_silent(
    shim: Path, tmp_path: Path, mode: int, code: int, first: int, every: int
) -> None:
    check_faults(shim, tmp_path, mode, code, first, every)


@pytest.mark.slow
@pytest.mark.parametrize(("mode", "code"), EVERY)
def test_a_fault_at_every_call_of_a_commit_loses_nothing_and_is_never_silent(
    shim: Path, tmp_path: Path, mode: int, code: int
) -> None:
    check_faults(shim, tmp_path, mode, code, first=1, every=1)


@pytest.mark.parametrize("count", [20, pytest.param(200, marks=pytest.mark.slow)])
def test_a_writer_killed_at_random_moments_loses_and_doubles_nothing(tmp_path: Path, count: int) -> None:
    command = [sys.executable, "-m", "tests.store.random_kills", str(count), "5", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=1500, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert done.stdout == f"killed {count}\n"


def check_failing_disk(shim: Path, small: Path, root: Path, code: int, number: int) -> None:
    """A sweep on a disk that refuses everything from its N-th call on ends with 6 and a line; later it goes on."""
    sweep = small.parent / "sweep.yaml"
    words = ("run", sweep, "--out", root, *LANES, "--save-seconds", "0.001")
    done = preloaded(shim, "failing_disk", code, number, root, *words, timeout=240)
    said = done.stderr.splitlines()
    assert done.returncode == 6, done.stderr[-3000:]
    assert said[-1].startswith("grokjax: error: ") and os.strerror(code) in said[-1], said
    assert "Traceback" not in done.stderr and list(root.parent.glob("*crash*")) == []
    assert typed(*words) == 0
    assert outcome(root) == outcome(small)


def test_a_sweep_on_a_full_disk_ends_with_6_and_the_same_command_goes_on(
    shim: Path, small: Path, tmp_path: Path, monkeypatch
) -> None:
    monkeypatch.chdir(tmp_path)
    check_failing_disk(shim, small, tmp_path / "out", errno.ENOSPC, 150)


@pytest.mark.slow
@pytest.mark.parametrize("code", ERRORS)
@pytest.mark.parametrize("number", [1, 20, 80, 150, 220])
def test_a_sweep_on_a_disk_that_fails_anywhere_ends_with_6_and_goes_on_later(
    shim: Path, small: Path, tmp_path: Path, monkeypatch, code: int, number: int
) -> None:
    monkeypatch.chdir(tmp_path)
    check_failing_disk(shim, small, tmp_path / "out", code, number)
