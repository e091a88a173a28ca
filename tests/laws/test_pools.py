"""On a CPU a run's bits depend neither on the number of devices and lanes nor on threads: sums go block by block."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.laws.pool_digest import WIDE

ROOT = Path(__file__).parents[2]


def digests(
    devices: int | None,
    threads: int | None,
    lanes: int = 1,
    pin: bool = False,
    is_measured: bool = False,
    wide: str | None = None,
) -> str:
    """Checksums of runs trained by a process with so many devices and threads; None: as a sweep."""
    chosen = {"JAX_NUM_CPU_DEVICES": devices, "NPROC": threads, "OPENBLAS_NUM_THREADS": threads}
    environment = {name: value for name, value in os.environ.items() if name not in chosen}
    words = [word for word, is_said in (("pinned", pin), ("measured", is_measured)) if is_said]
    words += ["wide", wide] if wide else []
    command = [sys.executable, "-m", "tests.laws.pool_digest", str(lanes), *words]
    process = subprocess.run(
        command,
        cwd=ROOT,
        env={**environment, **{name: str(value) for name, value in chosen.items() if value}, "JAX_PLATFORMS": "cpu"},
        capture_output=True,
        text=True,
        timeout=600,
    )
    assert process.returncode == 0, process.stderr
    return process.stdout


@pytest.fixture(scope="module")
def reference() -> str:
    found = digests(devices=2, threads=2)
    assert len(found.split()) == 3 and len(set(found.split())) == 3
    return found


def test_four_devices_and_sixteen_threads_change_no_bit(reference: str) -> None:
    assert digests(devices=4, threads=16, lanes=3) == reference


def test_a_machine_of_one_core_changes_no_bit(reference: str) -> None:
    assert digests(None, None, pin=True) == reference


@pytest.mark.parametrize("name", ["fewer classes than units", "a block of 256 examples, 193 units"])
def test_sixteen_threads_change_no_bit_of_a_network_with_many_classes_or_examples(name: str) -> None:
    assert digests(devices=2, threads=2, wide=name) == digests(devices=1, threads=16, wide=name)


@pytest.mark.slow
@pytest.mark.parametrize("name", WIDE)
def test_sixteen_threads_change_no_bit_of_any_such_network(name: str) -> None:
    assert digests(devices=2, threads=2, wide=name) == digests(devices=1, threads=16, wide=name)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("devices", "threads", "pin"),
    [(1, 2, False), (1, 16, False), (2, 1, False), (2, 16, False), (2, 2, True)],
)
def test_devices_threads_and_pinning_change_no_bit(devices: int, threads: int, pin: bool, reference: str) -> None:
    assert digests(devices, threads, pin=pin) == reference


@pytest.mark.slow
def test_devices_threads_and_pinning_change_no_bit_of_any_measure() -> None:
    reference = digests(devices=2, threads=2, is_measured=True)
    assert digests(devices=4, threads=16, lanes=3, is_measured=True) == reference
    assert digests(None, None, pin=True, is_measured=True) == reference
