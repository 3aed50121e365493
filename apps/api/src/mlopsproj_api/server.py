"""One process of the service at its socket: HTTP by uvicorn, and an orderly end.

Knows nothing of what is answered.
"""

import asyncio
import contextlib
import logging
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import uvicorn
from fastapi import FastAPI

from mlopsproj_api.channel import WorkerEnd
from mlopsproj_api.connection import connections_within
from mlopsproj_api.listening import BACKLOG
from mlopsproj_api.settings import ApiSettings
from mlopsproj_api.signals import EndingSignals

logger = logging.getLogger(__name__)

_DRAIN_SECONDS = 0.5
_SIGNALLED = 128
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Server(uvicorn.Server):
    """uvicorn, which ends with 0 when it is told to, and answers first all that was accepted.

    On the first signal it takes no more connections, and says "Connection: close" with every
    answer; then it waits for what is being computed. A second signal ends it at once; nothing
    that was acknowledged is lost by that.
    """

    def __init__(
        self,
        app: FastAPI,
        settings: ApiSettings,
        *,
        ready: Callable[[], None],
        channel: WorkerEnd | None = None,
    ) -> None:
        """Make ready.

        Args:
            app: that answers.
            settings: of the service.
            ready: called once connections are taken.
            channel: that connections come through; from a listening socket if None.
        """
        super().__init__(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,  # the edge has its own
                ws="none",
                server_header=False,
                proxy_headers=settings.proxies is not None,
                forwarded_allow_ips=settings.proxies,
                backlog=BACKLOG,
                timeout_keep_alive=settings.keep_alive_seconds,
                timeout_graceful_shutdown=settings.shutdown_seconds,
                http=connections_within(settings.body_seconds),
            )
        )
        self._ready = ready
        self._channel = channel
        self._signals = EndingSignals()
        self._connecting: set[asyncio.Task[Any]] = set()
        self._protocol_class: Any = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin, and say so."""
        await super().startup([] if self._channel is not None else sockets)
        if not self.started:
            return
        if self._channel is not None:
            self._protocol_class = _telling_when_lost(
                self.config.http_protocol_class, self._channel.closed
            )
            self._channel.listen(self._connect, gone=self._supervisor_is_gone)
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more connections, answer what came over those that are, and end."""
        await asyncio.sleep(0)  # what the kernel has connected is taken
        for server in self.servers:
            server.close()
        if self._channel is not None:
            self._channel.tell({"ending": True})
        # A client that keeps its connection may be sending: it is answered, and told not to go on.
        self.server_state.default_headers = [
            *self.server_state.default_headers,
            (b"connection", b"close"),
        ]
        deadline = time.monotonic() + _DRAIN_SECONDS
        while self._has_connections() and time.monotonic() < deadline:  # noqa: ASYNC110 (uvicorn sets no event)
            await asyncio.sleep(_DRAIN_SECONDS / 20)
        if self._channel is not None:
            self._channel.stop()
        await super().shutdown(sockets)

    def _has_connections(self) -> bool:
        return bool(self.server_state.connections or self._connecting)

    def _connect(self, connection: socket.socket) -> None:
        """Answer what comes over a connection that the supervisor took."""
        connecting = asyncio.ensure_future(self._connected(connection))
        self._connecting.add(connecting)
        connecting.add_done_callback(self._connecting.discard)

    async def _connected(self, connection: socket.socket) -> None:
        try:
            await asyncio.get_running_loop().connect_accepted_socket(self._protocol, connection)
        except OSError:  # the client is gone
            connection.close()
            assert self._channel is not None  # noqa: S101 (it came through it)
            self._channel.closed()

    def _protocol(self) -> asyncio.Protocol:
        protocol: asyncio.Protocol = self._protocol_class(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return protocol

    def _supervisor_is_gone(self) -> None:
        logger.error("the supervisor is gone: this process ends")
        self.should_exit = True

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End after the first signal in order, after the second at once."""
        del frame
        self.should_exit = True
        # One of several is ended at once by its supervisor alone, which may pass on the first late.
        if self._signals.hear() == "second" and self._channel is None:
            os._exit(_SIGNALLED + sig)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Hear signals; uvicorn would raise them again at the end, and so never end with 0.

        The service takes no notice of them unless it is the main thread's, nor of the end of a
        terminal that it was told to outlive (by `nohup`).
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        outlives = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
        heard = [sig for sig in _SIGNALS if not (outlives and sig == signal.SIGHUP)]
        before = {sig: signal.signal(sig, self.handle_exit) for sig in heard}
        try:
            yield
        finally:
            for sig, handler in before.items():
                signal.signal(sig, handler)


def _telling_when_lost(protocol_class: Any, lost: Callable[[], None]) -> Any:
    class Telling(protocol_class):  # type: ignore[misc]  # (uvicorn decides which when it runs)
        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            lost()

    return Telling
