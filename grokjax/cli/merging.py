"""`merge`: folders of one sweep that were trained on several machines, as one."""

import argparse
import os
import sys
from pathlib import Path

from grokjax.cli.main import UsageError
from grokjax.cli.paths import new_folder

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

from grokjax.drive.merging import merge as merge_folders


def merge(options: argparse.Namespace) -> int:
    """Put the runs of several folders of one sweep into one."""
    out = new_folder(options.out, "--out")
    roots = [Path(folder) for folder in options.folders]
    if len({root.resolve() for root in [*roots, out]}) < len(roots) + 1:
        raise UsageError("a folder is named twice.")
    done, total = merge_folders(roots, out)
    rest = "" if done == total else f"; `grokjax run {out}/spec.yaml --out {out}` trains the others"
    sys.stderr.write(f"grokjax: {done:,} of {total:,} runs in {out}{rest}\n")
    return 0


COMMANDS = {"merge": merge}
