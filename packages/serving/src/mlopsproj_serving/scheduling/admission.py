"""How many images may be inside at once: beyond, a request is refused rather than left to wait.

Knows nothing of what an image is. Belongs to one thread.
"""

import math
import time
from collections.abc import Callable
from typing import Final

from mlopsproj_core.errors import OverloadedError

LONGEST_SECONDS: Final = 30
"""That anybody is told to wait: no estimate is good for longer."""

_WINDOW_SECONDS: Final = 2.0


class Admission:
    """Counts images from when they are let in until they are answered.

    Its speed is that at which images leave while any are inside; idle time does not count.
    """

    def __init__(self, most: int, *, clock: Callable[[], float] = time.monotonic) -> None:
        """Begin empty.

        Args:
            most: images inside at once, at least 1.
            clock: seconds that only rise.
        """
        self.most = most
        self._clock = clock
        self._inside = 0
        self._since = 0.0
        self._left = 0
        self._speed: float | None = None

    @property
    def inside(self) -> int:
        """Images that wait, are computed or are made durable now; readable from any thread."""
        return self._inside

    def enter(self, images: int) -> None:
        """Let all images of a request in, or none.

        Raises:
            OverloadedError: if they are too many beside those that are inside.
        """
        if self._inside + images > self.most:
            if images > self.most:
                raise OverloadedError(
                    f"The request has {images} images, and no more than {self.most} may be inside"
                    " at once: send fewer at a time."
                )
            seconds = self.retry_after_seconds
            raise OverloadedError(
                f"{self._inside} images are inside, of {self.most} that may be: try again in"
                f" {seconds} s.",
                retry_after_seconds=seconds,
            )
        if not self._inside:
            self._since, self._left = self._clock(), 0
        elif self._clock() - self._since > _WINDOW_SECONDS:
            self._measure()
        self._inside += images

    def leave(self, images: int = 1) -> None:
        """Let images out."""
        self._inside -= images
        self._left += images
        if not self._inside:
            self._measure()

    @property
    def retry_after_seconds(self) -> int:
        """In which all that are inside now will have left, at the present speed; at least 1."""
        self._measure()
        if self._speed is None:
            return 1
        seconds = self._inside / self._speed
        return min(LONGEST_SECONDS, max(1, math.ceil(seconds)))

    def _measure(self) -> None:
        """Look at how many left since when; begin again where that is long ago."""
        now = self._clock()
        seconds = now - self._since
        if seconds <= 0:
            return
        if self._left:
            self._speed = self._left / seconds
        elif self._speed is not None:
            # Not even one.
            self._speed = min(self._speed, 1 / seconds)
        if seconds > _WINDOW_SECONDS and self._left:
            self._since, self._left = now, 0
