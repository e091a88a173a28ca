"""`compare`: the arms of a sweep with `compare:`."""

import argparse
import json
import os
import sys
from pathlib import Path

from grokjax.cli.main import UsageError
from grokjax.cli.paths import new_file

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from grokjax.lab.arms import comparison_report
from grokjax.report.comparison_figure import comparison_figure
from grokjax.report.comparison_text import comparison_json, comparison_markdown, comparison_text
from grokjax.report.figure_file import FORMATS, save_figure
from grokjax.store.layout import StoreError


def compare(options: argparse.Namespace) -> int:
    """Tuned settings, intervals, paired differences and costs of the arms, in the terminal and as a file."""
    path = new_file(options.out, "--out") if options.out else None
    if path is not None and path.suffix.lower() not in (*FORMATS, ".md"):
        raise UsageError(f"--out {path.name}: must end in {', '.join(FORMATS)} or .md.")
    report = comparison_report(Path(options.folder))
    if path is not None and path.suffix.lower() == ".md":
        path.write_text(comparison_markdown(report))
    elif path is not None:
        save_figure(comparison_figure(report), path)
    sys.stdout.write(
        (json.dumps(comparison_json(report), indent=1) if options.json else comparison_text(report)) + "\n"
    )
    return 0


def print_comparison(root: Path) -> None:
    """The comparison of a sweep's arms, or that the runs which tune them have not all ended."""
    try:
        text = comparison_text(comparison_report(root))
    except StoreError as error:
        text = str(error)
    sys.stdout.write(text + "\n")


COMMANDS = {"compare": compare}
