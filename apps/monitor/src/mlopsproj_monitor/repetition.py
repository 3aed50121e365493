"""Something done again and again in a thread of its own.

Knows nothing of what it is.
"""

import logging
import threading
import time
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
        self.name, self._function, self._seconds = name, function, seconds
        self._woken = threading.Event()
        self._stopped = False
        self._defect = ""
        self._begun: float | None = None
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def runs(self) -> bool:
        """Whether it goes on."""
        return self._thread.is_alive()

    @property
    def busy_seconds(self) -> float:
        """Since the call began that is being made; 0 while none is."""
        begun = self._begun
        return 0.0 if begun is None else time.monotonic() - begun

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
            self._begun = time.monotonic()
            try:
                self._function()
            except Exception as error:  # a defect, which must not end what comes after
                if str(error) != self._defect:
                    logger.exception("%s failed, and is tried again", self.name)
                self._defect = str(error)
            else:
                self._defect = ""
            self._begun = None
            if not self._stopped:
                self._woken.wait(self._seconds)
