"""What the form asks for: the parts that there are, and whether a sweep would do. Nothing is written or started."""

import json
import threading
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from grokjax.reader.errors import SpecError
from grokjax.reader.yaml_file import MOST_BYTES
from grokjax.reader.yaml_text import dump

_ONE_AT_A_TIME = threading.Lock()


def builder_routes() -> list[Route]:
    """The catalogue to read, and the check, which takes a text."""
    return [Route("/api/catalogue", _catalogue), Route("/api/check", _check, methods=["POST"])]


def _catalogue(_: Request) -> Response:
    from grokjax.page.parts import catalogue_json  # imports JAX, which sweeps that are only shown do without

    with _ONE_AT_A_TIME:
        return JSONResponse(catalogue_json())


async def _check(request: Request) -> Response:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > 2 * MOST_BYTES:
            return JSONResponse({"problem": "the text is too long"}, 413)
    try:
        asked = json.loads(body)
        if not isinstance(asked, dict) or not isinstance(asked.get("form", asked.get("yaml")), (dict, str)):
            raise ValueError("expected a form or a text")
        return JSONResponse(await run_in_threadpool(checked, asked))
    except (ValueError, TypeError, AttributeError) as error:
        return JSONResponse({"problem": str(error)}, 400)


def checked(asked: dict[str, Any]) -> dict[str, Any]:
    """The text of a sweep, its problems, and its plan where it has none.

    Args:
      asked: `form`, what was filled in, see `form.sweep_mapping`; or `yaml`, a text.
    """
    from grokjax.page.check import check_text
    from grokjax.page.form import sweep_mapping

    try:
        text = asked["yaml"] if "yaml" in asked else dump(sweep_mapping(asked["form"]))
    except SpecError as error:
        problems = [{"key": problem.key, "line": None, "text": str(problem)} for problem in error.problems]
        return {"yaml": None, "problems": problems, "plan": None}
    with _ONE_AT_A_TIME:
        return {"yaml": text, **check_text(text)}
