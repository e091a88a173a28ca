"""What is asked below `/api/`, and the answer to it; the same content is made once and sent once."""

import json
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from grokjax.page.arms import arms_json
from grokjax.page.diagram import diagram_json
from grokjax.page.folders import Folders
from grokjax.page.runs import curves_json, run_json, table_json
from grokjax.report.colours import PHASE_STYLES
from grokjax.results.growing import GrowingResults, Snapshot
from grokjax.store.files import checksum

_KEPT = 64  # answers that are sent again when they are asked for again
_LONGEST = 4000  # characters of one value of a query

_PHASES = {
    name: {"letter": style.letter, "colour": style.colour, "ink": style.ink} for name, style in PHASE_STYLES.items()
}

Question = Callable[[GrowingResults, Snapshot, dict[str, str]], dict[str, Any]]


class Answers:
    """Answers about the sweeps that are shown."""

    def __init__(self, folders: Folders):
        self._folders = folders
        self._made: OrderedDict[str, bytes] = OrderedDict()

    def routes(self) -> list[Route]:
        """All of them; plain functions, so that a long one holds up no other."""
        plain = {"state": self._state, "phases": lambda request: _sent(request, json.dumps(_PHASES).encode())}
        questions: dict[str, Question] = {"diagram": _diagram, "table": _table, "curves": _curves, "run": _run}
        answers = plain | {name: self._about(name, ask) for name, ask in questions.items()}
        return [Route(f"/api/{name}", answer) for name, answer in answers.items()]

    def _state(self, request: Request) -> Response:
        return _sent(request, json.dumps({"sweeps": self._folders.state()}).encode())

    def _about(self, name: str, ask: Question) -> Callable[[Request], Response]:
        def answer(request: Request) -> Response:
            query = {key: value[:_LONGEST] for key, value in request.query_params.items()}
            try:
                results = self._folders[query.pop("sweep", "")]
                if results.snapshot is None:
                    raise ValueError(results.problem or "it is being read")
                return _sent(request, self._content(name, ask, results, results.snapshot, query))
            except (ValueError, KeyError) as error:
                return JSONResponse({"problem": str(error)}, 400)

        return answer

    def _content(
        self, name: str, ask: Question, results: GrowingResults, snapshot: Snapshot, query: dict[str, str]
    ) -> bytes:
        identity = json.dumps([name, str(results.root), snapshot.version, sorted(query.items())])
        content = self._made.get(identity)
        if content is None:
            ruled = snapshot.under(query.get("rule", ""))
            content = json.dumps(ask(results, ruled, query), allow_nan=False).encode()
            self._made[identity] = content
            while len(self._made) > _KEPT:
                self._made.popitem(last=False)
        return content


def _sent(request: Request, content: bytes) -> Response:
    """The content, or that it is what the page has already."""
    tag = f'"{len(content)}-{checksum(content)}"'
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers={"etag": tag})
    return Response(content, media_type="application/json", headers={"etag": tag})


def _diagram(results: GrowingResults, snapshot: Snapshot, query: dict[str, str]) -> dict[str, Any]:
    diagram = diagram_json(snapshot, *(query.get(key, "") for key in ("where", "x", "y", "colour")))
    return {**diagram, **arms_json(results.root)} if snapshot.has_arms else diagram


def _table(_: GrowingResults, snapshot: Snapshot, query: dict[str, str]) -> dict[str, Any]:
    cell = json.loads(query.get("cell", "[]"))
    if not isinstance(cell, list) or not all(map(_is_pair, cell)):
        raise ValueError("cell: expected [[column, value], ...]")
    first = query.get("first", "0")
    return table_json(
        snapshot,
        query.get("where", ""),
        tuple((name, value) for name, value in cell),
        query.get("sort", ""),
        query.get("descending") == "true",
        int(first) if first.isdecimal() else 0,
        query.get("also", ""),
    )


def _is_pair(pair: object) -> bool:
    """Whether it is a column with a value; lists and mappings are none."""
    match pair:
        case [str(), str() | int() | float() | None]:
            return True
    return False


def _curves(_: GrowingResults, snapshot: Snapshot, query: dict[str, str]) -> dict[str, Any]:
    return curves_json(snapshot, list(filter(None, query.get("runs", "").split(","))), query.get("measure", ""))


def _run(results: GrowingResults, snapshot: Snapshot, query: dict[str, str]) -> dict[str, Any]:
    return run_json(results.root, snapshot, query.get("run", ""))
