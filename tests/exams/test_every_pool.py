"""On a CPU, do the bits of every optimizer and regularizer stay the same whatever the number of threads and devices?"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


def start(how: str, devices: int, threads: int) -> subprocess.Popen:
    """A process with so many devices and threads that prints a checksum for each part."""
    pools = {"JAX_NUM_CPU_DEVICES": str(devices), "NPROC": str(threads), "JAX_PLATFORMS": "cpu"}
    command = [sys.executable, "-m", "tests.exams.digests_of_parts", how]
    return subprocess.Popen(command, cwd=ROOT, env={**os.environ, **pools}, stdout=subprocess.PIPE, text=True)


@pytest.mark.parametrize("how", ["alone", pytest.param("engine", marks=pytest.mark.slow)])
def test_no_bit_of_a_part_depends_on_the_pool(how):
    processes = [start(how, devices=2, threads=2), start(how, devices=4, threads=16)]
    few, many = (process.communicate(timeout=1200)[0].splitlines() for process in processes)
    assert [process.returncode for process in processes] == [0, 0]
    different = {line.split()[1] for line in few}
    assert len(few) > 10 and len(different) >= len(few) - 1  # no gradient of the engine's run is long enough for `clip`
    assert few == many
