"""Between the supervisor and one of its processes: connections go one way, news the other.

Processes that take connections from one listening socket share them badly: whichever wakes first
takes all that wait (of 4 or 32 clients that keep theirs, 4 or 29 went to one of two, measured), and
with a socket each (`SO_REUSEPORT`) it is left to chance. So the supervisor takes them, and gives
each to the process that has the fewest. Knows nothing of HTTP.
"""

import asyncio
import contextlib
import json
import socket
import sys
from collections.abc import Callable
from typing import Any

_CONNECTION = b"c"
_ROOM_BYTES = 64 * 1024
_ALONE = "there is one process on Windows, where none can be handed a connection"


class SupervisorEnd:
    """What the supervisor holds of it; never waits.

    Attributes:
        socket: that becomes readable with news, and when the process is gone.
        connections: that the process has.
        gone: whether the process holds its end no more.
    """

    def __init__(self, end: socket.socket) -> None:
        """Over one end of a pair of sockets."""
        end.settimeout(0)
        self.socket = end
        self.connections = 0
        self.gone = False
        self._said = b""

    def give(self, connection: socket.socket) -> bool:
        """Hand a connection over; False if the process takes none at the moment.

        The supervisor's own copy is the caller's to close.
        """
        if sys.platform == "win32":
            raise AssertionError(_ALONE)
        try:
            socket.send_fds(self.socket, [_CONNECTION], [connection.fileno()])
        except OSError:  # full, or the process is gone
            return False
        self.connections += 1
        return True

    def news(self) -> list[dict[str, Any]]:
        """What the process said since it was last asked.

        How many connections it closed is counted here; all else is for the caller.
        """
        try:
            said = self.socket.recv(_ROOM_BYTES)
        except BlockingIOError:
            return []
        except OSError:
            said = b""
        self.gone = not said
        *lines, self._said = (self._said + said).split(b"\n")
        news = [json.loads(line) for line in lines]
        self.connections -= sum(one.get("closed", 0) for one in news)
        return news

    def close(self) -> None:
        """Say and hear no more."""
        self.socket.close()


class WorkerEnd:
    """What a process holds of it; its methods belong to one event loop."""

    def __init__(self, end: socket.socket) -> None:
        """Over one end of a pair of sockets."""
        end.settimeout(0)
        self._socket = end
        self._unsaid = b""
        self._closed = 0

    def listen(self, connected: Callable[[socket.socket], None], gone: Callable[[], None]) -> None:
        """Begin to take connections.

        Args:
            connected: takes each.
            gone: called once if the supervisor is no more.
        """
        self._connected, self._gone = connected, gone
        asyncio.get_running_loop().add_reader(self._socket, self.take)

    def take(self) -> None:
        """Take what was given and not yet taken."""
        if sys.platform == "win32":
            raise AssertionError(_ALONE)
        while True:
            try:
                said, files, _, _ = socket.recv_fds(self._socket, 1, 1)
            except BlockingIOError:
                return
            except OSError:
                said, files = b"", []
            if not said:
                self.stop()
                self._gone()
                return
            if not files:  # no more may be open: the connection is gone
                self.closed()
            for file in files:
                self._connected(socket.socket(fileno=file))

    def stop(self) -> None:
        """Take no more."""
        asyncio.get_running_loop().remove_reader(self._socket)

    def tell(self, news: dict[str, Any]) -> None:
        """Say something; what finds no room is said with the next."""
        self._unsaid += json.dumps(news).encode() + b"\n"
        with contextlib.suppress(OSError):
            self._unsaid = self._unsaid[self._socket.send(self._unsaid) :]

    def closed(self) -> None:
        """Say that a connection is no more; those of one turn of the loop are told together."""
        if self._closed == 0:
            asyncio.get_running_loop().call_soon(self._tell_closed)
        self._closed += 1

    def _tell_closed(self) -> None:
        self.tell({"closed": self._closed})
        self._closed = 0
