"""The page on a port of this machine: routes, files, start and end."""

import logging
import secrets
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

from grokjax.page.answers import Answers
from grokjax.page.builder import Checker, builder_routes
from grokjax.page.folders import Folders
from grokjax.page.guard import App, Guard
from grokjax.page.starting import Starter, starting_routes

LOOPBACK = "127.0.0.1"
DEFAULT_PORT = 8765
_STATIC, _VENDOR = Path(__file__).with_name("static"), Path(__file__).with_name("vendor")
_TYPES = {".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
_LONGEST_HEADERS = 16 * 1024
_MOST_CONNECTIONS = 64


class PortInUseError(OSError):
    """Another process listens there."""


def make_app(folders: Folders, port: int, token: str, starter: Starter | None = None) -> App:
    """The page as an ASGI application, checks included; without a starter it starts nothing."""
    files = {f"/static/{path.name}": path for path in _STATIC.iterdir() if path.suffix in _TYPES}
    files |= {f"/vendor/{path.name}": path for path in (_VENDOR / "uplot").iterdir() if path.suffix in _TYPES}
    files["/"] = _STATIC / "index.html"
    checker = Checker()
    taking = [*builder_routes(checker), *starting_routes(starter or Starter(folders, is_allowed=False), checker)]
    routes = [*(_file(url, path) for url, path in files.items()), *Answers(folders).routes(), *taking]
    routes.append(Route("/favicon.ico", lambda request: Response(status_code=204)))
    asking = tuple(route.path for route in taking if "POST" in (route.methods or ()))
    return Guard(Starlette(routes=routes), port, token, asking)


def open_port(port: int | None) -> socket.socket:
    """A socket of this machine alone, at the port that is asked for; the default one or, where that is taken, any.

    Raises:
      PortInUseError: the port that was asked for is taken.
    """
    reason = ""
    for number in (DEFAULT_PORT, 0) if port is None else (port,):
        opened = socket.socket()
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            opened.bind((LOOPBACK, number))
            opened.listen(_MOST_CONNECTIONS)  # from now on who asks waits, and nobody else gets the port
        except OSError as error:
            opened.close()
            reason = error.strerror or str(error)
            continue
        return opened
    raise PortInUseError(f"--port {port}: {reason}; leave --port out to take any.")


def serve(
    roots: Sequence[Path], opened: socket.socket, token: str, environment: Mapping[str, str] | None = None
) -> None:
    """Answer until the process is told to end.

    Args:
      environment: of the sweeps that may be started; None for a page that starts none.
    """
    folders = Folders(roots)
    starter = Starter(folders, environment is not None, environment or {})
    folders.follow()
    try:
        make_server(make_app(folders, opened.getsockname()[1], token, starter)).run([opened])
    finally:
        folders.stop()


def make_server(app: App) -> uvicorn.Server:
    """What speaks HTTP before the application, with limits on what it takes."""
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    return uvicorn.Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            lifespan="off",
            ws="none",
            http="h11",
            limit_concurrency=_MOST_CONNECTIONS,
            h11_max_incomplete_event_size=_LONGEST_HEADERS,
            timeout_graceful_shutdown=1,
        )
    )


def new_token() -> str:
    """128 random bits, as they stand in an address."""
    return secrets.token_urlsafe(16)


def _file(url: str, path: Path) -> Route:
    def send(_: Request) -> Response:
        return FileResponse(path, media_type=_TYPES[path.suffix])

    return Route(url, send)
