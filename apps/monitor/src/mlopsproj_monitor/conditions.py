"""What does not work at the moment, told once when it begins and once when it ends.

Knows nothing of why anything is needed.
"""

import logging
from collections.abc import Mapping
from threading import Lock

from mlopsproj_core.errors import MlopsprojError

logger = logging.getLogger(__name__)


def defect(what: str, error: Exception) -> MlopsprojError:
    """An error that nobody expected, as it is told; the log of the process has all of it.

    Args:
        what: failed, at the beginning of a sentence.
        error: that was raised.
    """
    return MlopsprojError(f"{what} failed: {type(error).__name__}: {error}")


class Conditions:
    """The parts that are needed; all work until one is said to fail. Any thread may ask."""

    def __init__(self) -> None:
        """Nothing fails yet."""
        self._failing: dict[str, MlopsprojError] = {}
        self._lock = Lock()

    @property
    def failing(self) -> Mapping[str, MlopsprojError]:
        """Why each part fails that does, by its name, the first that failed first."""
        with self._lock:
            return dict(self._failing)

    def fails(self, part: str, error: MlopsprojError) -> None:
        """Say that a part does not work; the same of it is logged once."""
        with self._lock:
            before = self._failing.get(part)
            self._failing[part] = error
        if before is None or str(before) != str(error):
            logger.warning("%s: %s", part, error)

    def works(self, part: str) -> None:
        """Say that a part works."""
        with self._lock:
            before = self._failing.pop(part, None)
        if before is not None:
            logger.warning("%s: works again", part)

    def forget(self, parts: set[str]) -> None:
        """Say that some parts are not needed any more."""
        with self._lock:
            for part in parts:
                self._failing.pop(part, None)
