"""Does the check of accelerator programs see what it must refuse? Shown on programs for the devices that are here."""

import json
import subprocess

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks import check_accelerators
from benchmarks.rig.described import TPUS
from benchmarks.rig.processes import ROOT
from benchmarks.rig.records import RECORDS
from benchmarks.rig.workloads import WORKLOADS
from grokjax.orders.order import grid_orders
from grokjax.plan.cohorts import find_cohorts
from grokjax.plan.plan import make_plan

LANES = jax.ShapeDtypeStruct((8, 4), np.float32)


def judged(function, *shapes, name="segment", **options):
    row = check_accelerators._judged(name, jax.jit(function, **options).lower(*(shapes or (LANES,))), "float32")
    return check_accelerators.refusals(row, has_epochs=False)


def test_a_program_that_writes_over_what_it_was_given_is_good():
    assert judged(lambda lanes: lanes * 2, donate_argnums=0) == []


def test_output_beside_the_lanes_is_refused():
    assert "not written over the lanes given" in judged(lambda lanes: lanes * 2)[0]


def test_sorts_and_unasked_float64_are_refused():
    assert judged(lambda lanes: jnp.sort(lanes), donate_argnums=0) == ["1 sorts"]
    with jax.enable_x64(True):
        told = judged(lambda lanes: (lanes.astype(jnp.float64) / 3).astype(jnp.float32), donate_argnums=0)
    assert any("float64" in one for one in told)


def test_a_call_of_the_host_is_refused():
    def told(lanes):
        jax.debug.callback(lambda value: None, lanes[0, 0])
        return lanes * 2

    assert any("callbacks" in one for one in judged(told, donate_argnums=0))


def test_talk_between_devices_is_refused():
    if len(jax.devices("cpu")) < 2:
        pytest.skip("needs two host devices")
    mesh = jax.make_mesh((2,), ("runs",), devices=jax.devices("cpu")[:2])
    rows = jax.sharding.NamedSharding(mesh, jax.sharding.PartitionSpec("runs"))
    lanes = jax.ShapeDtypeStruct((8, 4), np.float32, sharding=rows)
    told = judged(lambda lanes: lanes - lanes.mean(axis=0, keepdims=True), lanes, donate_argnums=0)
    assert any("collectives" in one for one in told)


@pytest.mark.parametrize("name", check_accelerators.LIMITS)
def test_a_program_over_a_limit_is_refused(name, monkeypatch):
    monkeypatch.setitem(check_accelerators.LIMITS, name, -1)
    (told,) = judged(lambda lanes: lanes * 2, donate_argnums=0)
    assert name in told and "over -1" in told


def test_what_a_probe_asks_of_stored_networks_is_compiled_for_a_device(tmp_path):
    sweep, device = check_accelerators.sweep_named("tiny", tmp_path), jax.devices("cpu")[0]
    (cohort,) = find_cohorts(grid_orders(sweep))
    lowered = check_accelerators._probing(sweep, cohort, device)
    assert set(lowered) == {f"probe {name}" for name in ("data", "loss", "fit", "outputs", "losses")}
    outputs = lowered["probe outputs"].compile()
    assert outputs.output_shardings.device_set == {device}
    assert outputs.memory_analysis().output_size_in_bytes == 4 * 25 * 5  # pairs and classes modulo 5


RECORDED = [  # those of before are of programs without forms
    row | {"number": path.stem.rpartition("-")[2]}
    for path in sorted(RECORDS.glob("2026-12-*-check_accelerators-*.json"))
    for row in json.loads(path.read_text())["results"]["programs"]
    if row["program"] == "segment" and row["sweep"] in WORKLOADS
]


@pytest.mark.parametrize("row", RECORDED, ids=lambda row: f"{row['sweep']}-{row['target']}-{row['number']}")
def test_memory_is_forecast_to_a_quarter_for_gpus_and_at_most_twice_for_tpus(row, tmp_path):
    sweep, platform = check_accelerators.sweep_named(row["sweep"], tmp_path), "tpu" if row["target"] in TPUS else "gpu"
    plan = make_plan(sweep, grid_orders(sweep), 1, is_cpu=False, lanes=row["lanes"], platform=platform)
    held = row["bytes"]
    compiled = held["argument"] + held["output"] + held["temp"] - held["alias"]
    most = 2.0 if platform == "tpu" and row["sweep"] != "W2" else 1.25
    assert 0.9 <= plan.cohorts[0].size.device_bytes(row["lanes"]) / compiled <= most


@pytest.mark.slow
@pytest.mark.parametrize("target", ["v5e", "H100"])
def test_the_programs_of_the_quickstart_are_good_on_an_accelerator(target):
    python = ROOT / ".venv-accelerators/bin/python"
    if not python.exists():
        pytest.skip("there is no .venv-accelerators, which make check-accelerators makes")
    options = ["--sweeps", "quickstart", "--targets", target, "--lanes", "2"]
    command = [python, "-m", "benchmarks.check_accelerators", *options]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    judged_good = {line.split()[2] for line in done.stdout.splitlines() if line.endswith("good")}
    assert judged_good == {"fresh", "take", "place", "segment"}
