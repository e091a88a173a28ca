"""What a start of a sweep ran on: package versions, device, flags, git state; and what of it bits depend on."""

import hashlib
import importlib.metadata
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import jax

_PACKAGES = ("grokjax", "jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy", "zarr")
_BITS_DEPEND_ON = ("grokjax", "jax", "jaxlib", "flax", "optax")
_OPTIONS = ("jax_enable_x64", "jax_default_matmul_precision", "jax_threefry_partitionable")
_VARIABLES = ("XLA_FLAGS", "JAX_PLATFORMS", "JAX_NUM_CPU_DEVICES", "NPROC", "CUDA_VISIBLE_DEVICES")


def provenance(devices: list[dict[str, Any]]) -> dict[str, Any]:
    """One record of this process; `devices` as given by the trainer."""
    return {
        "packages": {name: _version(name) for name in _PACKAGES},
        "python": platform.python_version(),
        "platform": platform.platform(),
        "devices": devices,
        "options": {name: getattr(jax.config, name) for name in _OPTIONS},
        "variables": {name: os.environ[name] for name in _VARIABLES if name in os.environ},
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
        "git": _git(),
    }


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What bits depend on and differs between two starts, in words; what either record lacks is left out."""
    return [f"{name} {old}, now {new}" for name, (old, new) in _pairs(before, now).items() if old != new]


def _pairs(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Of both records, by name."""
    one, other = _facts(before), _facts(now)
    return {name: (value, other[name]) for name, value in one.items() if name in other}


def _facts(record: Mapping[str, Any]) -> dict[str, Any]:
    packages, options = record.get("packages", {}), record.get("options", {})
    found = {name: packages[name] for name in _BITS_DEPEND_ON if name in packages}
    found |= {name.removeprefix("jax_"): value for name, value in options.items()}
    if "devices" in record:
        found["device"] = " and ".join(sorted({str(one["kind"]) for one in record["devices"]}))
    if "variables" in record:
        flags = record["variables"].get("XLA_FLAGS", "").split()
        found["XLA_FLAGS"] = " ".join(sorted(flag for flag in flags if "device_count" not in flag)) or "none"
    return found


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _git() -> dict[str, Any] | None:
    """Commit of the working folder, whether it has changes, and a checksum of these; None outside a repository."""

    def ask(*words: str) -> str:
        return subprocess.run(["git", *words], capture_output=True, text=True, timeout=10, check=True).stdout.strip()

    try:
        facts = {"commit": ask("rev-parse", "HEAD"), "dirty": bool(ask("status", "--porcelain"))}
        changed = hashlib.sha256(ask("diff", "HEAD").encode()).hexdigest() if facts["dirty"] else None
        return facts | ({"diff_sha256": changed} if changed else {})
    except (OSError, subprocess.SubprocessError):
        return None
