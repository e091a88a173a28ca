"""Does every question run, at a scale at which its numbers say nothing?"""

import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.rig.processes import ROOT
from benchmarks.rig.work import ADAM_WORDS, work_of
from benchmarks.rig.workloads import WORKLOADS


def ask(question, *options):
    command = [sys.executable, "-m", f"benchmarks.{question}", *options]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True)


def test_products_are_counted_as_on_paper(tmp_path):
    # 3763 examples through 256 x 256 and 256 x 97, forward and the gradients of both inputs of each product
    products = [(3763, 256, 256), (3763, 256, 97)]
    work = work_of(WORKLOADS["W2"].with_form(tmp_path, "plain"))
    assert work.flops == sum(3 * 2 * rows * inner * outer for rows, inner, outer in products)
    params = 2 * 97 * 128 + 256 * 256 + 256 + 256 * 97 + 97
    moved = sum(4 * 3 * (rows * inner + inner * outer + rows * outer) for rows, inner, outer in products)
    assert work.bytes == moved + 4 * ADAM_WORDS * params


def test_the_question_about_gpus_refuses_a_machine_without_one():
    done = ask("gpu")
    assert done.returncode == 6 and "JAX sees no accelerator here" in done.stderr


def test_the_question_about_gpus_runs_on_a_cpu_when_told_to():
    small = ["--matrix", "64", "--megabytes", "1", "--rounds", "1", "--seconds", "0.05", "--lanes", "1,4"]
    done = ask("gpu", "--device", "cpu", "--workloads", "tiny", "--matmul", "highest", *small)
    assert done.returncode == 0, done.stderr
    assert "tiny highest  R = 4" in done.stdout and "of the roofline" in done.stdout


def short_map(folder: Path) -> str:
    text = (ROOT / "benchmarks/specs/m1.yaml").read_text()
    path = folder / "short.yaml"
    path.write_text(text.replace("steps: 3000", "steps: 10").replace("seeds: 8", "seeds: 1"))
    return str(path)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("question", "options", "says"),
    [
        ("refill", ["--executors", "map,vmap", "--together", "4"], "occupancy until the queue is empty"),
        ("second_launch", [], "second launch: "),
    ],
)
def test_a_question_about_a_map_runs(question, options, says, tmp_path):
    done = ask(question, "--spec", short_map(tmp_path), *options)
    assert done.returncode == 0 and says in done.stdout, done.stderr


@pytest.mark.slow
def test_a_second_launch_compiles_nothing(tmp_path):
    done = ask("second_launch", "--spec", short_map(tmp_path))
    assert " 0 cache misses" in done.stdout.splitlines()[-1], done.stdout + done.stderr


@pytest.mark.slow
def test_the_question_about_overhead_runs():
    done = ask("overhead", "--workload", "tiny", "--seeds", "2", "--steps", "50", "--rounds", "1")
    assert done.returncode == 0 and "measuring, store and checkpoints: " in done.stdout, done.stderr


@pytest.mark.slow
def test_the_question_about_arithmetic_runs():
    done = ask("arithmetic", "--workloads", "tiny", "--rounds", "1", "--seconds", "0.1", "--matrix", "100")
    assert done.returncode == 0 and "of the peak of" in done.stdout, done.stderr


@pytest.mark.slow
def test_the_question_about_memory_runs():
    done = ask("memory", "--workloads", "tiny", "--lanes", "1,2", "--steps", "50")
    assert done.returncode == 0 and len(done.stdout.splitlines()) == 5, done.stderr
