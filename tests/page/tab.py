"""The page on a real port, and a tab that asks it."""

import contextlib
import dataclasses
import http.client
import json
import threading
import time
import urllib.parse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from grokjax.page.folders import Folders
from grokjax.page.server import make_app, make_server, open_port
from grokjax.page.starting import Starter

TOKEN = "the-token"


@dataclasses.dataclass(frozen=True)
class Answer:
    """What came back; names of headers in small letters."""

    status: int
    headers: dict[str, str]
    text: str

    @property
    def content(self) -> Any:
        return json.loads(self.text)


@dataclasses.dataclass(frozen=True)
class Tab:
    """Asks with the token, as the page does.

    Attributes:
      folders: what is shown; `folders.refresh()` in place of the thread that does it.
    """

    port: int
    folders: Folders
    starter: Starter

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(
        self,
        path: str,
        query: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        method: str = "GET",
        body: Any = None,
    ) -> Answer:
        sent = {"Host": f"127.0.0.1:{self.port}", "X-Token": TOKEN, **(headers or {})}
        target = path + (f"?{urllib.parse.urlencode(query)}" if query else "")
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.putrequest(method, target, skip_host=True)
            text = b"" if body is None else json.dumps(body).encode()
            for name, value in {**sent, "Content-Length": str(len(text))}.items():
                connection.putheader(name, value)
            connection.endheaders(text)
            answer = connection.getresponse()
            named = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, named, answer.read().decode())
        finally:
            connection.close()

    def told(self, name: str, **query: Any) -> Any:
        """The content of an answer that is none of a refusal."""
        answer = self.ask(f"/api/{name}", query)
        assert answer.status == 200, answer.text
        return answer.content

    def send(self, question: str, **asked: Any) -> Answer:
        """What the page posts."""
        return self.ask(f"/api/{question}", None, {"Origin": self.address}, "POST", asked)

    def check(self, **asked: Any) -> Any:
        answer = self.send("check", **asked)
        assert answer.status == 200, answer.text
        return answer.content


@contextlib.contextmanager
def page_of(*roots: Path, may_start: bool = False) -> Iterator[Tab]:
    """The page of some folders, served until the end of the block."""
    folders, opened = Folders(list(roots)), open_port(0)
    folders.refresh()
    starter = Starter(folders, may_start)
    server = make_server(make_app(folders, opened.getsockname()[1], TOKEN, starter))
    thread = threading.Thread(target=server.run, args=([opened],))
    thread.start()
    try:
        while not server.started:
            time.sleep(0.01)
        yield Tab(opened.getsockname()[1], folders, starter)
    finally:
        server.should_exit = True
        thread.join()
        opened.close()
