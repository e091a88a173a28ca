"""Records of measurements: what was measured, on what, with which versions; written once and never changed."""

import argparse
import datetime
import importlib.metadata
import json
import os
import platform
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

from benchmarks.rig.processes import PEERS, ROOT, cores
from benchmarks.rig.rates import rates
from grokjax.store.machine import processor

RECORDS = Path(__file__).parents[1] / "records"
PACKAGES = ("jax", "jaxlib", "flax", "optax", "numpy", "grokjax")
PEER_PACKAGES = ("torch", "ray", "modelbatch", "hyperoptax", "bayesian-optimization", "scikit-learn")
_LOAD_BEFORE = list(os.getloadavg()) if hasattr(os, "getloadavg") else []  # a question imports this when it begins


def arguments(question: str, **defaults: Any) -> argparse.ArgumentParser:
    """Options that every question has; `defaults` are the values of its numeric options."""
    parser = argparse.ArgumentParser(description=question, formatter_class=argparse.ArgumentDefaultsHelpFormatter)
    parser.add_argument("--record", action="store_true", help="also write benchmarks/records/DATE-QUESTION-N.json")
    for name, value in defaults.items():
        parser.add_argument(f"--{name}", type=type(value), default=value)
    return parser


def finish(options: argparse.Namespace, question: str, results: dict[str, Any]) -> None:
    """Write a record if one is asked for; how fast the machine is now is measured for it."""
    if options.record:
        settings = {name: value for name, value in vars(options).items() if name != "record"}
        state = {"load": {"before": _LOAD_BEFORE, "after": list(os.getloadavg())}} if _LOAD_BEFORE else {}
        path = write(question, settings, results, state=state | {"rates": rates()})
        print(f"recorded in {path.relative_to(ROOT)}")


def write(
    question: str,
    settings: dict[str, Any],
    results: dict[str, Any],
    folder: Path = RECORDS,
    state: Mapping[str, Any] = MappingProxyType({}),
) -> Path:
    """Write `DATE-QUESTION-N.json` with the next free N; an existing record is never written over.

    Args:
      settings: options that the question was asked with.
      results: raw repeats included.
      state: of the machine: its `rates` and the averages of its load over 1, 5 and 15 minutes.
    """
    folder.mkdir(parents=True, exist_ok=True)
    date = datetime.datetime.now(datetime.UTC).date().isoformat()
    content = {
        "question": question,
        "date": date,
        "command": " ".join(["python", "-m", f"benchmarks.{question}", *_as_options(settings)]),
        "machine": machine() | dict(state),
        "versions": versions(),
        "commit": commit(),
        "results": results,
    }
    number = 1
    while True:
        path = folder / f"{date}-{question}-{number}.json"
        try:
            with open(path, "x") as file:  # x: fails when the file exists
                file.write(json.dumps(content, indent=1) + "\n")
            return path
        except FileExistsError:
            number += 1


def newest(question: str, folder: Path = RECORDS) -> dict[str, Any] | None:
    """The latest record of a question; None when there is none."""
    found = []
    for path in folder.glob(f"*-{question}-*.json"):
        date, number = path.name[:10], path.stem.removeprefix(f"{path.name[:10]}-{question}-")
        if number.isdigit():
            found.append((date, int(number), path))
    return json.loads(max(found)[2].read_text()) if found else None


def machine() -> dict[str, Any]:
    """Kind of machine, without its name: processors of one name may differ in model, vectors and caches."""
    return {
        "processor": processor(),
        "architecture": platform.machine(),
        "system": platform.system(),
        "cores": cores(),
        "memory_gib": _memory_gib(),
    }


def versions() -> dict[str, str]:
    """Of Python and of every package that was measured, the peers' included where they are installed."""
    found = {"python": platform.python_version()} | _installed(PACKAGES)
    peers = ROOT / PEERS
    if peers.exists():
        program = (
            "import importlib.metadata as m, json, platform\n"
            f"names = {{d.name.lower(): d.version for d in m.distributions()}}\n"
            f"print(json.dumps({{n: names[n] for n in {PEER_PACKAGES} if n in names}}"
            " | {'python of the peers': platform.python_version()}))"
        )
        found |= json.loads(subprocess.run([peers, "-c", program], capture_output=True, text=True, check=True).stdout)
    return found


def commit() -> str:
    """Commit of the working tree, `+changes` when it has any."""
    try:
        name, changes = (
            subprocess.run(["git", *question], cwd=ROOT, capture_output=True, text=True, check=True).stdout.strip()
            for question in (["rev-parse", "HEAD"], ["status", "--porcelain", "--untracked-files=no"])
        )
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return name + ("+changes" if changes else "")


def _as_options(settings: dict[str, Any]) -> list[str]:
    return [
        text
        for name, value in settings.items()
        for text in (f"--{name.replace('_', '-')}", ",".join(value) if isinstance(value, list) else str(value))
    ]


def _installed(names: tuple[str, ...]) -> dict[str, str]:
    found = {}
    for name in names:
        try:
            found[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return found


def _memory_gib() -> int | None:
    if not hasattr(os, "sysconf"):
        return None
    return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30)
