"""What the form asks for: the parts that there are, and whether a sweep would do. Nothing is written or started."""

import json
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from grokjax.page.checker import Checker
from grokjax.page.form import sweep_mapping
from grokjax.reader.errors import SpecError
from grokjax.reader.yaml_file import MOST_BYTES
from grokjax.reader.yaml_text import dump


def builder_routes() -> list[Route]:
    """The catalogue to read, and the check, which takes a text."""
    checker = Checker()

    async def check(request: Request) -> Response:
        return await _check(request, checker)

    return [Route("/api/catalogue", _catalogue), Route("/api/check", check, methods=["POST"])]


def _catalogue(_: Request) -> Response:
    from grokjax.page.parts import catalogue_json  # imports JAX, which sweeps that are only shown do without

    return JSONResponse(catalogue_json())


async def _check(request: Request, checker: Checker) -> Response:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > 2 * MOST_BYTES:
            return JSONResponse({"problem": "the text is too long"}, 413)
    try:
        asked = json.loads(body)
        if not isinstance(asked, dict) or not isinstance(asked.get("form", asked.get("yaml")), (dict, str)):
            raise ValueError("expected a form or a text")
        answer = await run_in_threadpool(checked, asked, checker)
        return JSONResponse({"busy": True}, 202) if answer is None else JSONResponse(answer)
    except (ValueError, TypeError, AttributeError) as error:
        return JSONResponse({"problem": str(error)}, 400)


def checked(asked: dict[str, Any], checker: Checker) -> dict[str, Any] | None:
    """The text of a sweep, its problems, and its plan where it has none; None while another check is going on.

    Args:
      asked: `form`, what was filled in, see `form.sweep_mapping`; or `yaml`, a text.
    """
    try:
        text = asked["yaml"] if "yaml" in asked else dump(sweep_mapping(asked["form"]))
    except SpecError as error:
        problems = [{"key": problem.key, "line": None, "text": str(problem)} for problem in error.problems]
        return {"yaml": None, "problems": problems, "plan": None}
    answer = checker.check(text)
    return None if answer is None else {"yaml": text, **answer}
