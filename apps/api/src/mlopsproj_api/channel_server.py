"""The server of one process of several: its connections come from the supervisor.

Knows nothing of what is answered.
"""

import asyncio
import logging
import socket
from collections.abc import Callable
from types import FrameType
from typing import Any

from fastapi import FastAPI
from mlopsproj_serving.process.server import Server

from mlopsproj_api.channel import WorkerEnd
from mlopsproj_api.settings import ApiSettings

logger = logging.getLogger(__name__)


class ChannelServer(Server):
    """A server that listens nowhere, and takes the connections that it is given."""

    def __init__(
        self,
        app: FastAPI,
        settings: ApiSettings,
        *,
        ready: Callable[[], None],
        channel: WorkerEnd,
    ) -> None:
        """Make ready.

        Args:
            app: that answers.
            settings: of the service.
            ready: called once connections are taken.
            channel: that they come through.
        """
        super().__init__(app, settings, ready=self._begin)
        self._say_so = ready
        self._channel = channel
        self._connecting: set[asyncio.Task[Any]] = set()
        self._protocol_class: Any = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin without a socket."""
        del sockets
        await super().startup([])

    def _begin(self) -> None:
        self._protocol_class = _telling_when_lost(
            self.config.http_protocol_class, self._channel.closed
        )
        self._channel.listen(self._connect, gone=self._supervisor_is_gone)
        self._say_so()

    async def drain(self) -> None:
        """Say that no more is to be given, and take what is on its way."""
        self._channel.tell({"ending": True})
        await super().drain()
        self._channel.stop()

    def has_connections(self) -> bool:
        """Whether something may still come, those that are being taken included."""
        return super().has_connections() or bool(self._connecting)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """End in order; its supervisor alone ends it at once, which may pass on the first late."""
        del sig, frame
        self.should_exit = True

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
            self._channel.closed()

    def _protocol(self) -> asyncio.Protocol:
        protocol: asyncio.Protocol = self._protocol_class(
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )
        return protocol

    def _supervisor_is_gone(self) -> None:
        logger.error("the supervisor is gone: this process ends")
        self.should_exit = True


def _telling_when_lost(protocol_class: Any, lost: Callable[[], None]) -> Any:
    class Telling(protocol_class):  # type: ignore[misc]  # (uvicorn decides which when it runs)
        def connection_lost(self, exc: Exception | None) -> None:
            super().connection_lost(exc)
            lost()

    return Telling
