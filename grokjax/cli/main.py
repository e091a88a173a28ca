"""How a command ends: one message and the exit status of the contract, never a traceback unless asked for."""

import importlib
import os
import sys
import traceback
from collections.abc import Sequence

from grokjax.cli.parser import make_parser

BUG, BAD_INPUT, DIVERGED, LOCKED, CONFLICT, RESOURCES, STOPPED, INTERRUPTED = 1, 2, 3, 4, 5, 6, 75, 130
# Names of exceptions, so that nothing is imported to know them.
_STATUS_OF = {
    "SpecError": BAD_INPUT,
    "UsageError": BAD_INPUT,
    "UnknownRunError": BAD_INPUT,
    "UnknownStepError": BAD_INPUT,
    "LockedError": LOCKED,
    "StoreError": CONFLICT,
    "DeviceError": RESOURCES,
    "MemoryLimitError": RESOURCES,
    "DiskLimitError": RESOURCES,
}
_MODULES = {
    **dict.fromkeys(("run", "extend", "reproduce"), "training"),
    **dict.fromkeys(("try", "plan", "replay"), "looking_ahead"),
    **dict.fromkeys(("status", "table", "phases", "curves", "verify", "export", "list"), "reading"),
}


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
        if hasattr(options, "folder"):
            importlib.import_module("grokjax.cli.paths").existing_folder(options.folder)
        commands = importlib.import_module(f"grokjax.cli.{_MODULES[options.command]}")
        return commands.COMMANDS[options.command](options)
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:  # `grokjax table DIR | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except Exception as error:
        return _fail(error, options.debug)


def _fail(error: Exception, debug: bool) -> int:
    status = next((_STATUS_OF[cls.__name__] for cls in type(error).__mro__ if cls.__name__ in _STATUS_OF), BUG)
    if isinstance(error, OSError) and status == BUG:
        status = RESOURCES
    if debug:
        traceback.print_exc()
    elif status == BUG:
        file = f"grokjax-crash-{os.getpid()}.txt"
        with open(file, "w") as crash:
            crash.write("".join(traceback.format_exception(error)))
        sys.stderr.write(f"grokjax: a bug: {type(error).__name__}: {error}\ngrokjax: the traceback is in {file}\n")
        return status
    sys.stderr.write(f"grokjax: error: {error}\n")
    return status
