"""What surrounds every request: its id, its line in the access log, its count, headers, a net.

One ASGI layer does it all, since each layer costs every request. Knows nothing of what is asked
for, nor of where the lines of the access log go.
"""

import asyncio
import logging
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mlopsproj_core.errors import DeadlineError, MlopsprojError
from mlopsproj_records.identifiers import uuid7

from mlopsproj_serving.http.problems import CLIENT_GONE, error_response

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from mlopsproj_serving.http.counting import RequestCounts
    from mlopsproj_serving.telemetry.tracing import Tracing

logger = logging.getLogger(__name__)

ELSEWHERE = "none"
"""The route of what no route matched: paths that clients make up name no series."""

_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH"})
_REQUEST_ID = re.compile(rb"[A-Za-z0-9._:/+=-]{1,128}")
_HEADERS = [
    (b"x-content-type-options", b"nosniff"),
    (b"cache-control", b"no-store"),
]


@dataclass(frozen=True, slots=True)
class Access:
    """A line of the access log; holds neither keys nor what was sent.

    Attributes:
        request_id: of the answer's header, too.
        method: of HTTP.
        path: without the query, which may carry anything.
        route: template that matched, `ELSEWHERE` if none.
        status: of the answer.
        milliseconds: from the head of the request to the last byte of the answer.
        client: its address; of the proxy, where one stands in front.
        received_bytes: that the request announced, None if it did not.
    """

    request_id: str
    method: str
    path: str
    route: str
    status: int
    milliseconds: float
    client: str | None
    received_bytes: int | None


class Edge:
    """The outermost layer of the application."""

    def __init__(
        self,
        app: "ASGIApp",
        *,
        metrics: "RequestCounts",
        access: Callable[[Access], None] | None = None,
        tracing: "Tracing | None" = None,
    ) -> None:
        """Around an application.

        Args:
            app: within.
            metrics: that requests are counted in.
            access: takes the lines of the access log.
            tracing: where spans go.
        """
        self._app = app
        self._metrics = metrics
        self._access = access
        self._tracing = tracing

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Answer a request; exceptions end here, as a problem with status 500."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        begun = time.perf_counter()
        request_id = _request_id(scope["headers"])
        scope.setdefault("state", {})["request_id"] = request_id
        status = 0

        async def send_with_headers(message: "Message") -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                headers = message["headers"] = list(message.get("headers", ()))
                headers.append((b"x-request-id", request_id.encode()))
                headers += _HEADERS
            await send(message)

        try:
            if self._tracing is None:
                await self._app(scope, receive, send_with_headers)
            else:
                with self._tracing.request(scope) as span:
                    await self._app(scope, receive, send_with_headers)
                    span.end(route=_route(scope), status=status or CLIENT_GONE)
        except asyncio.CancelledError:
            if status == 0:  # the server ends, and has waited long enough
                late = DeadlineError("The service ended before it had an answer: send it again.")
                await error_response(late, request_id=request_id)(scope, receive, send_with_headers)
            raise
        except Exception:
            logger.exception("request %s failed: %s %s", request_id, scope["method"], scope["path"])
            if status == 0:
                failure = MlopsprojError("The service failed: its log says more at the request id.")
                answer = error_response(failure, request_id=request_id)
                await answer(scope, receive, send_with_headers)
        finally:
            self._count(scope, request_id, status or CLIENT_GONE, time.perf_counter() - begun)

    def _count(self, scope: "Scope", request_id: str, status: int, seconds: float) -> None:
        route = _route(scope)
        method = scope["method"] if scope["method"] in _METHODS else "OTHER"
        self._metrics.request(route=route, method=method, status=status, seconds=seconds)
        if self._access is not None:
            client = scope.get("client")
            self._access(
                Access(
                    request_id=request_id,
                    method=method,
                    path=scope["path"],
                    route=route,
                    status=status,
                    milliseconds=round(seconds * 1e3, 3),
                    client=client[0] if client else None,
                    received_bytes=_content_length(scope["headers"]),
                )
            )


def _request_id(headers: list[tuple[bytes, bytes]]) -> str:
    """The one that the client sent, if it can stand in a log, else a new one."""
    for name, value in headers:
        if name == b"x-request-id" and _REQUEST_ID.fullmatch(value):
            return value.decode()
    return uuid7().replace("-", "")


def _content_length(headers: list[tuple[bytes, bytes]]) -> int | None:
    for name, value in headers:
        if name == b"content-length" and value.isdigit():
            return int(value)
    return None


def _route(scope: "Scope") -> str:
    route = scope.get("route")
    return ELSEWHERE if route is None else str(route.path)
