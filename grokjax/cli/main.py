"""How a command ends: one message and the exit status of the contract, never a traceback unless asked for."""

import argparse
import importlib
import os
import sys
import traceback
import warnings
from collections.abc import Sequence
from typing import Any, NoReturn

from grokjax.cli.parser import make_parser
from grokjax.core.data_warning import DataWarning
from grokjax.store.layout import StoreWarning
from grokjax.train.stop import Stop

BUG, BAD_INPUT, DIVERGED, LOCKED, CONFLICT, RESOURCES, FAILED = 1, 2, 3, 4, 5, 6, 7
STUCK, STOPPED, INTERRUPTED = 70, 75, 130
# Names of exceptions, so that nothing is imported to know them.
_STATUS_OF = {
    "SpecError": BAD_INPUT,
    "UsageError": BAD_INPUT,
    "UnknownRunError": BAD_INPUT,
    "UnknownStepError": BAD_INPUT,
    "LockedError": LOCKED,
    "StoreError": CONFLICT,
    "NoLocksError": RESOURCES,
    "DeviceError": RESOURCES,
    "MemoryLimitError": RESOURCES,
    "DiskLimitError": RESOURCES,
    "WorkersError": RESOURCES,
    "FailedRunsError": FAILED,
}
SHOWN = (StoreWarning, DataWarning)
"""Warnings for who types, not for who reads the code."""


class UsageError(ValueError):
    """What was typed makes no sense."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; gives its exit status."""
    parser = make_parser()
    options = parser.parse_args(arguments)
    if options.version:
        sys.stdout.write(f"grokjax {importlib.import_module('importlib.metadata').version('grokjax')}\n")
        return 0
    if options.command is None:
        parser.print_help()
        return BAD_INPUT
    try:
        with warnings.catch_warnings():
            for kind in SHOWN:
                warnings.simplefilter("always", kind)
            warnings.showwarning = _show_warning
            return _command(options)
    except Stop as stop:
        return stopped(str(stop), is_kept=options.module == "training")
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # `grokjax table DIR | head`; what trains writes to standard error
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        return _fail(error, options)


def end_process() -> NoReturn:
    """Run one command as this process, and end the process with it."""
    sys.unraisablehook = _show_unraisable
    status = main()
    # After a save that failed a thread of orbax may wait minutes for what never comes; after a signal XLA may compile.
    if status in (RESOURCES, STOPPED, INTERRUPTED):
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    raise SystemExit(status)


def _show_unraisable(unraisable: Any) -> None:
    """After a save that failed, tensorstore's threads find their loop closed and say so, a hundred times over."""
    if not (unraisable.exc_type is RuntimeError and str(unraisable.exc_value) == "Event loop is closed"):
        sys.__unraisablehook__(unraisable)


def _command(options: argparse.Namespace) -> int:
    for folder in getattr(options, "folders", [options.folder] if hasattr(options, "folder") else []):
        importlib.import_module("grokjax.cli.paths").existing_folder(folder)
    if options.module in ("training", "looking_ahead"):
        with importlib.import_module("grokjax.cli.signals").Signals() as options.signals:
            importlib.import_module("grokjax.cli.surroundings").check_xla_flags()
            return importlib.import_module(f"grokjax.cli.{options.module}").COMMANDS[options.command](options)
    return importlib.import_module(f"grokjax.cli.{options.module}").COMMANDS[options.command](options)


def stopped(reason: str, is_kept: bool = True) -> int:
    """Say why the work stopped before its end, and whether what was done of it is kept; gives the exit status."""
    sys.stderr.write(f"grokjax: stopped ({reason}){'; the same command resumes' if is_kept else ''}.\n")
    return INTERRUPTED if reason == "SIGINT" else STOPPED


def _show_warning(message: Any, category: type[Warning], filename: str, lineno: int, *_: Any) -> None:
    """What is said of a folder is for who types; where in a file any other came from is for who reads the code."""
    if category in SHOWN:
        sys.stderr.write("grokjax: warning: " + "\n".join(map(_printable, str(message).splitlines())) + "\n")
    else:
        sys.stderr.write(warnings.formatwarning(message, category, filename, lineno))


def _fail(error: Exception, options: argparse.Namespace) -> int:
    status = next((_STATUS_OF[cls.__name__] for cls in type(error).__mro__ if cls.__name__ in _STATUS_OF), BUG)
    text = str(error)
    if isinstance(error, OSError) and status == BUG:
        status, text = RESOURCES, _system_text(error)
    if options.debug:
        traceback.print_exc()
    elif status == BUG:
        file = importlib.import_module("grokjax.cli.crash").write_crash_file(error, options)
        text = _printable(f"{type(error).__name__}: {error}"[:300])
        sys.stderr.write(f"grokjax: a bug: {text}\ngrokjax: the traceback is in {file}\n")
        return status
    sys.stderr.write("grokjax: error: " + "\n".join(map(_printable, text.splitlines())) + "\n")
    return status


def _system_text(error: OSError) -> str:
    """What the system refused, of which file; without the number that Python shows."""
    text = f"{error.filename}: {error.strerror}" if error.filename and error.strerror else error.strerror or str(error)
    return f"{text}. What was committed stands; the same command goes on once this is mended."


def _printable(text: object) -> str:
    return importlib.import_module("grokjax.reader.errors").printable(str(text))
