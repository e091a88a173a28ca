"""What a start of a sweep ran on: packages, our own sources, machine, flags; and what of it bits depend on."""

import functools
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

from grokjax.store.machine import drivers, processor

_OWN = Path(__file__).parents[1]
_PACKAGES = ("grokjax", "jax", "jaxlib", "flax", "optax", "orbax-checkpoint", "numpy", "zarr")
_BITS_DEPEND_ON = ("grokjax", "jax", "jaxlib", "flax", "optax")
_OPTIONS = ("jax_enable_x64", "jax_default_matmul_precision", "jax_threefry_partitionable")
_VARIABLES = ("XLA_FLAGS", "JAX_PLATFORMS", "JAX_NUM_CPU_DEVICES", "NPROC", "CUDA_VISIBLE_DEVICES")


def provenance(devices: list[dict[str, Any]]) -> dict[str, Any]:
    """One record of this process; `devices` as given by the trainer."""
    return {
        "packages": {name: _version(name) for name in _PACKAGES},
        "grokjax": {"sources_sha256": sources_sha256(_OWN), "checkout": _checkout(_OWN)},
        "python": platform.python_version(),
        "platform": platform.platform(),
        "devices": devices,
        "processor": processor(),
        "drivers": drivers(devices),
        "options": {name: getattr(jax.config, name) for name in _OPTIONS},
        "variables": {name: os.environ[name] for name in _VARIABLES if name in os.environ},
        "command": [Path(sys.argv[0]).name, *sys.argv[1:]],
        "working_folder_git": _git(Path.cwd()),
    }


def changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What bits depend on and differs between two starts, in words; what either record lacks is left out."""
    return [f"{name} {old}, now {new}" for name, (old, new) in differing(before, now).items()]


def differing(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """What bits depend on and is another in two records, by name; what either lacks is left out."""
    return {name: values for name, values in _pairs(before, now).items() if values[0] != values[1]}


def _pairs(before: Mapping[str, Any], now: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Of both records, by name."""
    one, other = _facts(before), _facts(now)
    return {name: (value, other[name]) for name, value in one.items() if name in other}


def _facts(record: Mapping[str, Any]) -> dict[str, Any]:
    packages, options = record.get("packages", {}), record.get("options", {})
    facts = {name: packages[name] for name in _BITS_DEPEND_ON if name in packages}
    if packages:  # a record without them is of a grokjax that did not note them, so of another one
        own = record.get("grokjax", {}).get("sources_sha256", "")
        facts["grokjax's sources"] = own[:12] or "not noted"
    facts |= {name.removeprefix("jax_"): value for name, value in options.items()}
    if "devices" in record:
        facts["device"] = " and ".join(sorted({str(device["kind"]) for device in record["devices"]}))
    if "variables" in record:
        flags = record["variables"].get("XLA_FLAGS", "").split()
        facts["XLA_FLAGS"] = " ".join(sorted(flag for flag in flags if "device_count" not in flag)) or "none"
    return facts | _machine_facts(record)


def _machine_facts(record: Mapping[str, Any]) -> dict[str, Any]:
    """Of the processor only where a CPU trains."""
    facts = {}
    if "drivers" in record:
        facts["drivers"] = ", ".join(f"{name} {version}" for name, version in sorted(record["drivers"].items()))
    if "processor" in record and any(device["platform"] == "cpu" for device in record.get("devices", ())):
        core = record["processor"]
        facts |= {"processor": core["name"], "its vector instructions": " ".join(core["vectors"])}
        facts["its caches"] = ", ".join(core["caches"])
    return facts


@functools.cache
def sources_sha256(package: Path) -> str:
    """Checksum of every Python file of a package, names and contents: docs, tests and commits do not change it."""
    digest = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        name, content = path.relative_to(package).as_posix(), path.read_bytes()
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()


def _version(package: str) -> str | None:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return None


def _checkout(package: Path) -> dict[str, Any] | None:
    """Git state of the checkout that a package runs from; None where it is installed, also inside another one."""
    try:
        _ask_git(package, "ls-files", "--error-unmatch", "__init__.py")
    except (OSError, subprocess.SubprocessError):
        return None
    return _git(package)


def _git(folder: Path) -> dict[str, Any] | None:
    """Commit of a folder, whether it has changes, and a checksum of these; None outside a repository."""
    try:
        facts = {
            "commit": _ask_git(folder, "rev-parse", "HEAD"),
            "dirty": bool(_ask_git(folder, "status", "--porcelain")),
        }
        changed = hashlib.sha256(_ask_git(folder, "diff", "HEAD").encode()).hexdigest() if facts["dirty"] else None
        return facts | ({"diff_sha256": changed} if changed else {})
    except (OSError, subprocess.SubprocessError):
        return None


def _ask_git(folder: Path, *words: str) -> str:
    command = ["git", "-C", str(folder), *words]
    return subprocess.run(command, capture_output=True, text=True, timeout=10, check=True).stdout.strip()
