"""A retraining that is a command on this machine, started at most once.

It runs in a session and process group of its own and is not ended with the monitor: hours of
training are not lost by a restart, and the next monitor on this machine sees how it ends. Between
the moment at which it is recorded as started and the moment at which it starts, a process may be
killed: then nothing was started, which shows in its folder, and the next one starts it. A command
that was begun is never begun again, not even if it was killed at once, or its folder is lost: so
that one which takes its machine along does not do so for ever.

The command is given the event as JSON in `MLOPSPROJ_EVENT`, beside the environment and the working
folder of the monitor. Knows nothing of what it does.
"""

import json
import logging
import os
import shlex
import socket
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final

from mlopsproj_core.events import Event
from mlopsproj_core.file_lock import try_lock
from mlopsproj_records.retraining import Retraining, Retrainings

logger = logging.getLogger(__name__)

EVENT_VARIABLE: Final = "MLOPSPROJ_EVENT"

_PROCESS: Final = Path(__file__).with_name("command_process.py")


class CommandTrigger:
    """Starts a retraining by a command."""

    def __init__(self, command: Sequence[str], folder: Path) -> None:
        """Start nothing yet.

        Args:
            command: its words.
            folder: in which each retraining has a folder of its own.
        """
        self._command, self._folder = list(command), folder
        self.how = f"command: {shlex.join(command)}"

    def start(self, retrainings: Retrainings, retraining: Retraining, event: Event) -> None:
        """Start the command, unless another process does.

        Raises:
            RecordsError: if the database cannot be used.
        """
        folder = self._folder.absolute() / retraining.id
        with suppress(OSError):  # `begin` tells why
            folder.mkdir(parents=True, exist_ok=True)
        if retrainings.start(retraining.id, how=self.how, place=place_of(folder)):
            self.begin(retrainings, retraining, event, folder)

    def begin(
        self, retrainings: Retrainings, retraining: Retraining, event: Event, folder: Path
    ) -> None:
        """Start the command of a retraining that is recorded as started, unless it was before.

        Args:
            retrainings: where it is recorded.
            retraining: that is started.
            event: that it follows from.
            folder: of this retraining.

        Raises:
            RecordsError: if the database cannot be used.
        """
        told = ""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            ended = subprocess.run(  # noqa: S603 (our own file, and what the setting names)
                [sys.executable, "-I", "-S", str(_PROCESS), str(folder), *self._command],
                check=False,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                text=True,
                errors="replace",
                env={**os.environ, EVENT_VARIABLE: event.to_json()},
            )
            told = ended.stderr.strip().rpartition("\n")[2]
        except OSError as error:
            told = str(error)
        if has_begun(folder):
            logger.info("started retraining %s; its output is in %s", retraining.id, folder)
            return
        detail = f"It cannot be started in {folder}: {told or 'its process was killed'}"
        logger.warning("retraining %s: %s", retraining.id, detail)
        retrainings.finish(retraining.id, succeeded=False, detail=detail)


def place_of(folder: Path) -> str:
    """A folder and whose it is."""
    return f"{socket.gethostname()}:{folder}"


def folder_of(place: str | None) -> Path | None:
    """The folder of a place; None if it is another machine's."""
    host, _, folder = (place or "").partition(":")
    return Path(folder) if folder and host == socket.gethostname() else None


def has_begun(folder: Path) -> bool:
    """Whether the command of a folder was started, ever."""
    return (folder / "started").exists()


def end_of(folder: Path) -> tuple[bool, str] | None:
    """Whether a command that has begun ended well, and what is to be said; None while it runs."""
    lock = try_lock(folder / "running.lock")
    if lock is not None:
        lock.close()
    code = _exit_code(folder)
    if code is None:
        if lock is None:
            return None
        return False, f"It was killed, or the machine stopped: {folder / 'log.txt'} ends there."
    how = f"exit code {code}" if code >= 0 else f"ended by signal {-code}"
    return code == 0, f"{how}; its output is {folder / 'log.txt'}"


def _exit_code(folder: Path) -> int | None:
    try:
        return int(json.loads((folder / "exit.json").read_bytes())["code"])
    except FileNotFoundError:
        return None
