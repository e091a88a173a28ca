"""Is what a sweep takes on disk known before it is trained, whatever it writes?"""

import json
import shutil
import subprocess
import types

import pytest

from tests.store.small_sweep import typed

SWEEP = """
name: disk
task: {kind: modular_arithmetic, operation: x+y, modulus: 7}
model: {kind: mlp, activation: square, width: 200}
optimizer: {kind: adamw, learning_rate: 1.0e-2}
train: {steps: 200}
seeds: 4
"""
RUNS = 4
PARAMS = 2 * 7 * 200 + 200 * 7
ARRAYS = "measure: {every: 2, what: [fit, weight_norm, './wide.py:wide']}\n"
WIDE = """
import jax.numpy as jnp

def wide(view):
    return {"all": jnp.sin(jnp.arange(500.0) + view.params["output"]["kernel"][0, 0])}
"""


def planned(path, capsys):
    capsys.readouterr()
    assert typed("plan", path, "--json", "--no-probe", "--lanes", 2) == 0
    return json.loads(capsys.readouterr().out)


def on_disk(folder):
    """Bytes of the blocks that a folder takes."""
    counted = subprocess.run(["du", "-s", "--block-size=1", folder], capture_output=True, text=True, check=True)
    return int(counted.stdout.split()[0])


@pytest.mark.parametrize("more", ["", "weights: 2\n", ARRAYS], ids=["plain", "snapshots", "arrays"])
def test_a_folder_takes_what_the_plan_says(more, tmp_path, capsys):
    (tmp_path / "wide.py").write_text(WIDE)
    (tmp_path / "sweep.yaml").write_text(SWEEP + more)
    told = planned(tmp_path / "sweep.yaml", capsys)
    assert typed("run", tmp_path / "sweep.yaml", "--out", tmp_path / "out", "--lanes", 2) == 0
    taken = on_disk(tmp_path / "out")
    assert taken <= told["disk_bytes"] <= 1.3 * taken
    assert told["disk_bytes"] == sum(size for kind, size in told["disk"].items() if kind != "saves")


def test_every_kind_of_output_is_counted_by_what_it_holds(tmp_path, capsys):
    (tmp_path / "wide.py").write_text(WIDE)
    (tmp_path / "plain.yaml").write_text(SWEEP)
    (tmp_path / "more.yaml").write_text(SWEEP + "weights: 2\n" + ARRAYS)
    plain, more = (planned(tmp_path / f"{name}.yaml", capsys)["disk"] for name in ("plain", "more"))
    assert plain["snapshots"] == 0
    assert more["snapshots"] == pytest.approx(RUNS * 101 * PARAMS * 4, rel=0.02)  # steps 0, 2, ..., 200
    assert more["weights"] == pytest.approx(RUNS * 3 * PARAMS * 4, rel=0.2)  # parameters and two moments of Adam
    arrays = RUNS * 101 * 500 * 4
    assert more["history"] - plain["history"] > arrays and more["dataset"] - plain["dataset"] > arrays
    assert plain["saves"] > 3 * RUNS * 3 * PARAMS * 4


def test_snapshots_that_the_disk_cannot_hold_are_refused_before_training(tmp_path, capsys, monkeypatch):
    (tmp_path / "sweep.yaml").write_text(SWEEP + "weights: 2\n")
    told = planned(tmp_path / "sweep.yaml", capsys)["disk"]
    room = sum(told.values()) - told["snapshots"] // 2
    monkeypatch.setattr(shutil, "disk_usage", lambda path: types.SimpleNamespace(free=room))
    assert typed("run", tmp_path / "sweep.yaml", "--out", tmp_path / "out", "--lanes", 2) == 6
    said = capsys.readouterr().err
    assert "4 runs need " in said and " are free" in said and "keep weights less often" in said
    assert not (tmp_path / "out/runs").exists() or not list((tmp_path / "out/runs").iterdir())
