"""Sweeps that are started from the page, where `--allow-start` permits it: each is a `grokjax run` of its own.

A process that was started goes on when the page ends, and the folder's lock sees to it that one trains there.
"""

import dataclasses
import os
import shlex
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from grokjax.page.builder import Checker, asked_of
from grokjax.page.folders import Folders
from grokjax.reader.errors import printable
from grokjax.store.files import write_atomically

OFF = "this page starts nothing; `grokjax page --allow-start` gives one that does"
_LINES, _TAIL = 12, 16_384
"""Of the output of a process: lines that are shown, and bytes that are read for them."""
_MEANINGS = {
    0: "done",
    1: "a bug, see the last lines",
    2: "refused",
    4: "the folder is in use",
    5: "the folder is in conflict or damaged",
    6: "device, memory or disk missing",
    7: "some runs were given up, the others are stored",
    70: "stuck; starting it again goes on",
    75: "stopped; starting it again goes on",
    130: "interrupted; starting it again goes on",
}


class RefusedError(ValueError):
    """This sweep is not started, or not now."""


@dataclasses.dataclass
class Started:
    """A process that trains a sweep."""

    name: str
    command: tuple[str, ...]
    process: subprocess.Popen[bytes]
    output: Path

    def to_json(self) -> dict[str, Any]:
        """What the page says of it; `status` is None while it runs."""
        status = self.process.poll()
        killed = f"ended by signal {-status}" if status is not None and status < 0 else "failed"
        meaning = "running" if status is None else _MEANINGS.get(status, killed)
        words = shlex.join(("grokjax", *self.command))
        return {"name": self.name, "command": words, "status": status, "meaning": meaning, "lines": self._lines()}

    def _lines(self) -> list[str]:
        try:
            with open(self.output, "rb") as file:
                file.seek(max(0, self.output.stat().st_size - _TAIL))
                lines = file.read().decode(errors="replace").splitlines()
        except OSError:  # somebody has removed it; the sweep trains on
            return []
        return [printable(line) for line in lines[-_LINES:]]


class Starter:
    """Starts sweeps, each in a folder of its own beside the first that is shown."""

    def __init__(self, folders: Folders, is_allowed: bool, environment: Mapping[str, str] = os.environ):
        """`environment`: of the processes that are started; the page's own keeps it off accelerators."""
        self._folders, self._environment = folders, dict(environment)
        self.is_allowed = is_allowed
        self._started: dict[Path, Started] = {}
        self._is_starting = threading.Lock()

    def state(self) -> dict[str, Any]:
        """Whether there is something to start with, and what became of what was started."""
        return {"may_start": self.is_allowed, "started": [started.to_json() for started in self.started()]}

    def started(self) -> list[Started]:
        """What was started here, the first first."""
        return list(self._started.values())

    def start(self, text: str, name: str) -> None:
        """Start the sweep with this text, which was checked.

        Raises:
          RefusedError: it trains already, or something else lies where it would.
        """
        with self._is_starting:
            root = self._folders.place() / name
            if root in self._started and self._started[root].process.poll() is None:
                raise RefusedError(f"{root} is being trained already")
            file, output = root.with_name(f"{name}.yaml"), root.with_name(f"{name}.log")
            _keep(file, text, root)
            command = ("run", str(file), "--out", str(root))
            with _opened_log(output) as written:
                process = subprocess.Popen(
                    [sys.executable, "-P", "-m", "grokjax", *command],  # -P: no module of the folder it is started in
                    stdin=subprocess.DEVNULL,
                    stdout=written,
                    stderr=subprocess.STDOUT,
                    env=self._environment,
                    start_new_session=True,  # what ends the page does not end it
                )
            self._started[root] = Started(name, command, process, output)
            self._folders.show(root)

    def stop(self, name: str) -> None:
        """Ask a process that was started here to save and end.

        Raises:
          RefusedError: none of that name runs.
        """
        running = [one for one in self.started() if one.name == name and one.process.poll() is None]
        if not running:
            raise RefusedError("no sweep of that name was started here and runs")
        running[0].process.send_signal(signal.SIGTERM)


def _keep(file: Path, text: str, root: Path) -> None:
    """Write the sweep file; the same one may be there from an earlier start, which then goes on."""
    file.parent.mkdir(parents=True, exist_ok=True)
    content, taken = text.encode(), next((path for path in (file, root) if os.path.lexists(path)), None)
    if taken is None:
        write_atomically(file, content)
    elif not (file.is_file() and file.read_bytes() == content):
        raise RefusedError(f"{taken} is there already; choose another name")


def _opened_log(path: Path) -> BinaryIO:
    """A log to append to.

    Raises:
      RefusedError: what is there is no file of its own.
    """
    try:
        number = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_NONBLOCK, 0o666)
    except OSError as error:
        raise RefusedError(f"{path} is there already; choose another name") from error
    if not stat.S_ISREG(os.fstat(number).st_mode):
        os.close(number)
        raise RefusedError(f"{path} is there already; choose another name")
    return os.fdopen(number, "ab")


def starting_routes(starter: Starter, checker: Checker) -> list[Route]:
    """What was started to read; and to start and to stop, which take a text."""

    def state(_: Request) -> Response:
        return JSONResponse(starter.state())

    async def start(request: Request) -> Response:
        return await _answered(request, starter, lambda asked: _start(asked, starter, checker))

    async def stop(request: Request) -> Response:
        return await _answered(request, starter, lambda asked: starter.stop(str(asked.get("name"))))

    return [
        Route("/api/started", state),
        Route("/api/start", start, methods=["POST"]),
        Route("/api/stop", stop, methods=["POST"]),
    ]


def _start(asked: dict[str, Any], starter: Starter, checker: Checker) -> dict[str, Any] | None:
    """Check the text as the form does, and start it where nothing is wrong; None while another check is going on."""
    text = asked.get("yaml")
    if not isinstance(text, str):
        raise ValueError("expected a text")
    answer = checker.check(text)
    if answer is None:
        return None
    if answer["problems"]:
        raise RefusedError(answer["problems"][0]["text"])
    if "cells" not in answer["plan"]:
        raise RefusedError("it has too many runs to be started here; `grokjax run FILE.yaml` trains it")
    starter.start(text, answer["plan"]["name"])
    return starter.state()


async def _answered(request: Request, starter: Starter, act: Any) -> Response:
    if not starter.is_allowed:
        return JSONResponse({"problem": OFF}, 403)
    asked = await asked_of(request)
    if isinstance(asked, Response):
        return asked
    try:
        answer = await run_in_threadpool(act, asked)
    except RefusedError as error:
        return JSONResponse({"problem": str(error)}, 409)
    except (ValueError, OSError) as error:
        return JSONResponse({"problem": str(error)}, 400)
    return JSONResponse({"busy": True}, 202) if answer is None and "yaml" in asked else JSONResponse(starter.state())
