"""A thread that does its work in rounds: when there is some, now and then, and again after errors.

Knows nothing of the work.
"""

import logging
import threading
import time
from collections.abc import Callable
from typing import Final

from mlopsproj_core.errors import RecordsError

logger = logging.getLogger(__name__)

FIRST_BACKOFF_SECONDS: Final = 0.1
LONGEST_BACKOFF_SECONDS: Final = 5.0
_GRACE_SECONDS: Final = 1.0


class StoppedError(Exception):
    """A round ends early, since its thread is to stop."""


class Rounds:
    """Begins when `start` is called, ends when `stop` is."""

    def __init__(
        self,
        name: str,
        work: Callable[[], None],
        *,
        pause_seconds: float,
        idle_seconds: float,
        told: Callable[[Exception | None], None],
    ) -> None:
        """Begin nothing yet.

        Args:
            name: of the thread.
            work: one round.
            pause_seconds: between two rounds, unless somebody is in a hurry.
            idle_seconds: after which there is a round although nobody asked for one.
            told: after each round, what was wrong.
        """
        self._work, self._told = work, told
        self._pause_seconds, self._idle_seconds = pause_seconds, idle_seconds
        self._wanted, self._hurried = threading.Event(), threading.Event()
        self._stopping = threading.Event()
        self._deadline: float | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Do a first round soon."""
        self._wanted.set()
        self._thread.start()

    def wake(self) -> None:
        """There is work; cheap, from any thread."""
        if not self._wanted.is_set():
            self._wanted.set()

    def hurry(self) -> None:
        """Somebody waits for the work: leave the next pause out, unless it follows an error."""
        self._hurried.set()
        self.wake()

    @property
    def is_stopping(self) -> bool:
        """Whether the round at work is to come to an end."""
        return self._stopping.is_set()

    def check(self) -> None:
        """For a long round, between its parts.

        Raises:
            StoppedError: if the time is over that there was for the end.
        """
        if self._deadline is not None and time.monotonic() > self._deadline:
            raise StoppedError

    def stop(self, timeout_seconds: float) -> bool:
        """Finish the round at work, and do one more.

        Returns:
            Whether the thread has ended within the time, or one second after it.
        """
        self._deadline = time.monotonic() + timeout_seconds
        self._stopping.set()
        self.hurry()
        if self._thread.is_alive():
            self._thread.join(timeout_seconds + _GRACE_SECONDS)
        return not self._thread.is_alive()

    def _run(self) -> None:
        backoff = FIRST_BACKOFF_SECONDS
        while not self._stopping.is_set():
            self._wanted.wait(self._idle_seconds)
            self._wanted.clear()
            if self._round():
                backoff = FIRST_BACKOFF_SECONDS
                self._hurried.wait(self._pause_seconds)
                self._hurried.clear()
            else:
                self._stopping.wait(backoff)
                backoff = min(2 * backoff, LONGEST_BACKOFF_SECONDS)
                self._wanted.set()
        self._round()

    def _round(self) -> bool:
        try:
            self._work()
        except StoppedError:
            return True
        except (RecordsError, OSError) as error:
            self._told(error)
            return False
        except Exception as error:  # whatever it was, the thread must go on
            logger.exception("%s met an error that nobody foresaw", self._thread.name)
            self._told(error)
            return False
        self._told(None)
        return True
