"""From other threads into the event loop: one wake-up for all that happened meanwhile.

Waking a loop costs a write to a pipe and a turn of the loop; many images finish in one.
Knows nothing of what is called.
"""

import logging
from asyncio import AbstractEventLoop
from collections import deque
from collections.abc import Callable
from typing import Any

from mlopsproj_serving.scheduling.together import afterwards

logger = logging.getLogger(__name__)


class Wakeups:
    """Calls functions in the thread of an event loop."""

    def __init__(self, loop: AbstractEventLoop) -> None:
        """For this loop; what is posted after its end is dropped."""
        self._loop = loop
        self._waiting: deque[tuple[Callable[..., None], tuple[Any, ...]]] = deque()
        self._woken = False

    def post(self, function: Callable[..., None], *arguments: Any) -> None:
        """Call `function` in the loop soon, in the order of the posts of this thread."""
        self._waiting.append((function, arguments))
        if not self._woken:
            self._woken = True
            afterwards(self._wake)

    def _wake(self) -> None:
        try:
            self._loop.call_soon_threadsafe(self._run)
        except RuntimeError:
            if not self._loop.is_closed():
                raise
            # Nobody is left who could wait for it.
            self._waiting.clear()

    def _run(self) -> None:
        # Before anything is taken: what is posted from here on wakes the loop again.
        self._woken = False
        for _ in range(len(self._waiting)):
            function, arguments = self._waiting.popleft()
            try:
                function(*arguments)
            except Exception:
                # One that fails must not keep the others waiting for ever.
                logger.exception("a call from another thread failed")
