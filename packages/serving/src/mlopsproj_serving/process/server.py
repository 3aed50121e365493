"""A process of a service at its socket: HTTP by uvicorn, and an orderly end.

Knows nothing of what is answered.
"""

import asyncio
import contextlib
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType

import uvicorn
from fastapi import FastAPI

from mlopsproj_serving.process.connection import connections_within
from mlopsproj_serving.process.listening import BACKLOG
from mlopsproj_serving.process.settings import ServiceSettings
from mlopsproj_serving.process.signals import EndingSignals

_DRAIN_SECONDS = 0.5
_SIGNALLED = 128
if sys.platform == "win32":  # where SIGTERM is no signal, but the end at once
    _OF_TERMINAL = signal.SIGBREAK
else:
    _OF_TERMINAL = signal.SIGHUP
_SIGNALS = (signal.SIGINT, signal.SIGTERM, _OF_TERMINAL)


class Server(uvicorn.Server):
    """uvicorn, which ends with 0 when it is told to, and answers first all that was accepted.

    On the first signal it takes no more connections, and says "Connection: close" with every
    answer; then it waits for what is being computed. A second signal ends it at once; nothing
    that was acknowledged is lost by that.
    """

    def __init__(
        self, app: FastAPI, settings: ServiceSettings, *, ready: Callable[[], None]
    ) -> None:
        """Make ready.

        Args:
            app: that answers.
            settings: of the service.
            ready: called once it listens.
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
        self._signals = EndingSignals()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin, and say so."""
        await super().startup(sockets)
        if self.started:
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more connections, answer what came over those that are, and end."""
        await asyncio.sleep(0)  # what the kernel has connected is taken
        for server in self.servers:
            server.close()
        # A client that keeps its connection may be sending: it is answered, and told not to go on.
        self.server_state.default_headers = [
            *self.server_state.default_headers,
            (b"connection", b"close"),
        ]
        await self.drain()
        await super().shutdown(sockets)

    async def drain(self) -> None:
        """Wait some moments for clients that keep a connection to send what they are sending."""
        deadline = time.monotonic() + _DRAIN_SECONDS
        while self.has_connections() and time.monotonic() < deadline:  # noqa: ASYNC110 (uvicorn sets no event)
            await asyncio.sleep(_DRAIN_SECONDS / 20)

    def has_connections(self) -> bool:
        """Whether something may still come."""
        return bool(self.server_state.connections)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End after the first signal in order, after the second at once."""
        del frame
        self.should_exit = True
        if self._signals.hear() == "second":
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
        outlives = signal.getsignal(_OF_TERMINAL) is signal.SIG_IGN
        heard = [sig for sig in _SIGNALS if not (outlives and sig == _OF_TERMINAL)]
        before = {sig: signal.signal(sig, self.handle_exit) for sig in heard}
        try:
            yield
        finally:
            for sig, handler in before.items():
                signal.signal(sig, handler)
