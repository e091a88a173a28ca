"""Which devices train, and how many lanes a block has on them."""

import dataclasses
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jax
import numpy as np

from grokjax.train.program import MAP, VMAP

Device = Any  # jax.Device is no class that a type checker knows


_NVIDIA = Path("/dev/nvidia0")
IDLE_GPU = (
    "an NVIDIA GPU is here, but JAX runs on the CPU, many times slower. Install JAX for it "
    "(pip install -U 'jax[cuda13]', or cuda12), or say that the CPU is meant: "
    "--device cpu, or JAX_PLATFORMS=cpu in the environment."
)


class DeviceError(RuntimeError):
    """A device was asked for that is not there."""


def schedulable_cores() -> int:
    """Cores this process may use: affinity and control group, not what the machine has."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else (os.cpu_count() or 1)
    try:
        with open("/sys/fs/cgroup/cpu.max") as file:
            quota, period = file.read().split()
        if quota != "max":
            cores = min(cores, max(1, int(quota) // int(period)))
    except (OSError, ValueError):
        pass  # no control group here
    return cores


def prepare_host_devices() -> None:
    """One host device per schedulable core, each working by itself.

    Must come before the first computation; later it changes nothing. The CPU devices share a pool of `NPROC` threads,
    at least one a device: handing pieces of small products around costs more than it gains. Two are the least, since
    a pool of a single thread sums some products in another order. What the user has set stays.
    """
    os.environ.setdefault("NPROC", "2")
    if "JAX_NUM_CPU_DEVICES" in os.environ or "xla_force_host_platform_device_count" in os.environ.get("XLA_FLAGS", ""):
        return
    try:
        jax.config.update("jax_num_cpu_devices", schedulable_cores())
    except RuntimeError:
        return  # JAX is already running: use the devices that are there


@dataclasses.dataclass(frozen=True)
class Pool:
    """Devices that work as one.

    Attributes:
      devices: a single device, or several that share one program by `shard_map` over the mesh axis `runs`.
    """

    devices: tuple[Device, ...]

    @property
    def kind(self) -> str:
        """Device kind, as stored with the results."""
        return self.devices[0].device_kind

    def mesh(self) -> jax.sharding.Mesh:
        """One axis, `runs`."""
        return jax.sharding.Mesh(np.asarray(self.devices), ("runs",), axis_types=(jax.sharding.AxisType.Auto,))

    def over_runs(self) -> jax.sharding.Sharding:
        """Where arrays with a leading axis [lane] lie."""
        if len(self.devices) == 1:
            return jax.sharding.SingleDeviceSharding(self.devices[0])
        return jax.sharding.NamedSharding(self.mesh(), jax.sharding.PartitionSpec("runs"))

    def replicated(self) -> jax.sharding.Sharding:
        """Where everything else lies."""
        if len(self.devices) == 1:
            return jax.sharding.SingleDeviceSharding(self.devices[0])
        return jax.sharding.NamedSharding(self.mesh(), jax.sharding.PartitionSpec())


def choose_executor(device: Device, executor: str | None) -> str:
    """`map` on a CPU, `vmap` elsewhere, unless told otherwise."""
    return executor or (MAP if device.platform == "cpu" else VMAP)


def choose_pools(device: str | None, executor: str | None) -> list[Pool]:
    """Devices to train on: each CPU device a pool of its own, accelerators one pool together.

    Args:
      device: `cpu`, `gpu`, `gpu:N`, `tpu` or None for JAX's default.
      executor: `vmap` on a CPU joins the host devices into one pool, as on an accelerator.

    Raises:
      DeviceError: the device is not there, or a GPU is and JAX does not use it.
    """
    devices = _find_devices(device)
    if choose_executor(devices[0], executor) == MAP:
        return [Pool((member,)) for member in devices]
    return [Pool(tuple(devices))]


def has_idle_gpu(device: str | None) -> bool:
    """Whether an NVIDIA GPU is visible here that JAX does not use and nobody has declined."""
    if device is not None or os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1") or jax.default_backend() != "cpu":
        return False
    return _NVIDIA.exists() or _is_listed()


def is_cpu_meant() -> bool:
    """Whether the environment asks JAX for the CPU."""
    return os.environ.get("JAX_PLATFORMS", "").lower() == "cpu"


def _is_listed() -> bool:
    """Whether the driver's own tool lists a GPU."""
    if shutil.which("nvidia-smi") is None:
        return False
    try:
        asked = subprocess.run(["nvidia-smi", "-L"], capture_output=True, text=True, timeout=30, check=False)
    except (OSError, subprocess.SubprocessError):
        return False
    return asked.returncode == 0 and asked.stdout.startswith("GPU ")


def _find_devices(device: str | None) -> list[Device]:
    if not is_cpu_meant() and has_idle_gpu(device):
        raise DeviceError(IDLE_GPU)
    platform, _, number = (device or "").partition(":")
    try:
        devices = jax.local_devices(backend=platform or None)
    except RuntimeError as error:
        there = sorted({local_device.platform for local_device in jax.local_devices()})
        raise DeviceError(f"--device {device}: no such device here; JAX sees {', '.join(there)}.") from error
    if number and (not number.isdigit() or int(number) >= len(devices)):
        raise DeviceError(f"--device {device}: there are {len(devices)} {platform} devices, numbered from 0.")
    return [devices[int(number)]] if number else devices
