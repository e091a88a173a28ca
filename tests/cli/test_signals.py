"""Does a signal end the process within seconds, also while XLA compiles, and is what was trained kept?"""

import os
import signal
import subprocess
import sys
import time

import pytest

from grokjax.cli.signals import Signals
from grokjax.store.files import read_json_lines, read_record
from grokjax.train.stop import Stop, aside
from tests.store.small_sweep import endings

SECONDS = 10.0  # of a machine that others use too; compilation takes several times as long
LONG_COMPILATION = """
name: slow
task: {kind: modular_arithmetic, operation: x+y, modulus: 23, sequence: x op y =}
model: {kind: transformer, preset: danielmamay, layers: 6, width: 40, heads: 4}
optimizer: {kind: adamw, learning_rate: 1.0e-3, weight_decay: 1}
train: {steps: 200, minibatch: 128}
"""


def start(folder, *words, launcher=(), **environment):
    """`grokjax WORDS` with a compilation cache of its own, so that everything is compiled."""
    environment = {**os.environ, "XDG_CACHE_HOME": str(folder / "cache"), **environment}
    command = [*launcher, sys.executable, "-m", "grokjax", *map(str, words)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True, env=environment)


def answered(process, number):
    """Exit status, seconds until it, and what was said."""
    began = time.monotonic()
    process.send_signal(number)
    try:
        _, said = process.communicate(timeout=10 * SECONDS)
    finally:
        process.kill()
    return process.returncode, time.monotonic() - began, said


def wait_for(process, is_there):
    while not is_there():
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.1)


@pytest.mark.slow
@pytest.mark.parametrize(("number", "status"), [(signal.SIGTERM, 75), (signal.SIGINT, 130)])
def test_a_signal_while_xla_compiles_is_obeyed_within_seconds(number, status, tmp_path):
    (tmp_path / "slow.yaml").write_text(LONG_COMPILATION)
    root = tmp_path / "out"
    process = start(tmp_path, "run", tmp_path / "slow.yaml", "--out", root)
    wait_for(process, (root / "live.json").exists)
    time.sleep(6)  # traced by then
    code, seconds, said = answered(process, number)
    assert code == status and seconds < SECONDS
    assert f"stopped ({number.name}); the same command resumes" in said
    assert read_record(root / "live.json")["stage"] == "stopped"
    assert [event["event"] for event in read_json_lines(root / "events.jsonl")] == ["started"]  # nothing was compiled


@pytest.mark.slow
def test_runs_of_an_earlier_cohort_are_kept_when_the_next_one_is_left_compiling(tmp_path):
    (tmp_path / "two.yaml").write_text(LONG_COMPILATION + "axes: {model.layers: [1, 6]}\n")
    root = tmp_path / "out"
    process = start(tmp_path, "run", tmp_path / "two.yaml", "--out", root)
    wait_for(process, lambda: root.exists() and endings(root))
    time.sleep(2)
    code, seconds, _ = answered(process, signal.SIGTERM)
    assert code == 75 and seconds < SECONDS and len(endings(root)) == 1


@pytest.mark.slow
@pytest.mark.parametrize("command", ["plan", "try"])
def test_a_plan_and_a_try_are_left_while_xla_compiles(command, tmp_path):
    (tmp_path / "slow.yaml").write_text(LONG_COMPILATION)
    process = start(tmp_path, command, tmp_path / "slow.yaml")
    time.sleep(12)
    code, seconds, said = answered(process, signal.SIGTERM)
    assert code == 75 and seconds < SECONDS and said.endswith("grokjax: stopped (SIGTERM).\n")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGHUP, signal.SIGXCPU])
def test_every_signal_of_a_cluster_is_noted_while_lanes_are_trained_and_raised_elsewhere(number):
    with Signals() as signals:
        signals.enter("training")
        os.kill(os.getpid(), number)
        assert signals.received == number.name
        with pytest.raises(Stop, match=number.name):
            signals.enter("consolidating")  # it came after the last segment had been read
    with Signals(), pytest.raises(Stop, match=number.name):
        os.kill(os.getpid(), number)


def test_a_second_signal_does_not_disturb_the_end_that_the_first_one_began():
    with Signals() as signals:
        with pytest.raises(Stop):
            os.kill(os.getpid(), signal.SIGTERM)
        os.kill(os.getpid(), signal.SIGTERM)
        assert signals.received == "SIGTERM"


def test_under_nohup_sighup_stays_ignored():
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with Signals() as signals:
            os.kill(os.getpid(), signal.SIGHUP)
        assert signals.received is None and signal.getsignal(signal.SIGHUP) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGHUP, before)


def test_who_waits_for_work_aside_leaves_it_behind():
    began = time.monotonic()
    with Signals(), pytest.raises(Stop):
        aside([lambda: (os.kill(os.getpid(), signal.SIGTERM), time.sleep(2))])
    assert time.monotonic() - began < 1.5
