"""Which signals to end are one signal that arrived twice.

systemd sends it to every process of a unit and a terminal to every one of a job, and `uv run`, or
the supervisor, passes on what it was sent. Knows nothing of what ends.
"""

import time
from typing import Final, Literal

SAME_SECONDS: Final = 0.4
"""Within which two are one; `uv run` waits for 0.2 s before it passes on what a terminal sent."""


class EndingSignals:
    """Told of each."""

    def __init__(self) -> None:
        """None was sent yet."""
        self._first_at: float | None = None

    def hear(self) -> Literal["first", "same", "second"]:
        """One has arrived."""
        now = time.monotonic()
        if self._first_at is None:
            self._first_at = now
            return "first"
        return "same" if now - self._first_at < SAME_SECONDS else "second"
