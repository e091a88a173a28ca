"""One sweep in workers of Ray: real processes that are killed, frozen and added while it trains.

Truth is the same sweep trained by one process: table and history must be equal byte for byte, whatever happens.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.drive.trained_alone import PATIENCE, SWEEP, Sweep, awaited, events, grokjax

pytest.importorskip("ray", reason="Ray is not installed (pip install 'grokjax[ray]')")


@pytest.fixture(scope="module")
def short(tmp_path_factory):
    return Sweep(tmp_path_factory.mktemp("short"), steps=20_000, seeds=3)


@pytest.fixture(scope="module")
def long(tmp_path_factory):
    return Sweep(tmp_path_factory.mktemp("long"), steps=80_000, seeds=6)


@contextlib.contextmanager
def cluster():
    """`ray_cluster.py`: gives its address, and a function that tells it something and waits for its answer."""
    script = Path(__file__).parent / "ray_cluster.py"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, str(script)], **pipes) as process:

        def tell(line):
            process.stdin.write(f"{line}\n")
            process.stdin.flush()
            return process.stdout.readline().strip()

        try:
            yield process.stdout.readline().strip(), tell
        finally:
            process.communicate("end\n", timeout=PATIENCE)


def test_two_workers_one_of_them_killed_give_the_bytes_of_one_process(short):
    process = short.start("killed", "--workers", "ray:2")
    (first,) = awaited(short.folder / "killed", "worker", 1, process)
    os.kill(first["pid"], signal.SIGKILL)
    assert process.wait(PATIENCE) == 0, short.said("killed")
    assert f"process {first['pid']}" in short.said("killed")
    assert short.differences("killed") == []
    lost = events(short.folder / "killed", "worker_lost")
    assert len(lost) == 1
    assert "go back to the queue" in lost[0]["what"]


@pytest.mark.slow
def test_workers_of_its_own_are_started_also_where_a_cluster_runs(short, monkeypatch):
    with cluster() as (address, _):
        monkeypatch.setenv("RAY_ADDRESS", address)
        assert short.start("beside", "--workers", "ray:2").wait(PATIENCE) == 0, short.said("beside")
    assert short.differences("beside") == []


@pytest.mark.slow
def test_a_frozen_worker_is_given_up_and_ended(long):
    process = long.start("frozen", "--workers", "ray:2", "--worker-patience", "10")
    _, second = awaited(long.folder / "frozen", "worker", 2, process)
    os.kill(second["pid"], signal.SIGSTOP)
    assert process.wait(PATIENCE) == 0, long.said("frozen")
    assert "has not answered for" in long.said("frozen")
    assert long.differences("frozen") == []
    with pytest.raises(ProcessLookupError):
        os.kill(second["pid"], 0)


@pytest.mark.slow
@pytest.mark.parametrize("then", [["--workers", "ray:3"], []], ids=["three workers", "one process"])
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["killed", "stopped"])
def test_a_coordinator_that_ends_is_resumed_with_another_number_of_workers(long, number, then):
    name = f"coordinator-{number.name}-{len(then)}"
    process = long.start(name, "--workers", "ray:2", "--save-seconds", "1")
    workers = awaited(long.folder / name, "worker", 2, process)
    awaited(long.folder / name, "saved", 1, process)
    process.send_signal(number)
    assert process.wait(PATIENCE) == (75 if number == signal.SIGTERM else -9)
    until = time.monotonic() + 60
    while any(Path(f"/proc/{worker['pid']}").exists() for worker in workers):
        assert time.monotonic() < until, "a worker outlives its coordinator"
        time.sleep(0.1)
    assert long.start(name, *then).wait(PATIENCE) == 0, long.said(name)
    assert long.differences(name) == []


@pytest.mark.slow
def test_a_node_that_joins_trains_and_one_that_goes_loses_nothing(long):
    with cluster() as (address, tell):
        assert tell("add 1") == "0"
        process = long.start("nodes", "--workers", f"ray:{address}")
        awaited(long.folder / "nodes", "worker", 1, process)
        assert tell("add 1") == "1"
        awaited(long.folder / "nodes", "worker", 2, process)
        assert tell("remove 0") == "removed"
        assert process.wait(PATIENCE) == 0, long.said("nodes")
    assert len(events(long.folder / "nodes", "worker_lost")) == 1
    assert long.differences("nodes") == []


@pytest.mark.slow
def test_a_sweep_without_a_place_for_a_worker_is_refused_and_says_what_is_missing(long):
    with cluster() as (address, _):
        process = long.start("nowhere", "--workers", f"ray:{address}", "--worker-patience", "15")
        assert process.wait(PATIENCE) == 6
    assert "each needs 1 CPU; the cluster has 0" in long.said("nowhere")
    assert not (long.folder / "nowhere" / "runs").exists()


@pytest.mark.slow
def test_a_run_that_ends_its_workers_fails_alone_and_the_others_are_trained(tmp_path):
    measure = Path(__file__).parent / "deadly.py"
    text = SWEEP.replace("weight_norm]", f'{{{{kind: "{measure}:deadly"}}}}]')
    text = text.replace("axes: {{optimizer.weight_decay: [0.1, 1, 3]}}", "axes: {{model.init_scale: [1, 1000]}}")
    file = tmp_path / "sweep.yaml"
    file.write_text(text.format(steps=20_000, seeds=2))
    with (tmp_path / "log").open("w") as log:
        process = grokjax("run", file, "--out", tmp_path / "runs", "--workers", "ray:2", stderr=log)
    assert process.wait(PATIENCE) == 7
    said = (tmp_path / "log").read_text()
    assert "2 runs failed: their workers died with them" in said
    assert len(events(tmp_path / "runs", "failed")) == 2
    assert len(events(tmp_path / "runs", "ended")) == 2
    status = subprocess.run(
        [sys.executable, "-m", "grokjax", "status", str(tmp_path / "runs"), "--json"], capture_output=True, text=True
    )
    assert json.loads(status.stdout)["done"] == 2
