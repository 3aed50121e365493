"""Whether something that is used again and again works, said in the log when that changes.

Knows nothing of what it is.
"""

import logging
import threading
import time
from typing import Final

logger = logging.getLogger(__name__)

SILENT_SECONDS: Final = 10.0
"""What comes and goes within this time is said once."""


class Health:
    """Told of every success and failure, by any thread.

    Attributes:
        error: why it does not work; None if it does.
        last_error: why it did not when it last did not; None if it always did.
        failed_at: when that was, on the monotonic clock, seconds.
    """

    def __init__(self, failed: str, mended: str) -> None:
        """It works.

        Args:
            failed: what it means that it does not; the error follows.
            mended: what it means that it does again.
        """
        self.error: str | None = None
        self.last_error: str | None = None
        self.failed_at = float("-inf")
        self._failed, self._mended = failed, mended
        self._said_at = float("-inf")
        self._has_said = False
        self._noting = threading.Lock()

    def note(self, error: Exception | None) -> None:
        """It has failed with an error, or worked."""
        if error is None and self.error is None:
            return  # at every turn, and the cheaper
        with self._noting:
            now = time.monotonic()
            was_up, self.error = self.error is None, _text(error)
            if self.error is not None:
                self.last_error, self.failed_at = self.error, now
                if not self._has_said and now - self._said_at > SILENT_SECONDS:
                    self._said_at, self._has_said = now, True
                    logger.error("%s: %s", self._failed, self.error)
            elif not was_up and self._has_said:
                self._has_said = False
                logger.warning("%s.", self._mended)


def _text(error: Exception | None) -> str | None:
    return None if error is None else str(error) or type(error).__name__
