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


class WorkerProcess:
    """A process that was started.

    Attributes:
        channel: to it.
        begun: on the clock of `time.monotonic`.
        ready: whether it answers.
        ending: whether it was told to end, or says that it does.
    """

    def __init__(self, run_folder: Path) -> None:
        """Start it.

        Args:
            run_folder: that all processes share.
        """
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
            self.ending = self.ending or "ending" in one
        return report

    def exit_code(self) -> int | None:
        """With which it ended; negative is a signal, None while it runs."""
        return self._process.poll()

    def end(self) -> None:
        """Tell it to answer what it has, and to end."""
        if not self.ending:
            self.ending = True
            self._process.terminate()

    def kill(self) -> None:
        """End it at once."""
        self._process.kill()

    def kill_if_it_hangs(self) -> None:
        """End it at once if it is ready and has said nothing for long."""
        if self.takes_connections and time.monotonic() - self._heard > SILENT_SECONDS:
            logger.error("process %d hangs, and is replaced", self.pid)
            self.ready = False
            self.kill()
