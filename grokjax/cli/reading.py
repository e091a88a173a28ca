"""`status`, `table`, `phases`, `curves`, `verify`, `export`, `list`: commands that only read.

None of them imports JAX unless the catalogue of parts is asked for.
"""

import argparse
import contextlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from grokjax.cli.main import CONFLICT, UsageError
from grokjax.cli.paths import new_file
from grokjax.cli.sweep_names import packaged_sweeps

if TYPE_CHECKING:
    from grokjax.analysis.rules import Rule
    from grokjax.store.results import Results


def status(options: argparse.Namespace) -> int:
    """Where a sweep stands."""
    from grokjax.report.progress_text import status_text
    from grokjax.store.status import status as read_status

    found = read_status(Path(options.folder))
    text = json.dumps(found, indent=1) if options.json else status_text(found, found["phases"])
    sys.stdout.write(text + "\n")
    return 0


def table(options: argparse.Namespace) -> int:
    """One row per run, as a file or on standard output."""
    from grokjax.store.results import open_results
    from grokjax.store.table import as_csv

    path = None if options.out is None else new_file(options.out, "--out")
    if path is not None and path.suffix not in (".csv", ".parquet"):
        raise UsageError(f"--out {path.name}: must end in .csv or .parquet.")
    results = open_results(Path(options.folder))
    runs = select(results.phases(_rule(results, options)), options.where)
    if options.where:
        _some(runs, options)
    if path is None:
        sys.stdout.write(as_csv(runs))
        return 0
    if path.suffix == ".csv":
        path.write_text(as_csv(runs))
    else:
        runs.to_parquet(path, index=False)
    sys.stderr.write(f"grokjax: {len(runs)} runs in {path}\n")
    return 0


def phases(options: argparse.Namespace) -> int:
    """The phase diagram, in the terminal and as a file."""
    from grokjax.report.figure_file import check_format
    from grokjax.report.pictures import choose_axes, show_phases
    from grokjax.store.results import open_results

    with asked("--out"):
        if options.out:
            check_format(new_file(options.out, "--out"), (".png", ".svg", ".pdf", ".csv"))
    results = open_results(Path(options.folder), with_running=True)
    rule = _rule(results, options)
    runs = _some(select(results.phases(rule), options.where), options)
    x, y = _column(runs, "--x", options.x), _column(runs, "--y", options.y)
    with asked("--x, --y"):
        choose_axes(results.groups, runs, x, y)
    text = show_phases(results, runs, rule, x, y, options.out, results.spec["name"])
    sys.stdout.write(text)
    return 0


def curves(options: argparse.Namespace) -> int:
    """Learning curves of a selection of runs."""
    from grokjax.report.figure_file import check_format
    from grokjax.report.pictures import write_curves
    from grokjax.store.results import open_results

    path = new_file(options.out or str(Path(options.folder) / "curves.png"), "--out")
    with asked("--out"):
        check_format(path)
    results = open_results(Path(options.folder), with_running=True)
    what = [name.strip() for name in (options.what or "").split(",") if name.strip()]
    with asked("--what"):
        for name in what:
            results.measured(name)
    chosen = _some(select(results.runs, options.where), options)
    mask = results.runs["run_id"].isin(chosen["run_id"]).to_numpy()
    notes = [f"Phases by rule {results.rule.title}."] if any("phase" in text for text in options.where) else []
    count = write_curves(results, mask, " and ".join(options.where) or "all runs", path, what, notes)
    sys.stderr.write(f"grokjax: curves of {count} runs in {path}\n")
    return 0


def verify(options: argparse.Namespace) -> int:
    """Checksums of everything that is committed."""
    from grokjax.store.verification import verify as check

    count, problems = check(Path(options.folder))
    for problem in problems:
        sys.stderr.write(f"grokjax: {options.folder}: {problem}\n")
    sys.stdout.write(f"{count} files checked, {len(problems)} problems\n")
    return CONFLICT if problems else 0


def export(options: argparse.Namespace) -> int:
    """Weights of one run."""
    from grokjax.store.stored_params import flat_stored_params

    path = new_file(options.out or f"{options.run_id}.{options.format}", "--out")
    params = flat_stored_params(Path(options.folder), options.run_id, options.step, options.with_optimizer)
    if options.format == "npz":
        np.savez(path, allow_pickle=False, **params)
    else:
        try:
            from safetensors.numpy import save_file
        except ImportError as error:
            raise UsageError("--format safetensors needs safetensors: pip install 'grokjax[export]'.") from error
        save_file({name: np.ascontiguousarray(leaf) for name, leaf in params.items()}, path)
    sys.stderr.write(f"grokjax: {len(params)} arrays in {path}\n")
    return 0


def list_parts(options: argparse.Namespace) -> int:
    """The catalogue of one kind of part, or of the sweeps that ship with grokjax."""
    if options.what == "sweeps":
        for name, path in packaged_sweeps().items():
            first = path.read_text().splitlines()[0]
            sys.stdout.write(f"{name:24} {first.lstrip('# ') if first.startswith('#') else ''}".rstrip() + "\n")
        return 0
    from grokjax.core.catalogue import catalogue
    from grokjax.report.catalogue_text import catalogue_text

    sys.stdout.write(catalogue_text(catalogue(options.what), sys.stdout.isatty()) + "\n")
    return 0


def print_claims(root: Path, file: Path, scale: str | None) -> None:
    """The claims of a sweep: published, measured, verdict. Runs that are still trained count as undecided.

    Args:
      root: its folder.
      file: where it is written, with the `scale` that was trained.
    """
    from grokjax.report.pictures import claims_text
    from grokjax.store.results import open_results

    results = open_results(root, with_running=True)
    if not results.spec["claims"]:
        sys.stdout.write(
            f"{file} states no claims, so there is nothing to judge: write what you expect under `claims:` "
            f"(docs/formats.md), or see what came out with `grokjax phases {root}`.\n"
        )
        return
    if results.rule.changed or results.rule.name != "default":
        sys.stdout.write(f"Phases by rule {results.rule.title} where a claim names no other.\n")
    sys.stdout.write(claims_text(results, scale) + "\n")


def _rule(results: "Results", options: argparse.Namespace) -> "Rule":
    """The phase rule that is asked for: the sweep's own or one by name, with the thresholds of `--set`."""
    from grokjax.analysis.rules import find_rule

    with asked("--rule"):
        rule = results.rule if options.rule is None else find_rule(options.rule)
    with asked("--set"):
        return rule.at(**dict(map(_threshold, options.thresholds)))


def _threshold(text: str) -> tuple[str, float]:
    name, _, written = text.partition("=")
    try:
        return name.strip(), float(written)
    except ValueError:
        raise UsageError(f"--set: expected NAME=VALUE with a number, such as generalized=0.9, not {text!r}.") from None


@contextlib.contextmanager
def asked(option: str) -> Iterator[None]:
    """What the analysis and the figures refuse in here was typed under this option."""
    try:
        yield
    except ValueError as error:
        raise UsageError(f"{option}: {error}") from error


def _column(runs: pd.DataFrame, option: str, name: str | None) -> str | None:
    from grokjax.analysis.columns import find

    with asked(option):
        return None if name is None else find(name, runs)


def _some(runs: pd.DataFrame, options: argparse.Namespace) -> pd.DataFrame:
    if len(runs):
        return runs
    where = f"--where {' and '.join(options.where)}: no run is left" if options.where else "no run has finished yet"
    raise UsageError(f"{options.folder}: {where}.")


def select(runs: pd.DataFrame, conditions: list[str]) -> pd.DataFrame:
    """The runs for which every condition holds."""
    from grokjax.spec.conditions import holds, read_condition

    for text in conditions:
        columns = {name: runs[name].to_numpy() for name in runs}
        runs = runs.loc[holds(read_condition(text, "--where"), columns, "--where")]
    return runs


COMMANDS = {
    "status": status,
    "table": table,
    "phases": phases,
    "curves": curves,
    "verify": verify,
    "export": export,
    "list": list_parts,
}
