"""`report`: a sweep as one file of HTML."""

import argparse
import os
import shlex
import sys
import warnings
from pathlib import Path
from typing import Any

from grokjax.cli.main import UsageError
from grokjax.cli.paths import new_file
from grokjax.cli.reading import asked_rule
from grokjax.report.html_report import figure_section, html_report
from grokjax.results.results import read_results
from grokjax.results.stored_sweep import has_arms
from grokjax.store.layout import StoreError


def report(options: argparse.Namespace) -> int:
    """Write the report of a sweep, or of several together."""
    path = new_file(options.out, "--out")
    if path.suffix.lower() not in (".html", ".htm"):
        raise UsageError(f"--out {path.name}: must end in .html.")
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        results = read_results([Path(folder) for folder in options.folders], with_running=True)
        rule = asked_rule(results, options)
    warned = [str(warning.message) for warning in caught]
    for text in warned:
        sys.stderr.write(f"grokjax: warning: {text}\n")
    arms = [
        section
        for root, spec in zip(results.roots, results.specs, strict=True)
        if has_arms(root, spec)
        for section in _arms(root)
    ]
    page = html_report(results, rule, _rule_words(options), warned, arms)
    path.write_text(page, encoding="utf-8")
    sys.stderr.write(f"grokjax: {len(page) / 1e6:.2f} MB in {path}\n")
    return 0


def _rule_words(options: argparse.Namespace) -> str:
    """The rule as it was typed."""
    words = [*(["--rule", options.rule] if options.rule else []), *(f"--set={text}" for text in options.thresholds)]
    return "".join(f" {shlex.quote(word)}" for word in words)


def _arms(root: Path) -> list[dict[str, Any]]:
    """How the arms of a folder were tuned and what came out; or that their runs have not all ended."""
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
