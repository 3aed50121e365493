"""The HTTP side of the stand-in: keys, GraphQL requests, and files that are put and fetched."""

import base64
import gzip
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from wandb_stand_in.account import Account
from wandb_stand_in.operations import GraphqlError, Operations

KEY = "0123456789" * 4


class StandIn(ThreadingHTTPServer):
    """The server.

    `refuse` is asked for each request, by its operation or its path's first part, whether it is
    answered with a status such as 500 instead; None is no.
    """

    daemon_threads = True

    def __init__(self, key: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.key = key
        self.lock = threading.RLock()
        self.reset()

    def reset(self) -> None:
        """An account that holds nothing: a team in an organization with the registry "model"."""
        self.account = Account(team="team", organization="org", registries=["model"])
        self.operations = Operations(self.account, self.url)
        self.refuse: Callable[[str], int | None] = lambda _: None
        self.asked: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: StandIn
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # one packet for each answer: a second one would wait 40 ms for the first

    def do_POST(self) -> None:
        body = self._body()
        if self.path != "/graphql":
            self._answer(200, b"{}")  # the stream of a run's lines and metrics
            return
        asked = json.loads(body)
        with self.server.lock:
            name = self.server.operations.name_of(asked["query"])
            if not self._let_through(name, key=True):
                return
            try:
                data = self.server.operations.answer(name, asked.get("variables") or {})
            except GraphqlError as error:
                answer = {"errors": [{"message": str(error)}], "data": None}
                self._answer(error.status, json.dumps(answer).encode())
            else:
                self._answer(200, json.dumps({"data": data}).encode())

    def do_PUT(self) -> None:
        body = self._body()
        with self.server.lock:
            if self._let_through("upload", key=False):
                self.server.operations.uploaded[self.path] = body
                self._answer(200, b"")

    def do_GET(self) -> None:
        with self.server.lock:
            if not self._let_through("download", key=False):
                return
            content = self.server.operations.uploaded.get(self.path)
            self._answer(404 if content is None else 200, content or b"")

    def log_message(self, *_: object) -> None:
        pass

    def _body(self) -> bytes:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        return gzip.decompress(body) if self.headers.get("Content-Encoding") == "gzip" else body

    def _let_through(self, name: str, *, key: bool) -> bool:
        self.server.asked.append(name)
        wanted = base64.b64encode(f"api:{self.server.key}".encode()).decode()
        if key and self.headers.get("Authorization") != f"Basic {wanted}":
            self._answer(401, b'{"errors":[{"message":"invalid API key"}]}')
            return False
        status = self.server.refuse(name)
        if status is not None:
            self._answer(status, b'{"errors":[{"message":"made up by the test"}]}')
        return status is None

    def _answer(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def serving(*, key: str = KEY) -> Iterator[StandIn]:
    """A stand-in that answers meanwhile."""
    with StandIn(key) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
