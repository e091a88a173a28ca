"""One commit of runs and one of a checkpoint, faulted at its N-th file-system call, in a process of its own for each N.

Run as `python -m tests.store.crash_points MODE ERRNO FIRST EVERY FOLDER` with crash_points.c preloaded; prints what
went wrong, then `faulted COUNT of CALLS`. The parent never starts a JAX backend: a fork afterwards hangs.
"""

import ctypes
import os
import shutil
import signal
import sys
import traceback
import warnings
from pathlib import Path
from types import SimpleNamespace

import jax
import numpy as np

from grokjax.results.stored_params import flat_stored_params
from grokjax.store.files import write_record
from grokjax.store.folder import SweepFolder
from grokjax.store.layout import SCHEMA, Layout
from grokjax.store.verification import verify
from grokjax.train.trainer import Saved, Weights

KILL, TEAR, FAIL_ONCE, FAIL_ON = range(4)
SHIM = ctypes.CDLL(None)
LANE = {"weight": np.zeros(3), "step": np.int32(0)}
CHECKPOINT = "checkpoint"
ORDER = SimpleNamespace(run_id="run-0")
ATTEMPTS = 5  # of a trial: how many calls a commit makes depends on the timing of orbax's threads


class TooFewCallsError(Exception):
    """A commit was over before the call that was to be faulted."""


def params_at(step: int) -> dict[str, np.ndarray]:
    return {"kernel": np.arange(64, dtype=np.float32) + step}


def commit(root: Path, step: int) -> None:
    """What a sweep does from time to time: commit what ended, then save the batched state."""
    folder = SweepFolder(root, "hash")
    folder.add_snapshots([Weights(ORDER, step, params_at(step))])
    lanes = {"weight": np.full((1, 3), float(step)), "step": np.full(1, step, np.int32)}
    folder.start_save(Saved([[ORDER]], [lanes]), CHECKPOINT)
    folder.close()


def begin(root: Path) -> None:
    """A folder with two commits, of steps 1 and 2."""
    root.mkdir()
    text = "name: crash\n"
    write_record(Layout(root).spec_json, {"schema": SCHEMA, "spec_hash": "hash", "yaml": text})
    Layout(root).spec_yaml.write_text(text)
    folder = SweepFolder(root, "hash")
    folder.note_start({})
    folder.close()
    commit(root, 1)
    commit(root, 2)


def state(root: Path) -> tuple[int, int]:
    """Newest committed snapshot, and the step that a resume restores; everything that is committed must be right."""
    with warnings.catch_warnings(record=True, action="always") as said:
        folder = SweepFolder(root, "hash")
        lanes = folder.restore(jax.tree.structure(LANE), CHECKPOINT)
        folder.close()
    assert all("torn" in str(one.message) for one in said), said
    step = int(lanes["run-0"]["step"])
    np.testing.assert_array_equal(lanes["run-0"]["weight"], np.full(3, float(step)))
    snapshots = sum(name.startswith("snapshots/") for name in folder.head.files)
    assert verify(root)[1] == [], verify(root)
    return snapshots, step


def check_snapshots(root: Path, count: int) -> None:
    for step in range(1, count + 1):
        try:
            found = flat_stored_params(root, "run-0", step)
        except Exception as error:
            if "no finished run" not in str(error):
                raise
            continue  # a snapshot of a run that has not ended is not handed out; its file has been verified
        np.testing.assert_array_equal(found["kernel"], params_at(step)["kernel"])


def in_child(work, *arguments) -> tuple[int, str]:
    """Exit status of a fork that does some work (negative for a signal), and what it raised."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        code = 0
        try:
            work(*arguments)
        except BaseException:
            SHIM.crash_disarm()
            os.write(writing, traceback.format_exc().encode()[-9000:])
            code = 9
        os._exit(code)
    os.close(writing)
    with os.fdopen(reading) as said:
        text = said.read()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), text


def is_system_error(text: str, errno: int) -> bool:
    """Whether what was raised last is what the system said: exit status 6 and a line, not a crash file."""
    return f"\nOSError: [Errno {errno}]" in text


def count_calls(root: Path, report: Path) -> None:
    SHIM.crash_arm(f"{root}/".encode(), ctypes.c_long(-1), 2, 0)
    commit(root, 3)
    report.write_text(str(SHIM.crash_count()))


def faulted(root: Path, number: int, mode: int, errno: int) -> None:
    SHIM.crash_arm(f"{root}/".encode(), ctypes.c_long(number), mode, errno)
    commit(root, 3)
    calls = SHIM.crash_count()
    SHIM.crash_disarm()
    if calls < number:
        raise TooFewCallsError(f"{calls} of {number} calls")


def check_after(root: Path, has_ended_well: bool) -> None:
    snapshots, step = state(root)
    if has_ended_well:
        assert (snapshots, step) == (3, 3), f"said nothing, and {snapshots} snapshots, step {step} are there"
    assert snapshots in (2, 3) and step in (2, 3), (snapshots, step)
    check_snapshots(root, snapshots)
    commit(root, 4)
    assert state(root) == (snapshots + 1, 4)
    left = [path.name for path in root.rglob(".*.tmp")] + [path.name for path in root.glob("checkpoints/*tmp*")]
    assert left == [], left


def main(mode: int, errno: int, first: int, every: int, place: Path) -> int:
    """Fault every `every`-th call from `first` on; gives 0 when every trial ended as it should."""
    base, counted, report = place / "base", place / "counted", place / "count"
    for work in ((begin, base), (shutil.copytree, base, counted), (count_calls, counted, report)):
        status, text = in_child(*work)
        assert status == 0, text
    calls, hits = int(report.read_text()), 0
    for number in range(first, calls + 1, every):
        root = place / "trial"
        for _ in range(ATTEMPTS):
            shutil.rmtree(root, ignore_errors=True)
            shutil.copytree(base, root)
            status, text = in_child(faulted, root, number, mode, errno)
            if TooFewCallsError.__name__ not in text:
                break
        hits += status != 0
        if status and not (status == -signal.SIGKILL if mode in (KILL, TEAR) else is_system_error(text, errno)):
            sys.stdout.write(f"call {number} of {calls} ended with {status}: {text}\n")
        status, text = in_child(check_after, root, status == 0)
        if status:
            sys.stdout.write(f"call {number} of {calls}, mode {mode}, errno {errno}: {text}\n")
    sys.stdout.write(f"faulted {hits} of {calls}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:5]), Path(sys.argv[5])))
