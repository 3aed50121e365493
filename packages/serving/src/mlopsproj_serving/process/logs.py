"""What a service says on stderr: lines of JSON for programs, short lines on a terminal.

Knows nothing of what happened; a line never holds a key or what was sent.
"""

import asyncio
import logging
import sys
from collections import deque
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Event, Thread
from typing import TYPE_CHECKING, Literal

import msgspec

if TYPE_CHECKING:
    from mlopsproj_serving.http.edge import Access

_LIBRARIES = (
    *("mlopsproj_core", "mlopsproj_monitoring", "mlopsproj_records", "mlopsproj_serving"),
)
_GATHER_SECONDS = 0.1
_MOST_WAITING = 20_000
_QUIET = frozenset({"/livez", "/readyz", "/metrics"})
_SUCCESS = range(200, 400)


def set_up_logging(level: str, *, service: str) -> None:
    """Let this process's messages go to stderr, from this level on.

    Args:
        level: of our own messages, e.g. "info"; of others', warnings are told.
        service: name of the package that is run, whose messages are ours too.
    """
    handler = logging.StreamHandler()
    human = logging.Formatter("%(message)s")
    handler.setFormatter(human if sys.stderr.isatty() else _JsonLines())
    logging.basicConfig(level=logging.WARNING, handlers=[handler], force=True)
    for name in (*_LIBRARIES, service):
        logging.getLogger(name).setLevel(level.upper())
    logging.getLogger("uvicorn.error").addFilter(_is_no_cancellation)


def _is_no_cancellation(record: logging.LogRecord) -> bool:
    """That a request was cancelled at the end is no defect, for which a traceback is needed."""
    return not (record.exc_info and isinstance(record.exc_info[1], asyncio.CancelledError))


class _JsonLines(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "time": datetime.fromtimestamp(record.created, UTC),
            "level": record.levelname.lower(),
            "kind": "message",
            "logger": record.name,
            "process": record.process,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return msgspec.json.encode(line).decode()


@dataclass(frozen=True, slots=True)
class _AccessLine:
    time: datetime
    access: "Access"


class AccessLog:
    """Writes what was asked for, some lines at a time, in a thread of its own.

    A reader of stderr that stands still holds no answer up: the oldest lines are dropped then.
    """

    def __init__(self) -> None:
        """Start the thread."""
        self._human = sys.stderr.isatty()
        self._lines: deque[_AccessLine] = deque(maxlen=_MOST_WAITING)
        self._some = Event()
        self._closing = Event()
        self._thread = Thread(target=self._write, name="access-log", daemon=True)
        self._thread.start()

    def __call__(self, access: "Access") -> None:
        """Take a line; what asks whether the service lives is told only when it does not."""
        if access.path in _QUIET and access.status in _SUCCESS:
            return
        self._lines.append(_AccessLine(datetime.now(UTC), access))
        if not self._some.is_set():
            self._some.set()

    def close(self) -> None:
        """Write what is left."""
        self._closing.set()
        self._some.set()
        self._thread.join(timeout=1)

    def _write(self) -> None:
        while not self._closing.is_set():
            self._some.wait()
            self._closing.wait(_GATHER_SECONDS)
            self._some.clear()
            lines = [self._lines.popleft() for _ in range(len(self._lines))]
            try:
                sys.stderr.write("".join(map(self._text, lines)))
                sys.stderr.flush()
            except (OSError, ValueError):  # nobody reads any more
                return

    def _text(self, line: _AccessLine) -> str:
        access = line.access
        if self._human:
            return (
                f"{line.time.astimezone():%H:%M:%S} {access.method} {access.path} {access.status}"
                f" {access.milliseconds:.1f} ms {access.request_id}\n"
            )
        level: Literal["info", "error"] = "error" if access.status >= 500 else "info"  # noqa: PLR2004 (HTTP)
        head = {"time": line.time, "level": level, "kind": "request"}
        return msgspec.json.encode(head | msgspec.to_builtins(access)).decode() + "\n"
