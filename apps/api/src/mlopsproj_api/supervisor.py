"""Several processes behind one socket: starts them, replaces those that die, ends them in order.

The first begins alone: what it measures and remembers of the model, the others find. Imports
nothing of what they serve with, so that it starts at once and takes little memory. Knows nothing of
what is answered.

Signals: SIGTERM or SIGINT ends all, each answering what it accepted; a second one kills them.
SIGHUP replaces them one by one, without refusing a connection (started from a terminal, it ends
all: the terminal was closed).
"""

import contextlib
import logging
import os
import selectors
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any, Final

from mlopsproj_serving.process.signals import EndingSignals

from mlopsproj_api.worker_process import WorkerProcess

assert sys.platform != "win32"  # noqa: S101 (`cli` refuses several processes there)

logger = logging.getLogger(__name__)

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)
_ENDING: Final = (signal.SIGTERM, signal.SIGINT)
_SIGNALLED: Final = 128
_LONG_LIFE_SECONDS: Final = 60.0
_FIRST_PAUSE_SECONDS: Final = 1.0
_LONGEST_PAUSE_SECONDS: Final = 30.0
_MEMORY: Final = "/dev/shm"  # noqa: S108 (the folder in it is made by mkdtemp)
_AT_ONCE: Final = 64
_FULL_SECONDS: Final = 0.01
"""After which it is looked whether a process has room for a connection again."""
_GIVING_SECONDS: Final = 1.0


class Supervisor:
    """Runs the processes of one service."""

    def __init__(
        self,
        listener: socket.socket,
        *,
        workers: int,
        shutdown_seconds: float,
        ready: Callable[[dict[str, Any]], None],
    ) -> None:
        """Make ready; `run` starts.

        Args:
            listener: socket that listens; closed at the end.
            workers: processes, at least 1.
            shutdown_seconds: that a process takes at most to end.
            ready: called with what the first process reports once it answers.
        """
        listener.settimeout(0)
        self._listener = listener
        self._wanted = workers
        self._shutdown_seconds = shutdown_seconds
        self._announce = ready
        self._workers: list[WorkerProcess] = []
        self._old: list[WorkerProcess] = []  # to be replaced, after SIGHUP
        self._listening = False
        self._announced = False
        self._ending = False
        self._ending_signals = EndingSignals()
        self._untaken: socket.socket | None = None
        self._start_at = 0.0
        self._pause_seconds = 0.0
        self._exit_code = 0
        self._selector = selectors.DefaultSelector()

    def run(self) -> int:
        """Run until a signal ends it, or the first process cannot start.

        Returns:
            The exit code: 0 if every process ended in order.
        """
        with (
            tempfile.TemporaryDirectory(prefix="mlopsproj-api-", dir=_in_memory()) as folder,
            self._signals(),
        ):
            while not self._ending or self._workers:
                self._start_what_is_missing(Path(folder))
                self._listen_where_connections_are_taken()
                for key, _ in self._selector.select(
                    1.0 if self._untaken is None else _FULL_SECONDS
                ):
                    key.data()
                self._look_after_all()
        return self._exit_code

    @contextlib.contextmanager
    def _signals(self) -> Iterator[None]:
        """Let signals come out of a pipe, so that one wait hears them and the processes."""
        hears, tells = os.pipe()
        for file in (hears, tells):
            os.set_blocking(file, False)
        self._selector.register(hears, selectors.EVENT_READ, lambda: self._hear_signals(hears))
        before = {sig: signal.signal(sig, _nothing) for sig in _SIGNALS}
        wakeup = signal.set_wakeup_fd(tells)
        try:
            yield
        finally:
            signal.set_wakeup_fd(wakeup)
            for sig, handler in before.items():
                signal.signal(sig, handler)
            self._selector.close()
            os.close(hears)
            os.close(tells)

    def _hear_signals(self, file: int) -> None:
        for sig in os.read(file, 4096):
            if sig in _ENDING:
                if self._ending_signals.hear() == "second":
                    self._exit_code = _SIGNALLED + sig
                    self._kill_all()
                self._end()
            elif sig == signal.SIGHUP and sys.stderr.isatty():
                self._end()  # the terminal is no more
            elif sig == signal.SIGHUP and not self._ending:
                logger.info("the processes are replaced one by one")
                self._old = [worker for worker in self._workers if not worker.ending]

    def _start_what_is_missing(self, run_folder: Path) -> None:
        if self._ending or time.monotonic() < self._start_at:
            return
        if any(not worker.ready and not worker.ending for worker in self._workers):
            return  # one at a time: starting takes cores from those that answer
        standing = sum(not worker.ending for worker in self._workers)
        if standing < self._wanted or self._old:
            try:
                worker = WorkerProcess(run_folder, shutdown_seconds=self._shutdown_seconds)
            except OSError as error:  # no more processes, or no memory for one
                logger.error("a process cannot be started: %s", error)  # noqa: TRY400 (says it all)
                self._start_later()
                return
            self._workers.append(worker)
            self._selector.register(
                worker.channel.socket, selectors.EVENT_READ, lambda: self._hear(worker)
            )

    def _hear(self, worker: WorkerProcess) -> None:
        report = worker.news()
        if worker.channel.gone:
            self._selector.unregister(worker.channel.socket)
        if report is None:
            return
        if not self._announced:
            self._announced = True
            self._announce(report)
        if self._old:
            self._old.pop(0).end()

    def _listen_where_connections_are_taken(self) -> None:
        """Connections wait in the kernel as long as no process takes them."""
        if self._untaken is not None:
            self._connect()
        wanted = (
            not self._ending
            and self._untaken is None
            and any(worker.takes_connections for worker in self._workers)
        )
        if wanted and not self._listening:
            self._selector.register(self._listener, selectors.EVENT_READ, self._connect)
        elif self._listening and not wanted:
            self._selector.unregister(self._listener)
        self._listening = wanted

    def _connect(self) -> bool:
        """Give connections to whichever process has the fewest.

        Returns:
            Whether more may be waiting; one for which no process has room is kept for the next.
        """
        for _ in range(_AT_ONCE):
            if self._untaken is None:
                try:
                    self._untaken, _ = self._listener.accept()
                except OSError:  # none is left, or it is gone already, or no more files may be open
                    return False
            if not self._gave(self._untaken):
                return True
            self._untaken = None
        return True

    def _gave(self, connection: socket.socket) -> bool:
        takers = [worker.channel for worker in self._workers if worker.takes_connections]
        for channel in sorted(takers, key=lambda channel: channel.connections):
            if channel.give(connection):
                connection.close()  # the process has a copy
                return True
        return False

    def _give_all(self) -> None:
        """Give away what the kernel has connected, for as long as that may take."""
        deadline = time.monotonic() + _GIVING_SECONDS
        while self._connect() and time.monotonic() < deadline:
            if self._untaken is not None:
                time.sleep(_FULL_SECONDS)
        if self._untaken is not None:
            self._untaken.close()
            self._untaken = None

    def _end(self) -> None:
        """Give away what the kernel has connected, take no more, and let all processes end."""
        if self._ending:
            return
        if self._listening or self._untaken is not None:
            self._give_all()
        self._ending = True
        self._listen_where_connections_are_taken()
        self._listener.close()
        for worker in self._workers:
            worker.end()

    def _kill_all(self) -> None:
        for worker in self._workers:
            worker.kill()

    def _look_after_all(self) -> None:
        for worker in list(self._workers):
            code = worker.exit_code()
            if code is None:
                worker.kill_if_it_hangs()
            else:
                self._bury(worker, code)

    def _bury(self, worker: WorkerProcess, code: int) -> None:
        if not worker.channel.gone:
            self._hear(worker)  # it may have become ready, or have said that it ends, at the last
        if not worker.channel.gone:
            self._selector.unregister(worker.channel.socket)
        worker.channel.close()
        self._workers.remove(worker)
        with contextlib.suppress(ValueError):
            self._old.remove(worker)
        if self._ending:
            # One that was still starting knew no signals, and had answered nothing.
            if code != 0 and worker.ready and self._exit_code == 0:
                self._exit_code = 1
        elif not self._announced and not worker.ready:
            # The next would fail for the same reason, which this one has told.
            self._exit_code = code if code > 0 else 1
            self._end()
        elif not worker.ending:
            self._replace_later(worker, code)

    def _replace_later(self, worker: WorkerProcess, code: int) -> None:
        if time.monotonic() - worker.begun > _LONG_LIFE_SECONDS:
            self._pause_seconds = 0.0
        logger.warning(
            "process %d ended with %d, and is replaced in %.0f s",
            worker.pid,
            code,
            self._pause_seconds,
        )
        self._start_later()

    def _start_later(self) -> None:
        self._start_at = time.monotonic() + self._pause_seconds
        self._pause_seconds = min(
            max(self._pause_seconds * 2, _FIRST_PAUSE_SECONDS), _LONGEST_PAUSE_SECONDS
        )


def _in_memory() -> str | None:
    """Where the processes share what they count, whatever fills the disk; None for the default."""
    return _MEMORY if os.access(_MEMORY, os.W_OK) else None


def _nothing(_signal: int, _frame: FrameType | None) -> None:
    """The number of the signal comes through the wake-up pipe."""
