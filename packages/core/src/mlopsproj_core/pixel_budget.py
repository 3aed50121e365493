"""How many pixels are decoded at once in a process, so that memory is bounded whoever sends them.

Knows nothing of images.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

SMALL_PIXELS: Final = 1_000_000
"""So few are not worth a lock."""


class PixelBudget:
    """Lets threads in, in the order of arrival, as long as there is room."""

    def __init__(self, pixels: int) -> None:
        """Everything is free.

        Args:
            pixels: at once; who needs more is let in alone.
        """
        self._pixels = pixels
        self._taken = 0
        self._turn = threading.Lock()  # held by the first who waits: nobody overtakes it
        self._changed = threading.Condition()

    @contextmanager
    def room_for(self, pixels: int) -> Iterator[None]:
        """Wait until there is room for so many, and hold it."""
        if pixels < SMALL_PIXELS:
            yield
            return
        pixels = min(pixels, self._pixels)
        with self._turn, self._changed:
            self._changed.wait_for(lambda: self._taken + pixels <= self._pixels)
            self._taken += pixels
        try:
            yield
        finally:
            with self._changed:
                self._taken -= pixels
                self._changed.notify_all()
