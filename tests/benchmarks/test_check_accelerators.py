"""Does the check of accelerator programs see what it must refuse? Shown on programs for the devices that are here."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from benchmarks import check_accelerators
from benchmarks.rig.described import MEMORY, devices, prepare

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


@pytest.mark.slow
@pytest.mark.parametrize("target", MEMORY)
def test_the_programs_of_the_quickstart_are_good_on_every_accelerator(target):
    pytest.importorskip("libtpu" if target.startswith("v") else "jax_plugins.xla_cuda13")
    prepare()
    assert len(devices(target)) > 1
    rows = check_accelerators.check("quickstart", target, lanes=1)
    assert {row["program"] for row in rows} == {"fresh", "take", "place", "segment"}
    assert [row["refused"] for row in rows] == [[], [], [], []]
