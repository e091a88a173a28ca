"""`measure`: any measure or probe, taken afterwards from stored weights."""

import argparse
import os
import sys
from pathlib import Path
from typing import Any

from grokjax.cli.main import UsageError
from grokjax.cli.reading import select

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from grokjax.drive.measuring import measure_stored
from grokjax.lab.stored_networks import ALL, LAST
from grokjax.reader.build import build_part, slot_of
from grokjax.reader.yaml_file import parse_value
from grokjax.results.results import read_results
from grokjax.train.compilation_cache import use_compilation_cache


def measure(options: argparse.Namespace) -> int:
    """Measure runs of a folder and put the values among its results."""
    use_compilation_cache()
    root = Path(options.folder)
    parts, steps = _parts(options.what), _steps(options.step)
    results = read_results(root)
    runs = select(results.runs, options.where, results)
    if not len(runs):
        raise UsageError(f"{root}: no run has ended yet.")
    count = measure_stored(root, parts, runs["run_id"].tolist(), steps)
    names = ", ".join(part.kind for part in parts)
    sys.stderr.write(f"grokjax: {names} measured at {count} snapshots of {len(runs)} runs\n")
    return 0


def _parts(text: str) -> list[Any]:
    """Measures and probes: `fourier,description_length`, or `[{kind: hessian, iterations: 5}, fourier]`."""
    words = parse_value(text, "--what") if text.startswith(("[", "{")) else text.split(",")
    words = [
        word.strip() if isinstance(word, str) else word for word in (words if isinstance(words, list) else [words])
    ]
    return [build_part(slot_of(("measures", "probes"), word), word, "--what") for word in words]


def _steps(text: str) -> int | str:
    if text in (ALL, LAST):
        return text
    if not text.isdigit():
        raise UsageError(f"--step {text!r} must be a number of updates, {LAST} or {ALL}.")
    return int(text)


COMMANDS = {"measure": measure}
