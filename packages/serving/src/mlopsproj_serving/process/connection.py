"""A client's connection, which is closed if no request comes of what the client says.

uvicorn waits for ever for the rest of a head, and keeps all that came of it; it also waits for ever
for a client to take its answer. A head that comes in one piece and an answer that is taken cost no
timer. Knows nothing of bodies that are being read for an answer: who reads them bounds them.
"""

import asyncio
from http import HTTPStatus
from typing import Any, ClassVar

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

MAX_HEAD_BYTES = 64 * 1024
"""Of a request's line and headers, besides what came with its first byte; a browser's cookies and a
proxy's additions take a few KB."""


def connections_within(seconds: float) -> type[HttpToolsProtocol]:
    """The protocol of connections on which a client is waited for no longer than this.

    Args:
        seconds: from the connection, or from the first byte after an answer, until the head of a
            request has come; and until a client that stopped taking its answer takes more of it.
    """
    return type("BoundedConnection", (_Connection,), {"seconds": seconds})


class _Connection(HttpToolsProtocol):
    """uvicorn's, with a bound on what comes before a request, and on how an answer is taken."""

    seconds: ClassVar[float]

    def __init__(self, *arguments: Any, **settings: Any) -> None:
        super().__init__(*arguments, **settings)
        self._patience: asyncio.TimerHandle | None = None
        self._until_taken: asyncio.TimerHandle | None = None
        self._in_head = False
        self._head_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # (as uvicorn's)
        super().connection_made(transport)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._wait_no_more()
        self._is_taken()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        # A head that begins within the data counts from 0: before it come requests, and their
        # bodies, of a client that does not wait for answers.
        self._head_bytes += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._in_head and self._head_bytes > MAX_HEAD_BYTES:
            self._refuse(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE)
            return
        # Also the rest of a body that was answered before it had come is not waited for any longer.
        if self._patience is None and self._nothing_to_answer():
            self._wait_for_head()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._until_taken = self.loop.call_later(self.seconds, self.transport.abort)

    def resume_writing(self) -> None:
        self._is_taken()
        super().resume_writing()

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head, self._head_bytes = True, 0

    def on_headers_complete(self) -> None:
        self._in_head = False
        self._wait_no_more()
        super().on_headers_complete()

    def _wait_for_head(self) -> None:
        self._patience = self.loop.call_later(self.seconds, self._give_up)

    def _wait_no_more(self) -> None:
        if self._patience is not None:
            self._patience.cancel()
            self._patience = None

    def _is_taken(self) -> None:
        if self._until_taken is not None:
            self._until_taken.cancel()
            self._until_taken = None

    def _nothing_to_answer(self) -> bool:
        return self.cycle is None or self.cycle.response_complete

    def _give_up(self) -> None:
        self._patience = None
        if self.transport.is_closing():
            return
        if self._in_head:
            self._refuse(HTTPStatus.REQUEST_TIMEOUT)
        else:
            self.transport.close()

    def _refuse(self, status: HTTPStatus) -> None:
        if self._nothing_to_answer():  # else it would stand in the midst of an answer
            head = f"HTTP/1.1 {status.value} {status.phrase}\r\nconnection: close\r\n"
            self.transport.write(f"{head}content-length: 0\r\n\r\n".encode("ascii"))
        self.transport.close()
