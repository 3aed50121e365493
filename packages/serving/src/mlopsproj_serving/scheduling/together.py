"""What follows from several outcomes that one thread has at once is done at the end, in one go.

To wake another thread after each of them would let it take the interpreter from this one while the
rest is not told yet, at the price of two switches each. Knows nothing of what is done.
"""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

logger = logging.getLogger(__name__)


class _Thread(threading.local):
    waiting: list[Callable[[], None]] | None = None


_thread = _Thread()


@contextmanager
def together() -> Iterator[None]:
    """Do what this thread gives to `afterwards` within when it is left, in that order."""
    waiting = _thread.waiting = []
    try:
        yield
    finally:
        _thread.waiting = None
        for function in waiting:
            try:
                function()
            except Exception:
                # The others are waited for, too.
                logger.exception("what follows from an outcome failed")


def afterwards(function: Callable[[], None]) -> None:
    """Call a function when this thread has told all outcomes at hand; now, if it has none."""
    waiting = _thread.waiting
    if waiting is None:
        function()
    else:
        waiting.append(function)
