"""`status`, `table`, `phases`, `curves`, `verify`, `list`: commands that only read.

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

if TYPE_CHECKING:  # importing them is slow, and only annotations name them
    from grokjax.analysis.rules import Rule
    from grokjax.results.results import Results


def status(options: argparse.Namespace) -> int:
    """Where a sweep stands."""
    from grokjax.report.progress_text import status_text
    from grokjax.results.status import status as read_status

    standing = read_status(Path(options.folder))
    text = json.dumps(standing, indent=1) if options.json else status_text(standing, standing["phases"])
    sys.stdout.write(text + "\n")
    return 0


def table(options: argparse.Namespace) -> int:
    """One row per run, as a file or on standard output."""
    from grokjax.analysis.columns import find
    from grokjax.results.table import as_csv

    path = None if options.out is None else new_file(options.out, "--out")
    if path is not None and path.suffix not in (".csv", ".parquet"):
        raise UsageError(f"--out {path.name}: must end in .csv or .parquet.")
    results = _opened(options)
    runs = select(results.phases(asked_rule(results, options)), options.where, results)
    with asked("--with"):
        for key in filter(None, options.settings.split(",")):
            name = find(key.strip(), results.settings)
            runs = runs if name in runs else runs.assign(**{name: results.setting(name)[runs.index]})
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
    """The phase diagram, in the terminal and as a file; or a measure over the same axes, as a file."""
    from grokjax.report.figure_file import FORMATS, check_format
    from grokjax.report.pictures import choose_axes, show_phases

    if options.colour and not options.out:
        raise UsageError("--colour: is drawn as a figure; name it by --out FILE.png.")
    with asked("--out"):
        if options.out:
            check_format(new_file(options.out, "--out"), FORMATS if options.colour else (*FORMATS, ".csv"))
    results = _opened(options, with_running=True)
    rule = asked_rule(results, options)
    runs = _some(select(results.phases(rule), options.where, results), options)
    x, y = _column(runs, "--x", options.x), _column(runs, "--y", options.y)
    with asked("--x, --y"):
        choose_axes(results.groups, runs, x, y)
    if options.colour:
        from grokjax.report.number_pictures import show_values

        with asked("--colour"):
            text = show_values(results, runs, options.colour, x, y, Path(options.out), results.name)
    else:
        text = show_phases(results, runs, rule, x, y, options.out, results.name)
    sys.stdout.write(text)
    return 0


def scatter(options: argparse.Namespace) -> int:
    """Two numbers of each run against each other, with their rank correlation."""
    from grokjax.report.figure_file import check_format
    from grokjax.report.number_pictures import show_scatter

    path = None if options.out is None else new_file(options.out, "--out")
    if path is not None:
        with asked("--out"):
            check_format(path)
    results = _opened(options)
    runs = _some(select(results.phases(asked_rule(results, options)), options.where, results), options)
    with asked("--x, --y"):
        sys.stdout.write(show_scatter(results, runs, options.x, options.y, path, results.name))
    return 0


def lines(options: argparse.Namespace) -> int:
    """A number of the table along an axis, a line for each value of another."""
    from grokjax.report.figure_file import check_format
    from grokjax.report.number_pictures import show_lines

    path = None if options.out is None else new_file(options.out, "--out")
    if path is not None:
        with asked("--out"):
            check_format(path)
    results = _opened(options)
    runs = _some(select(results.phases(asked_rule(results, options)), options.where, results), options)
    x, by = _column(runs, "--x", options.x), _column(runs, "--by", options.by)
    with asked("--x, --y, --by"):
        sys.stdout.write(show_lines(results, runs, options.y, str(x), by, path, results.name))
    return 0


def curves(options: argparse.Namespace) -> int:
    """Learning curves of a selection of runs."""
    from grokjax.report.figure_file import check_format
    from grokjax.report.pictures import write_curves

    path = new_file(options.out or str(Path(options.folders[0]) / "curves.png"), "--out")
    with asked("--out"):
        check_format(path)
    results = _opened(options, with_running=True)
    what = [name.strip() for name in (options.what or "").split(",") if name.strip()]
    with asked("--what"):
        for name in what:
            results.measured(name)
    chosen = _some(select(results.runs, options.where, results), options)
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
    from grokjax.results.results import read_results

    results = read_results(root, with_running=True)
    if not results.spec["claims"]:
        sys.stdout.write(
            f"{file} states no claims, so there is nothing to judge: write what you expect under `claims:` "
            f"(docs/formats.md), or see what came out with `grokjax phases {root}`.\n"
        )
        return
    if results.rule.changed or results.rule.name != "default":
        sys.stdout.write(f"Phases by rule {results.rule.title} where a claim names no other.\n")
    sys.stdout.write(claims_text(results, scale) + "\n")


def asked_rule(results: "Results", options: argparse.Namespace) -> "Rule":
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


def _opened(options: argparse.Namespace, with_running: bool = False) -> "Results":
    """The folders that were typed, as one sweep."""
    from grokjax.results.results import read_results

    return read_results([Path(folder) for folder in options.folders], with_running)


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
    raise UsageError(f"{', '.join(options.folders)}: no run has finished yet.")


def select(runs: pd.DataFrame, conditions: list[str], results: "Results | None" = None) -> pd.DataFrame:
    """The runs for which every condition holds.

    Args:
      conditions: they may name any column of the table, and any setting of the results.
      results: that the runs are of.

    Raises:
      UsageError: no run is left of some; with the values that there are.
    """
    from grokjax.analysis.columns import aliases, array, series
    from grokjax.reader.conditions import holds, keys_of, read_condition, values_there

    for text in conditions:
        condition = read_condition(text, "--where")
        columns = {str(name): array(series(runs, str(name))) for name in runs}
        if results is not None:
            columns |= _settings(keys_of(condition), runs, results)
        kept = holds(condition, columns, "--where", aliases(runs))
        if len(runs) and not kept.any():
            there = values_there(condition, columns)
            raise UsageError(f"--where {text}: no run is left{'; ' + there if there else ''}.")
        runs = runs.loc[kept]
    return runs


def _settings(keys: list[str], runs: pd.DataFrame, results: "Results") -> dict[str, np.ndarray]:
    """Settings that are no columns of the table, as far as a condition may mean them."""
    from grokjax.core.columns import fitting_columns

    known = results.settings
    meant = [name for key in keys if not fitting_columns(key, runs) for name in fitting_columns(key, known)]
    return {name: results.setting(name)[runs.index] for name in meant}


COMMANDS = {
    "status": status,
    "table": table,
    "phases": phases,
    "curves": curves,
    "scatter": scatter,
    "lines": lines,
    "verify": verify,
    "list": list_parts,
}
