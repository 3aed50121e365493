"""Clients that hold a connection without ever finishing what they say.

Knows nothing of who should hang up, nor when.
"""

import contextlib
import selectors
import socket
import threading
from dataclasses import dataclass, field
from typing import Self

HEAD = b"POST /v1/predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\n"
_BETWEEN_BYTES_SECONDS = 0.2


@dataclass
class SlowClient:
    """A connection that is fed byte by byte.

    Attributes:
        at_once: what is sent in the beginning.
        later: what is sent one byte at a time, over and over.
        closed: whether the server has hung up.
        heard: what it said before.
    """

    at_once: bytes
    later: bytes
    closed: bool = False
    heard: bytes = b""
    sent: int = 0
    connection: socket.socket = field(default_factory=socket.socket)


def dribbled_head() -> SlowClient:
    return SlowClient(HEAD, b"X-More: and more\r\n")


def dribbled_body() -> SlowClient:
    return SlowClient(HEAD + b"Content-Length: 1000000\r\n\r\n\xff\xd8\xff", b"\x00")


def dribbled_chunks() -> SlowClient:
    return SlowClient(HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"1\r\n\x00\r\n")


def half_a_body() -> SlowClient:
    return SlowClient(HEAD + b"Content-Length: 1000\r\n\r\n" + b"\xff" * 500, b"")


def silence() -> SlowClient:
    return SlowClient(b"", b"")


KINDS = (dribbled_head, dribbled_body, dribbled_chunks, half_a_body, silence)


class SlowClients:
    """Many of them, fed by a thread until the server has hung up on each."""

    def __init__(self, port: int, count: int) -> None:
        """Make `count` of them, of each kind as many."""
        self.clients = [KINDS[number % len(KINDS)]() for number in range(count)]
        self._port = port
        self._stop = threading.Event()
        self._selector = selectors.DefaultSelector()
        self._thread = threading.Thread(target=self._feed, daemon=True)

    @property
    def open(self) -> list[SlowClient]:
        """Those that the server has not hung up on."""
        return [client for client in self.clients if not client.closed]

    def __enter__(self) -> Self:
        for client in self.clients:
            client.connection.settimeout(10)
            client.connection.connect(("127.0.0.1", self._port))
            client.connection.sendall(client.at_once)
            client.connection.settimeout(0)
            self._selector.register(client.connection, selectors.EVENT_READ, client)
        self._thread.start()
        return self

    def __exit__(self, *_) -> None:
        self._stop.set()
        self._thread.join()
        for client in self.clients:
            client.connection.close()
        self._selector.close()

    def _feed(self) -> None:
        while not self._stop.is_set() and self.open:
            for key, _ in self._selector.select(timeout=0):
                self._hear(key.data)
            for client in self.open:
                self._say_a_byte(client)
            self._stop.wait(_BETWEEN_BYTES_SECONDS)

    def _say_a_byte(self, client: SlowClient) -> None:
        if not client.later:
            return
        at = client.sent % len(client.later)
        with contextlib.suppress(OSError):  # heard of at the next look
            client.connection.send(client.later[at : at + 1])
            client.sent += 1

    def _hear(self, client: SlowClient) -> None:
        try:
            data = client.connection.recv(65536)
        except OSError:
            data = b""
        client.heard += data
        if not data:
            client.closed = True
            self._selector.unregister(client.connection)
