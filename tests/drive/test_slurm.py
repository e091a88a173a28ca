"""The job scripts of docs/recipes/cluster.md, taken from the page, on a Slurm of two nodes that runs here.

Truth is the same sweep trained by one process: table and history must be equal byte for byte, also where Slurm stops a
job in the middle and starts it again. The nodes are two for Slurm and for Ray: each has its own address and processes.
"""

import os
import re
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.drive.slurm_nodes import slurm, why_not
from tests.drive.trained_alone import PATIENCE, Sweep, awaited, ended, events, grokjax

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/recipes/cluster.md").read_text()
LONG = 4 * PATIENCE
"""Seconds for a job that is started twice, where the nodes that lose Ray wait a minute until they end."""
pytestmark = [pytest.mark.slow, pytest.mark.skipif(bool(why_not()), reason=f"no Slurm can run here: {why_not()}")]


@pytest.fixture(scope="module")
def sweep(tmp_path_factory):
    return Sweep(tmp_path_factory.mktemp("sweep"), steps=50_000, seeds=4)


@pytest.fixture(scope="module")
def nodes(sweep):
    """Slurm, whose jobs find the `grokjax` and `ray` of this Python."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
        patch.setenv("PYTHONPATH", str(ROOT))
        with slurm(sweep.folder, ROOT) as started:
            yield started


def recipe(heading, **replaced):
    """The first script below a heading of the page, with other sizes."""
    script = re.search(rf"\n##* {re.escape(heading)}\n.*?```bash\n(.*?)```", f"\n{PAGE}", re.DOTALL)[1]
    for old, new in replaced.items():
        assert old in script, f"the script has no {old}"
        script = script.replace(old, new)
    return script


class Queued:
    """A job of a sweep: a script of the page that trains into `results/sweep`, in a folder of its own."""

    def __init__(self, nodes, sweep, name, script):
        self.nodes, self.folder = nodes, sweep.folder / name
        self.folder.mkdir()
        (self.folder / "sweep.yaml").write_bytes(sweep.file.read_bytes())
        self.results = self.folder / "results/sweep"
        self.number = nodes.submit(self.folder, script)

    def poll(self):
        """States of its tasks once all have ended, else None; one that Slurm lets wait two minutes begins at once."""
        tasks = self.nodes.tasks(self.number)
        for task in tasks:
            if task["JobState"] == "PENDING" and task["Reason"] == "BeginTime":
                self.nodes.ask("scontrol", "update", f"JobId={task['JobId']}", "StartTime=now")
        self.returncode = sorted(f"{task['JobState']} {task['ExitCode']}" for task in tasks)
        are_over = all(task["JobState"] in ("COMPLETED", "FAILED", "TIMEOUT", "CANCELLED") for task in tasks)
        return self.returncode if are_over else None

    def wait(self, until=lambda: False):
        """As `poll`, awaited, or until something else is the case."""
        last = time.monotonic() + LONG
        while time.monotonic() < last:
            if self.poll() or until():
                return self.returncode
            time.sleep(0.5)
        raise AssertionError(f"{self.returncode} after {LONG} s: {self.said()}")

    def restarts(self):
        """How often each task was started again."""
        return sorted(int(task["Restarts"]) for task in self.nodes.tasks(self.number))

    def said(self):
        """What its tasks have written."""
        return "\n".join(path.read_text() for path in sorted(self.folder.glob("slurm-*.out")))


def test_a_job_told_that_its_time_is_over_queues_itself_again_and_ends(nodes, sweep):
    job = Queued(nodes, sweep, "one", recipe("On a cluster"))
    awaited(job.results, "ended", 1, job)
    nodes.ask("scancel", "--signal=USR1", job.number)  # whom --signal=USR1@120 signals: what srun has started
    assert job.wait() == ["COMPLETED 0:0"], job.said()
    assert job.restarts() == [1]
    assert len(events(job.results, "started")) == 2
    assert sweep.differences("one/results/sweep") == []


def test_an_array_of_shards_one_of_them_requeued_is_merged_to_the_bytes_of_one_process(nodes, sweep):
    job = Queued(nodes, sweep, "array", recipe("Several jobs"))
    awaited(job.results / "1", "ended", 1, job)
    nodes.ask("scontrol", "requeue", f"{job.number}_1")
    assert job.wait() == ["COMPLETED 0:0"] * 4, job.said()
    assert job.restarts() == [0, 0, 0, 1]
    assert len(events(job.results / "1", "started")) == 2
    assert {task["NodeList"] for task in nodes.tasks(job.number)} == {"n1", "n2"}
    merged = grokjax("merge", *job.results.iterdir(), "--out", job.folder / "merged", stderr=subprocess.PIPE)
    status, said = ended(merged)
    assert status == 0, said
    assert sweep.differences("array/merged") == []


SIZES = {"--nodes=4": "--nodes=2", " --gpus-per-node=8": ""}


def test_a_job_of_two_nodes_whose_time_is_over_queues_itself_again(nodes, sweep):
    pytest.importorskip("ray", reason="Ray is not installed (pip install 'grokjax[ray]')")
    job = Queued(nodes, sweep, "symmetric", recipe("Slurm, several nodes", **SIZES, **{"13800": "1"}))
    job.wait(until=lambda: job.restarts() == [1])
    nodes.ask("scancel", job.number)
    assert job.restarts() == [1], job.said()
    assert "stopped (max-seconds)" in job.said()


def test_a_job_of_two_nodes_that_slurm_requeues_resumes(nodes, sweep):
    pytest.importorskip("ray", reason="Ray is not installed (pip install 'grokjax[ray]')")
    job = Queued(nodes, sweep, "requeued", recipe("Slurm, several nodes", **SIZES))
    awaited(job.results, "ended", 1, job)
    nodes.ask("scontrol", "requeue", job.number)
    assert job.wait() == ["COMPLETED 0:0"], job.said()
    assert job.restarts() == [1]
    assert len(events(job.results, "started")) == 2
    assert sweep.differences("requeued/results/sweep") == []
