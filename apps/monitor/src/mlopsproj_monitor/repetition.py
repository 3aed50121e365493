"""Something done again and again in a thread of its own.

Knows nothing of what it is.
"""

import logging
import threading
from collections.abc import Callable

logger = logging.getLogger(__name__)


class Repetition:
    """Calls a function, waits, and calls it again; a defect of it is logged, and ends nothing."""

    def __init__(self, name: str, function: Callable[[], None], *, seconds: float) -> None:
        """Start nothing yet.

        Args:
            name: of the thread.
            function: that is called.
            seconds: between the end of a call and the next.
        """
        self._function, self._seconds = function, seconds
        self._woken = threading.Event()
        self._stopped = False
        self._defect = ""
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def runs(self) -> bool:
        """Whether it goes on."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Call it now, and again."""
        self._thread.start()

    def wake(self) -> None:
        """Wait no longer for the next call."""
        self._woken.set()

    def stop(self, *, patience_seconds: float) -> None:
        """Call it no more; wait for a call that is being made, but not for ever."""
        self._stopped = True
        self._woken.set()
        self._thread.join(patience_seconds)

    def _run(self) -> None:
        while not self._stopped:
            self._woken.clear()
            try:
                self._function()
            except Exception as error:  # a defect, which must not end what comes after
                if str(error) != self._defect:
                    logger.exception("%s failed, and is tried again", self._thread.name)
                self._defect = str(error)
            else:
                self._defect = ""
            if not self._stopped:
                self._woken.wait(self._seconds)
