"""One process of several, as the supervisor sees it. Knows nothing of when one is wanted."""

import logging
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

from mlopsproj_api.channel import SupervisorEnd

logger = logging.getLogger(__name__)

SILENT_SECONDS: Final = 30.0
"""After which a process that says nothing is taken to hang; it says something every second."""


ENDING_MARGIN_SECONDS: Final = 10.0
"""On top of what a process may take for its requests: closing the log, and the interpreter."""


class WorkerProcess:
    """A process that was started.

    Attributes:
        channel: to it.
        begun: on the clock of `time.monotonic`.
        ready: whether it answers.
        ending: whether it was told to end, or says that it does.
    """

    def __init__(self, run_folder: Path, *, shutdown_seconds: float) -> None:
        """Start it.

        Args:
            run_folder: that all processes share.
            shutdown_seconds: that it takes at most to end, once it was told to.

        Raises:
            OSError: if the system has no room for another process.
        """
        self._shutdown_seconds = shutdown_seconds
        mine, its = socket.socketpair()
        with its:
            self._process = subprocess.Popen(  # noqa: S603 (our own module)
                [
                    *(sys.executable, "-m", "mlopsproj_api.worker"),
                    *("--channel", str(its.fileno())),
                    *("--run-folder", str(run_folder)),
                ],
                pass_fds=(its.fileno(),),
                stdin=subprocess.DEVNULL,
                # What a terminal sends to all is for the supervisor alone.
                process_group=0,
            )
        self.channel = SupervisorEnd(mine)
        self.begun = time.monotonic()
        self.ready = False
        self.ending = False
        self._heard = self.begun
        self._ending_since = float("inf")

    @property
    def pid(self) -> int:
        """Its number."""
        return self._process.pid

    @property
    def takes_connections(self) -> bool:
        """Whether it may be given one."""
        return self.ready and not self.ending

    def news(self) -> dict[str, Any] | None:
        """Hear what it says; returns what it reports of itself when it has become ready."""
        report = None
        for one in self.channel.news():
            self._heard = time.monotonic()
            if "ready" in one:
                self.ready = True
                report = one["ready"]
            if "ending" in one:
                self._ends()
        return report

    def exit_code(self) -> int | None:
        """With which it ended; negative is a signal, None while it runs."""
        return self._process.poll()

    def end(self) -> None:
        """Tell it to answer what it has, and to end."""
        if not self.ending:
            self._ends()
            self._process.terminate()

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()

    def kill_if_it_hangs(self) -> None:
        """End it at once if it is ready and has said nothing for long, or does not end."""
        now = time.monotonic()
        if self.takes_connections and now - self._heard > SILENT_SECONDS:
            logger.error("process %d hangs, and is replaced", self.pid)
            self.ready = False
            self.kill()
        elif now - self._ending_since > self._shutdown_seconds + ENDING_MARGIN_SECONDS:
            self._ending_since = float("inf")
            logger.error("process %d did not end in time, and is killed", self.pid)
            self.kill()

    def _ends(self) -> None:
        if not self.ending:
            self.ending, self._ending_since = True, time.monotonic()
