"""A writer that commits step after step, killed at random moments, again and again in one folder.

Run as `python -m tests.store.random_kills COUNT SEED FOLDER`; prints what went wrong, then `killed COUNT`.
"""

import os
import random
import signal
import sys
import time
from pathlib import Path

import numpy as np

from grokjax.store.files import bytes_to_arrays
from grokjax.store.head import read_head
from grokjax.store.layout import Layout
from tests.store.crash_points import begin, commit, in_child, params_at, state

LONGEST = 0.6  # seconds until a kill; a commit takes about a fifth of it


def killed_after(root: Path, seconds: float) -> int:
    """Commit in a child that is killed after a time; gives the last step that it said is committed, 0 for none."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        step = max(state(root))
        while True:
            step += 1
            commit(root, step)
            os.write(writing, step.to_bytes(4, "big"))
    os.close(writing)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    with os.fdopen(reading, "rb") as said:
        return int.from_bytes(said.read()[-4:], "big")


def check(root: Path, acknowledged: int) -> None:
    """Every committed step is there, once, bit for bit; what was said to be committed among them."""
    snapshots, step = state(root)
    assert acknowledged <= step <= snapshots, f"step {acknowledged} was committed, and {step} is what is left"
    head, _ = read_head(Layout(root))
    assert head is not None
    packed = [bytes_to_arrays((root / name).read_bytes()) for name in head.files if name.startswith("snapshots/")]
    held = {int(arrays["step"][0]): arrays["params/kernel"][0] for arrays in packed}
    assert len(packed) == snapshots and sorted(held) == list(range(1, snapshots + 1)), sorted(held)
    for number, kernel in held.items():
        np.testing.assert_array_equal(kernel, params_at(number)["kernel"])


def main(count: int, seed: int, place: Path) -> int:
    """Kill `count` times; gives 0."""
    root, draw, acknowledged = place / "killed", random.Random(seed), 0
    status, text = in_child(begin, root)
    assert status == 0, text
    for number in range(1, count + 1):
        acknowledged = max(acknowledged, killed_after(root, draw.uniform(0.0, LONGEST)))
        status, text = in_child(check, root, acknowledged)
        if status:
            sys.stdout.write(f"kill {number}: {text}\n")
    assert acknowledged > count / 4, "hardly anything was committed between the kills"
    sys.stdout.write(f"killed {count}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:3]), Path(sys.argv[3])))
