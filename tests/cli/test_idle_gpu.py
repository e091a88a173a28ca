"""An NVIDIA GPU that JAX does not use: refused in the first line, unless the CPU is what was asked for."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from grokjax.train.devices import has_idle_gpu
from tests.store.small_sweep import typed


@pytest.fixture
def machine(tmp_path):
    """Environment of a machine whose driver lists a GPU while JAX is installed for the CPU only."""
    tool = tmp_path / "bin" / "nvidia-smi"
    tool.parent.mkdir()
    tool.write_text("#!/bin/sh\necho 'GPU 0: NVIDIA H100 (UUID: GPU-0)'\n")
    tool.chmod(0o755)
    found = {name: value for name, value in os.environ.items() if name not in ("JAX_PLATFORMS", "CUDA_VISIBLE_DEVICES")}
    return found | {"PATH": f"{tool.parent}{os.pathsep}{os.environ['PATH']}"}


def answered(machine, *words):
    command = [sys.executable, "-m", "grokjax", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, env=machine, check=False)
    return done.returncode, done.stderr.splitlines()


only_cpu = pytest.mark.skipif(os.environ.get("JAX_PLATFORMS") != "cpu", reason="asks what happens with a JAX of CPUs")


@only_cpu
def test_a_gpu_that_is_not_used_is_refused_in_the_first_line_unless_the_cpu_is_meant(machine, tmp_path):
    status, said = answered(machine, "run", "quickstart", "--out", tmp_path / "out")
    assert status == 6 and said[0].startswith("grokjax: error: an NVIDIA GPU is here, but JAX runs on the CPU")
    assert "--device cpu" in said[0] and len(said) == 1 and not (tmp_path / "out").exists()
    assert answered(machine, "plan", "quickstart", "--no-probe", "--device", "cpu") == (0, [])


@only_cpu
def test_where_the_environment_asks_for_the_cpu_the_gpu_is_said_first_of_all(machine, monkeypatch, capsys):
    monkeypatch.setenv("PATH", machine["PATH"])
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert typed("plan", "quickstart", "--no-probe") == 0
    assert capsys.readouterr().err.startswith("grokjax: WARNING: an NVIDIA GPU is here")


@only_cpu
def test_a_gpu_that_is_hidden_or_broken_is_none(machine, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", machine["PATH"])
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    assert has_idle_gpu(None) and not has_idle_gpu("cpu")
    with monkeypatch.context() as patch:
        patch.setenv("CUDA_VISIBLE_DEVICES", "")
        assert not has_idle_gpu(None)
    if not Path("/dev/nvidia0").exists():
        (tmp_path / "bin" / "nvidia-smi").write_text("#!/bin/sh\necho 'NVIDIA-SMI has failed'\nexit 9\n")
        assert not has_idle_gpu(None)
