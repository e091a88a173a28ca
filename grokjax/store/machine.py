"""What of a machine do bits depend on? Its processor, which sums in other orders on other ones, and its drivers."""

import importlib.metadata
import platform
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

_CPU_INFO = Path("/proc/cpuinfo")
_CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
_NVIDIA = (Path("/sys/module/nvidia/version"), Path("/proc/driver/nvidia/version"))
_VECTORS = ("avx", "fma", "amx", "sse4", "asimd", "sve", "neon", "bf16")  # beginnings of flags that change arithmetic
_KINDS = ("model name", "cpu family", "model", "stepping", "CPU implementer", "CPU part", "CPU revision")
_NVIDIA_LIBRARIES = [f"nvidia-{name}{end}" for name in ("cublas", "cudnn") for end in ("", "-cu12", "-cu13")]
_LIBRARIES = {
    "gpu": ("jax-cuda12-plugin", "jax-cuda13-plugin", "jax-rocm7-plugin", *_NVIDIA_LIBRARIES),
    "tpu": ("libtpu",),
}


def processor() -> dict[str, Any]:
    """Name and model numbers of the first core, its vector instructions, and the caches by which loops are cut."""
    facts = _cpu_info()
    name = ", ".join(f"{kind} {facts[kind]}" for kind in _KINDS if kind in facts).removeprefix("model name ")
    flags = facts.get("flags", facts.get("Features", "")).split()
    return {
        "name": name or _name_elsewhere(),
        "vectors": sorted(flag for flag in flags if flag.startswith(_VECTORS)),
        "caches": _caches(),
    }


def drivers(devices: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Versions of what stands between XLA and these devices; empty for a CPU."""
    platforms = {str(device["platform"]) for device in devices}
    versions = {name: _version(name) for platform in platforms for name in _LIBRARIES.get(platform, ())}
    versions |= {"nvidia": _nvidia_driver()} if "gpu" in platforms else {}
    return {name: version for name, version in versions.items() if version}


def _cpu_info() -> dict[str, str]:
    """What Linux says of the first core; nothing elsewhere."""
    try:
        lines = _CPU_INFO.read_text().split("\n\n")[0].splitlines()
    except OSError:
        return {}
    pairs = (line.partition(":") for line in lines)
    return {name.strip(): value.strip() for name, _, value in pairs}


def _name_elsewhere() -> str:
    try:
        asked = ["sysctl", "-n", "machdep.cpu.brand_string"]  # macOS
        return subprocess.run(asked, capture_output=True, text=True, timeout=10, check=True).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return platform.processor() or platform.machine()


def _caches() -> list[str]:
    """`L1 Data 32K`, ..."""
    try:
        indices = sorted(_CACHES.glob("index*"))
        return [
            f"L{' '.join((index / name).read_text().strip() for name in ('level', 'type', 'size'))}"
            for index in indices
        ]
    except OSError:
        return []


def _nvidia_driver() -> str:
    for path in _NVIDIA:
        try:
            return path.read_text().splitlines()[0].strip()
        except (OSError, IndexError):
            continue
    return ""


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return ""
