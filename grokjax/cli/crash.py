"""The crash file of a bug: all that a report needs, and nothing of the user's data."""

import argparse
import json
import os
import tempfile
import traceback
from pathlib import Path

from grokjax.store.files import read_json_lines
from grokjax.store.layout import Layout
from grokjax.store.provenance import provenance

_LAST = 20


def write_crash_file(error: BaseException, options: argparse.Namespace) -> str:
    """Write traceback, versions and the last events of the folder; gives the file's name."""
    text = "".join(traceback.format_exception(error))
    about = provenance([])
    text += f"\nversions\n{json.dumps(about, indent=1)}\n"
    folder = getattr(options, "folder", None) or getattr(options, "out", None)
    events = read_json_lines(Layout(Path(folder)).events) if folder else []
    text += f"\nlast events of {folder or 'no folder'}\n" + "".join(
        f"{json.dumps(event)}\n" for event in events[-_LAST:]
    )
    name = f"grokjax-crash-{os.getpid()}.txt"
    for directory in (Path(), Path(tempfile.gettempdir())):
        try:
            (directory / name).write_text(text)
        except OSError:  # a folder that cannot be written must not hide what went wrong
            continue
        return str(directory / name)
    return "no file, since none could be written; --debug shows it"
