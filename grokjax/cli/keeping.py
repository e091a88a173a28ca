"""`events`, `migrate`: what became of a folder, and what a newer grokjax needs of it. No JAX."""

import argparse
import json
import sys
import time
from pathlib import Path
from typing import Any

from grokjax.cli.main import UsageError
from grokjax.reader.errors import printable
from grokjax.store.committed import read_spec
from grokjax.store.files import read_json_lines
from grokjax.store.layout import SCHEMA, Layout
from grokjax.store.migration import migrate as migrate_folder


def events(options: argparse.Namespace) -> int:
    """What happened, oldest first."""
    root = Path(options.folder)
    read_spec(root)
    recorded = read_json_lines(Layout(root).events)
    if options.run_id is not None:
        recorded = [event for event in recorded if event.get("run_id") == options.run_id]
        if not recorded:
            raise UsageError(f"{root}: nothing happened to a run {options.run_id!r}; `grokjax table` has the ids.")
    for event in recorded:
        sys.stdout.write((json.dumps(event) if options.json else _line(event)) + "\n")
    return 0


def _line(event: dict[str, Any]) -> str:
    clock = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(event.get("time", 0)))
    facts = " ".join(f"{name}={value}" for name, value in event.items() if name not in ("time", "event"))
    return printable(f"{clock}  {event.get('event', ''):13} {facts}")


def migrate(options: argparse.Namespace) -> int:
    """A folder of an older schema, brought up to date."""
    old = migrate_folder(Path(options.folder))
    outcome = "is up to date" if old == SCHEMA else f"was of schema {old} and is of schema {SCHEMA} now"
    sys.stdout.write(f"{options.folder} {outcome}\n")
    return 0


COMMANDS = {"events": events, "migrate": migrate}
