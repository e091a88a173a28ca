"""The path of accelerators, on host devices: one program over several devices by `shard_map`, lanes by `vmap`."""

import jax
import numpy as np
import pytest

from grokjax.train.devices import DeviceError, choose_pools
from tests.laws.same_bits import assert_same_bits
from tests.laws.small_cohort import compiled_cohort


@pytest.fixture(scope="module")
def two_devices():
    if len(jax.local_devices(backend="cpu")) < 2:
        pytest.skip("needs two host devices: JAX_NUM_CPU_DEVICES=2")
    return compiled_cohort("mlp", "minibatch", "label_noise", "vmap", devices=2)


def assert_equal_to_rounding(left: dict, right: dict) -> None:
    """The same runs by two programs: 24 updates of Adam carry rounding along, looks are at the same steps."""
    for number in range(4):
        params = jax.tree.leaves(left[number].state.params), jax.tree.leaves(right[number].state.params)
        for one, two in zip(*params, strict=True):
            np.testing.assert_allclose(one, two, rtol=1e-3, atol=1e-5)
        np.testing.assert_array_equal(left[number].book.look_steps, right[number].book.look_steps)


def test_runs_on_two_devices_are_those_on_one_to_rounding(two_devices) -> None:
    one_device = compiled_cohort("mlp", "minibatch", "label_noise", "vmap")
    assert_equal_to_rounding(one_device.train([0, 1, 2, 3]), two_devices.train([4, 5, 6, 7, 0, 1, 2, 3]))


def test_a_run_may_move_to_another_device(two_devices) -> None:
    here, there = two_devices.train([0, None, 2, None, 4, 5, 6, 7]), two_devices.train([7, 6, None, 4, 2, None, 0, 5])
    for number in here:
        assert_same_bits(here[number], there[number])


@pytest.mark.parametrize("program", ["fresh", "take", "place", "segment"])
def test_nothing_is_communicated_between_devices(two_devices, program) -> None:
    text = getattr(two_devices.executables, program).as_text()
    assert len(text) > 1000
    for word in ("all-reduce", "all-gather", "all-to-all", "collective-permute"):
        assert word not in text


def test_cpu_devices_are_pools_of_their_own_and_accelerators_one(two_devices) -> None:
    assert [len(pool.devices) for pool in choose_pools("cpu", "map")] == [1] * len(jax.local_devices(backend="cpu"))
    assert [len(pool.devices) for pool in choose_pools("cpu", "vmap")] == [len(jax.local_devices(backend="cpu"))]


@pytest.mark.parametrize("device", ["gpu", "cpu:99", "cpu:x", "abacus"])
def test_a_missing_device_is_refused_by_name(device: str) -> None:
    with pytest.raises(DeviceError, match=device.split(":")[0]):
        choose_pools(device, None)


def test_executors_agree_to_rounding() -> None:
    mapped = compiled_cohort("mlp", "minibatch", "label_noise", "map").train([0, 1, 2, 3])
    batched = compiled_cohort("mlp", "minibatch", "label_noise", "vmap").train([0, 1, 2, 3])
    assert_equal_to_rounding(mapped, batched)
