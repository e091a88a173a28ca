"""Devices that are not here: what the compilers of TPU and GPU know of them is enough to compile for them."""

import importlib
import os
from pathlib import Path
from typing import Any

import jax
from jax.experimental import topologies

TPUS = {"v5e": ("v5e:2x4", (2, 4, 1)), "v5p": ("v5p:2x2x1", (2, 2, 1)), "v6e": ("v6e:2x4", (2, 4, 1))}
"""Name -> topology, chips of one host: all devices of it belong to one process, as grokjax wants them."""
GPUS = {"H100": "NVIDIA H100 80GB HBM3", "H200": "NVIDIA H200"}
"""Name -> how the description embedded in the CUDA plugin begins the device's name."""
MEMORY = {"v5e": 16, "v5p": 95, "v6e": 32, "H100": 80, "H200": 141}
"""GiB of one device, from its data sheet."""


def prepare() -> None:
    """To be called before any device is asked for: this machine's own is the CPU, and no metadata service is asked."""
    jax.config.update("jax_platforms", "cpu")
    os.environ |= {
        "TPU_SKIP_MDS_QUERY": "1",
        "TPU_ACCELERATOR_TYPE": "v5litepod-8",
        "TPU_WORKER_HOSTNAMES": "localhost",
        "ALLOW_MULTIPLE_LIBTPU_LOAD": "1",
    }


def devices(name: str) -> list[Any]:
    """The devices of a description, by its name here.

    Raises:
      KeyError: there is no such name.
      RuntimeError: the compiler for it is not installed.
    """
    if name in TPUS:
        topology, chips = TPUS[name]
        return list(topologies.get_topology_desc(topology, platform="tpu", chips_per_host_bounds=chips).devices)
    described = topologies.get_topology_desc(
        "", platform="cuda", topology="1x1x4", target_config=_gpu_description(GPUS[name])
    )
    return list(described.devices)


def _gpu_description(name: str) -> str:
    """The text of one device among those that the CUDA plugin carries."""
    plugin = importlib.import_module("jax_plugins.xla_cuda13")
    content = (Path(next(iter(plugin.__path__))) / "xla_cuda_plugin.so").read_bytes()
    start = content.find(b"gpu_device_info {")
    while start >= 0:
        end = content.index(b"\0", start)
        text = content[start:end].decode(errors="replace").partition("# Copyright")[0]
        if f'device_description_str: "{name}' in text:
            return text
        start = content.find(b"gpu_device_info {", end)
    raise KeyError(f"the CUDA plugin describes no {name!r}")
