"""Who may ask this page anything? Its own tab, on this machine, with the token that was printed; nobody else.

A page of the web that is open in the same browser can send requests here, also under a name of its own that it lets
point to this machine. So the name that was asked for (Host), the page that asks (Origin, Sec-Fetch-Site) and a token
that only the printed address holds are checked before anything is answered.
"""

import hmac
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from starlette.responses import PlainTextResponse

Scope = MutableMapping[str, Any]
Send = Callable[[Any], Awaitable[None]]
App = Callable[[Any, Any, Any], Awaitable[None]]
TOKEN_HEADER = "x-token"
READING = ("GET", "HEAD")
HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cross-origin-opener-policy": "same-origin",
    "cache-control": "no-store",
}


class Guard:
    """The page behind its checks; every answer carries the headers that forbid to load anything from elsewhere."""

    def __init__(self, app: App, port: int, token: str, asking: tuple[str, ...] = ()):
        """Guard an ASGI application.

        Args:
          token: that requests below `/api/` must carry.
          asking: paths that take a text to be checked, by POST; all others are only read.
        """
        self._app, self._token, self._asking = app, token, asking
        self._hosts = {f"{name}:{port}" for name in ("127.0.0.1", "localhost")}

    async def __call__(self, scope: Scope, receive: Any, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def with_headers(message: Any) -> None:
            if message["type"] == "http.response.start":
                message["headers"] += [(name.encode(), value.encode()) for name, value in HEADERS.items()]
            await send(message)

        refusal = self._refusal(scope)
        answer: App = self._app if refusal is None else PlainTextResponse(refusal[1], refusal[0])
        await answer(scope, receive, with_headers)

    def _refusal(self, scope: Scope) -> tuple[int, str] | None:
        """Status and reason; None for what may be answered."""
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if headers.get("host") not in self._hosts:
            return 403, "refused: this page answers to 127.0.0.1 and localhost alone"
        if "origin" in headers and headers["origin"] not in {f"http://{host}" for host in self._hosts}:
            return 403, "refused: another page asks"
        if headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
            return 403, "refused: another page asks"
        allowed = ("POST",) if scope["path"] in self._asking else READING
        if scope["method"] not in allowed:
            return 405, f"refused: only {' and '.join(allowed)}"
        if scope["method"] == "POST" and "origin" not in headers:
            return 403, "refused: nobody says which page asks"
        is_open = not scope["path"].startswith("/api/")
        if not is_open and not hmac.compare_digest(headers.get(TOKEN_HEADER, "").encode(), self._token.encode()):
            return 403, "refused: the token is missing or wrong; open the address that the command printed"
        return None
