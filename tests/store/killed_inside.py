"""`grokjax`, killed inside a window too short to be hit from outside; the window's name comes before its words."""

import os
import shutil
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from grokjax.cli import main
from grokjax.drive import consolidation
from grokjax.lab import probing
from grokjax.store.folder import SweepFolder


def die(*_: Any, **__: Any) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def then_die(function: Callable) -> Callable:
    def called(*arguments: Any, **named: Any) -> None:
        function(*arguments, **named)
        die()

    return called


def half_removed(path: Path, **_: Any) -> None:
    """The first half of what `rmtree` does to the history of before, then the end."""
    if Path(path).name != "history.zarr":
        return
    files = sorted(one for one in path.rglob("*") if one.is_file())
    for file in files[: len(files) // 2]:
        file.unlink()
    die()


def removed(path: Path, **_: Any) -> None:
    if Path(path).name == "history.zarr":
        then_die(REMOVE)(path)


def die_after_measuring() -> None:
    """Every snapshot that is probed is committed, and after the first there is no other."""
    probing._SECONDS = 0
    SweepFolder.add_measured = then_die(SweepFolder.add_measured)


REMOVE = shutil.rmtree
WINDOWS = {
    "half of the old history is gone": lambda: setattr(consolidation.shutil, "rmtree", half_removed),
    "the old history is gone": lambda: setattr(consolidation.shutil, "rmtree", removed),
    "the new history is there": lambda: setattr(Path, "rename", then_die(Path.rename)),
    "the table is there": lambda: setattr(consolidation, "write_atomically", then_die(consolidation.write_atomically)),
    "the first measured values are committed": die_after_measuring,
    "HEAD says complete": lambda: setattr(SweepFolder, "clear_checkpoints", die),
}


if __name__ == "__main__":
    WINDOWS[sys.argv[1]]()
    sys.exit(main(sys.argv[2:]))
