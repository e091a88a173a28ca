"""What the form asks for: the parts that there are, and whether a sweep would do. Nothing is written or started.

A check has a process of its own, so that one can be ended that takes too long.
"""

import contextlib
import json
import multiprocessing
import signal
import tempfile
import threading
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from grokjax.page.form import sweep_mapping
from grokjax.reader.errors import SpecError
from grokjax.reader.yaml_file import MOST_BYTES
from grokjax.reader.yaml_text import dump

SECONDS = 30.0
"""That a check may take."""
_TOO_LONG = "the check was ended after {seconds:g} s; `grokjax plan FILE.yaml` takes the time that it needs"
_UNTIMED = "not timed within {seconds:g} s; `grokjax plan FILE.yaml` takes the time that it needs"
_DIED = "the check died, maybe for want of memory; `grokjax plan FILE.yaml` says more"


class Checker:
    """One check at a time. Its process ends with the one that asks, or once nobody can ask any more."""

    def __init__(self) -> None:
        self._is_asked = threading.Lock()
        self._process: SpawnProcess | None = None
        self._connection: Connection | None = None

    def check(self, text: str, is_timed: bool = False) -> dict[str, Any] | None:
        """What `check_text` says; None while another check is going on.

        A check that waited would hold a thread, of which the rest of the page has need; whoever asks may ask again.
        A plan that takes too long to be timed comes without its time.

        Raises:
          ValueError: what `check_text` raises.
        """
        if not self._is_asked.acquire(blocking=False):
            return None
        try:
            answer = self._answer(text, is_timed)
            if is_timed and answer.get("was_ended") and (plan := (untimed := self._answer(text, False))["plan"]):
                plan["time"] = _UNTIMED.format(seconds=SECONDS)
                return untimed
            return answer
        finally:
            self._is_asked.release()

    def _answer(self, text: str, is_timed: bool) -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as folder:  # of this process, so that none is left when the other is ended
            try:
                connection = self._started()
                connection.send((text, folder, is_timed))
                if not connection.poll(SECONDS):
                    return self._ended(_TOO_LONG.format(seconds=SECONDS))
                answer, refusal = connection.recv()
            except (EOFError, OSError):
                return self._ended(_DIED)
        if refusal:
            raise ValueError(refusal)
        return answer

    def _started(self) -> Connection:
        """The way to the process, which is ready."""
        if self._connection is None or self._process is None or not self._process.is_alive():
            context = multiprocessing.get_context("spawn")
            self._connection, other = context.Pipe()
            self._process = context.Process(target=_check_all, args=(other,), daemon=True)
            self._process.start()
            other.close()  # so that its end is seen
            self._connection.recv()
        return self._connection

    def _ended(self, why: str) -> dict[str, Any]:
        """End the process, which is started anew by the next check."""
        if self._process is not None:
            self._process.kill()
            self._process.join()
        self._process = self._connection = None
        return {"problems": [{"key": "", "line": None, "text": why}], "plan": None, "was_ended": True}


def _check_all(connection: Connection) -> None:
    """Check text after text, until nobody asks."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the process that asks, and that ends this one
    from grokjax.page.check import check_text

    with contextlib.suppress(EOFError, OSError):
        connection.send("ready")
        while True:
            text, folder, is_timed = connection.recv()
            try:
                connection.send((check_text(text, folder, is_timed), ""))
            except (ValueError, TypeError, AttributeError) as error:
                connection.send((None, str(error)))


def builder_routes(checker: Checker) -> list[Route]:
    """The catalogue to read, and the check, which takes a text."""

    async def check(request: Request) -> Response:
        return await _check(request, checker)

    return [Route("/api/catalogue", _catalogue), Route("/api/check", check, methods=["POST"])]


def _catalogue(_: Request) -> Response:
    from grokjax.page.parts import catalogue_json  # imports JAX, which sweeps that are only shown do without

    return JSONResponse(catalogue_json())


async def asked_of(request: Request) -> dict[str, Any] | Response:
    """What was sent, a mapping; or the answer that refuses it."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > 2 * MOST_BYTES:
            return JSONResponse({"problem": "the text is too long"}, 413)
    try:
        asked = json.loads(body)
    except ValueError as error:
        return JSONResponse({"problem": str(error)}, 400)
    return asked if isinstance(asked, dict) else JSONResponse({"problem": "expected a mapping"}, 400)


async def _check(request: Request, checker: Checker) -> Response:
    asked = await asked_of(request)
    if isinstance(asked, Response):
        return asked
    try:
        if not isinstance(asked.get("form", asked.get("yaml")), (dict, str)):
            raise ValueError("expected a form or a text")
        answer = await run_in_threadpool(checked, asked, checker)
        return JSONResponse({"busy": True}, 202) if answer is None else JSONResponse(answer)
    except (ValueError, TypeError, AttributeError) as error:
        return JSONResponse({"problem": str(error)}, 400)


def checked(asked: dict[str, Any], checker: Checker) -> dict[str, Any] | None:
    """The text of a sweep, its problems, and its plan where it has none; None while another check is going on.

    Args:
      asked: `form`, what was filled in, see `form.sweep_mapping`; or `yaml`, a text; and `time`, whether to time it.
    """
    try:
        text = asked["yaml"] if "yaml" in asked else dump(sweep_mapping(asked["form"]))
    except SpecError as error:
        problems = [{"key": problem.key, "line": None, "text": str(problem)} for problem in error.problems]
        return {"yaml": None, "problems": problems, "plan": None}
    answer = checker.check(text, asked.get("time") is True)
    return None if answer is None else {"yaml": text, **answer}
