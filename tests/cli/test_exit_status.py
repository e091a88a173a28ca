"""Does every way a command can end have its exit status and its one line?"""

import json
import re
import signal
import time

import numpy as np
import pytest

from grokjax.store.files import read_json_lines
from tests.store.small_sweep import LANES, copied, endings, typed
from tests.store.sweeps import outcome, start

GIVE_UP = 240.0


@pytest.fixture
def sweep(small):
    return small.parent / "sweep.yaml"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--set", "optimizer.weight_decy=1"), "did you mean 'weight_decay'"),
        (("--set", "optimizr.weight_decay=1"), "did you mean 'optimizer'"),
        (("--set", "optimizer.learning_rate=abc"), "optimizer.learning_rate: expected a number"),
        (("--set", "optimizer.learning_rate=-1"), "optimizer.learning_rate"),
        (("--set", "train.steps"), "expected KEY=VALUE"),
        (("--set", "task={kind: modular_aritmetic}"), "did you mean 'modular_arithmetic'"),
        (("--lanes", "0"), "must be at least 1"),
        (("--executor", "mop"), "did you mean 'map'"),
    ],
)
def test_bad_input_gives_2_and_one_line_with_the_nearest_name(sweep, tmp_path, capsys, words, message):
    assert typed("run", sweep, "--out", tmp_path / "out", *words) == 2
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("run", "quikstart"), "did you mean 'quickstart'"),
        (("rnu", "quickstart"), "did you mean 'run'"),
        (("list", "task"), "did you mean 'tasks'"),
        (("run",), "SPEC"),
        (("reproduce", "quikstart"), "did you mean 'quickstart'"),
    ],
)
def test_an_unknown_word_gives_2_and_one_line(capsys, words, message):
    assert typed(*words) == 2
    said = capsys.readouterr().err
    assert message in said and said.count("\n") == 1


def test_an_unknown_key_of_a_file_is_named_with_its_line(sweep, tmp_path, capsys):
    bad = tmp_path / "bad.yaml"
    bad.write_text(sweep.read_text().replace("seeds: 2", "seedz: 2"))
    assert typed("run", bad, "--out", tmp_path / "out") == 2
    line = 1 + bad.read_text().splitlines().index("seedz: 2")
    said = capsys.readouterr().err
    assert f"{bad}:{line}: seedz: unknown key; did you mean 'seeds'?" in said and said.count("\n") == 1


CLAIM = "probability(grokking, weight_decay=1) > 0.5"


@pytest.mark.parametrize(
    ("that", "message"),
    [
        (CLAIM.replace("grokking", "groking"), "no phase 'groking'; nearest is 'grokking'"),
        (CLAIM.replace("=1)", "=2)"), "weight_decay=2 is no value of 'optimizer.weight_decay'; nearest is 1"),
        (CLAIM.replace("weight_decay", "weight_decy"), "'weight_decy'; nearest is 'optimizer.weight_decay'"),
        ("median(weight_norm/totl, weight_decay=1) > 5", "'weight_norm/totl'; nearest is 'weight_norm/total'"),
    ],
)
@pytest.mark.parametrize("command", ["plan", "run", "try"])
def test_a_claim_that_no_run_could_decide_gives_2_before_anything_compiles(
    sweep, tmp_path, capsys, monkeypatch, command, that, message
):
    monkeypatch.chdir(tmp_path)
    over = "\n    over: [optimizer.learning_rate]\n"
    (bad := tmp_path / "bad.yaml").write_text(f"{sweep.read_text()}claims:\n  - name: a\n    that: {that}{over}")
    line = 1 + bad.read_text().splitlines().index(f"    that: {that}")
    assert typed(command, "bad.yaml") == 2
    said = capsys.readouterr().err
    assert f"bad.yaml:{line}: claims.0.that: claim 'a': " in said and message in said and said.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["bad.yaml"]


def test_a_claim_about_what_is_measured_is_planned(sweep, tmp_path, capsys):
    that = "median(weight_norm/total, weight_decay=1) < median(weight_norm/total, weight_decay=0.1)"
    claims = f"claims: [{{name: a, that: '{that}', over: [optimizer.learning_rate]}}]\n"
    (tmp_path / "good.yaml").write_text(sweep.read_text() + claims)
    assert typed("plan", tmp_path / "good.yaml", "--no-probe") == 0


def test_no_command_gives_2(capsys):
    assert typed() == 2
    assert "COMMAND" in capsys.readouterr().out


@pytest.mark.parametrize("device", ["gpu", "cpu:9", "cpu:x", "nonsense"])
def test_a_missing_device_gives_6(sweep, tmp_path, capsys, device):
    assert typed("run", sweep, "--out", tmp_path / "out", "--device", device) == 6
    said = capsys.readouterr().err
    assert f"--device {device}" in said and said.count("\n") == 1


def test_a_finished_sweep_run_again_gives_0_and_trains_nothing(small, sweep, tmp_path, capsys):
    root = copied(small, tmp_path)
    began = time.monotonic()
    assert typed("run", sweep, "--out", root) == 0
    assert time.monotonic() - began < 15
    assert "12/12 done" in capsys.readouterr().err
    assert outcome(root) == outcome(small) and endings(root) == endings(small)
    assert (root / "live.json").read_bytes() == (small / "live.json").read_bytes()


def test_another_sweep_in_the_folder_gives_5_with_the_difference(small, sweep, capsys):
    assert typed("run", sweep, "--out", small, "--set", "optimizer.b2=0.999") == 5
    said = capsys.readouterr().err
    assert "b2: 0.98" in said and "b2: 0.999" in said
    assert typed("run", sweep, "--out", small.parent) == 5  # not empty, and no sweep


def test_a_time_limit_gives_75_and_the_same_command_resumes(small, sweep, tmp_path, capsys):
    root = tmp_path / "out"
    assert typed("run", sweep, "--out", root, *LANES, "--max-seconds", "0.001") == 75
    assert "the same command resumes" in capsys.readouterr().err
    first = endings(root)
    assert 0 < len(first) < 12 and list((root / "checkpoints").glob("*.sums.json"))
    assert typed("run", sweep, "--out", root, *LANES) == 0
    last = capsys.readouterr().err.strip().splitlines()[-1]  # phases of runs that ended before are counted too
    assert "12/12 done" in last and sum(map(int, re.findall(r"[A-Z] (\d+)", last))) == 12
    assert len(endings(root)) == len(set(endings(root))) == 12 and endings(root)[: len(first)] == first
    assert outcome(root) == outcome(small)


def test_diverged_runs_give_3_when_asked_for_also_when_nothing_is_left_to_train(small, sweep, tmp_path, capsys):
    root = tmp_path / "out"
    assert typed("run", sweep, "--out", root, *LANES, "--max-seconds", "0.001", "--fail-on-diverged") == 75
    assert typed("run", sweep, "--out", root, *LANES, "--fail-on-diverged") == 3
    assert "6 runs diverged" in capsys.readouterr().err
    assert typed("run", sweep, "--out", root, *LANES, "--fail-on-diverged") == 3
    assert outcome(root) == outcome(small)  # the other runs are not touched by it


def training(root, process):
    """Wait until a process trains in a folder."""
    began = time.monotonic()
    while process.poll() is None:
        assert time.monotonic() - began < GIVE_UP
        try:
            live = json.loads((root / "live.json").read_text())
        except (OSError, ValueError):
            live = {}
        if live.get("stage") == "training" and live.get("run_steps_per_second"):
            return
        time.sleep(0.02)
    raise AssertionError(process.communicate()[1])


def ended(process):
    """Make sure that a process is gone, whatever the test found."""
    process.kill()
    process.communicate()


def steps_of(root):
    """Steps that the runs in a lane had done at the newest save."""
    with np.load(root / "live.npz") as arrays:
        return dict(zip(arrays["run_id"].tolist(), arrays["final_step"].tolist(), strict=True))


def test_signals_and_the_lock(sweep, tmp_path, capsys):
    root = tmp_path / "out"
    words = ("run", sweep, "--out", root, *LANES, "--set", "train.steps=3000000", "--set", "weights=1000000")
    first = start(*words)
    try:
        training(root, first)
        assert typed(*words) == 4
        assert f'"pid": {first.pid}' in capsys.readouterr().err
        assert typed("extend", root, "--seeds", "3") == 4
        capsys.readouterr()
        assert typed("status", root, "--json") == 0
        status = json.loads(capsys.readouterr().out)
        assert status["stage"] == "training" and status["running"] == 4
        first.send_signal(signal.SIGTERM)
        _, said = first.communicate(timeout=GIVE_UP)
        assert first.returncode == 75 and "stopped (SIGTERM); the same command resumes" in said
    finally:
        ended(first)
    reached = steps_of(root)
    assert max(reached.values()) > 0 and list((root / "checkpoints").glob("*.sums.json"))
    second = start(*words)
    try:
        training(root, second)
        second.send_signal(signal.SIGINT)
        _, said = second.communicate(timeout=GIVE_UP)
        assert second.returncode == 130 and "stopped (SIGINT); the same command resumes" in said
    finally:
        ended(second)
    now = steps_of(root)
    assert set(reached) <= set(now) | set(endings(root))
    assert all(now[name] > steps for name, steps in reached.items() if name in now)  # it went on, not from zero
    assert [event["event"] for event in read_json_lines(root / "events.jsonl")].count("started") == 2


def test_a_bug_gives_1_and_a_crash_file(small, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("grokjax.results.status.status", lambda root: 1 / 0)
    assert typed("status", small) == 1
    (crash,) = tmp_path.glob("grokjax-crash-*.txt")
    assert "ZeroDivisionError" in crash.read_text() and crash.name in capsys.readouterr().err
