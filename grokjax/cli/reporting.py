"""`report`: a sweep as one file of HTML."""

import argparse
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from grokjax.cli.main import UsageError
from grokjax.cli.paths import new_file
from grokjax.cli.reading import asked_rule
from grokjax.report.html_report import figure_section, html_report
from grokjax.results.results import read_results
from grokjax.store.layout import StoreError

if TYPE_CHECKING:  # importing it is slow, and only annotations name it
    from grokjax.results.results import Results


def report(options: argparse.Namespace) -> int:
    """Write the report of a sweep, or of several together."""
    path = new_file(options.out, "--out")
    if path.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"--out {path.name}: must end in .html.")
    results = read_results([Path(folder) for folder in options.folders], with_running=True)
    page = html_report(results, asked_rule(results, options), options.folders, _comparisons(results))
    path.write_text(page, encoding="utf-8")
    sys.stderr.write(f"grokjax: {len(page) / 1e6:.2f} MB in {path}\n")
    return 0


def _comparisons(results: "Results") -> list[dict[str, Any]]:
    """The arms of each folder whose sweep compares some."""
    sections = []
    for root, spec in zip(results.roots, results.specs, strict=True):
        if "\ncompare:" in spec["yaml"]:
            sections += _comparison(root)
    return sections


def _comparison(root: Path) -> list[dict[str, Any]]:
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    from grokjax.lab.arms import comparison_report  # imports JAX
    from grokjax.report.comparison_figure import comparison_figure
    from grokjax.report.comparison_text import comparison_text
    from grokjax.report.figure_file import save_figure

    try:
        compared = comparison_report(root)
    except StoreError as error:
        return [{"title": "Arms", "text": str(error)}]
    return [
        figure_section(
            "Arms",
            f"grokjax compare {root.name} --out arms.png",
            "The arms of the comparison: how each was tuned and what came out",
            lambda path: save_figure(comparison_figure(compared), path),
            text=comparison_text(compared),
        )
    ]


COMMANDS = {"report": report}
