"""Blocking work in threads of its own, so that neither the event loop nor the traffic waits for it.

The threads are daemons: a registry that hangs does not keep the process from ending. Knows nothing
of what is done in them.
"""

import asyncio
import contextlib
import os
import sys
import threading
from collections.abc import Callable
from typing import Final, TypeVar

_T = TypeVar("_T")

LOW: Final = 5
"""Of what gets a quarter of a core that others want, since somebody waits for it."""

LOWEST: Final = 19
"""Niceness of what gets one or two per cent of a core that others want."""


async def in_thread(
    function: Callable[[], _T], *, discard: Callable[[_T], None] | None = None
) -> _T:
    """What `function` returns or raises, once a new thread has called it.

    When the caller is cancelled the thread goes on.

    Args:
        function: that blocks.
        discard: called in a thread with what was returned, if nobody waits for it any more.
    """
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[_T] = loop.create_future()

    def drop(result: _T) -> None:
        if discard is not None:
            discard(result)

    def succeed(result: _T) -> None:
        if outcome.cancelled():
            threading.Thread(target=drop, args=(result,), name="discard", daemon=True).start()
        else:
            outcome.set_result(result)

    def fail(error: BaseException) -> None:
        if not outcome.cancelled():
            outcome.set_exception(error)

    def work() -> None:
        try:
            result = function()
        except BaseException as error:  # noqa: BLE001 (raised where it is waited for)
            with contextlib.suppress(RuntimeError):  # the loop ended meanwhile
                loop.call_soon_threadsafe(fail, error)
            return
        try:
            loop.call_soon_threadsafe(succeed, result)
        except RuntimeError:  # the loop ended meanwhile
            drop(result)

    threading.Thread(target=work, name="beside", daemon=True).start()
    return await outcome


def at_low_priority(function: Callable[[], _T], *, niceness: int = LOWEST) -> _T:
    """What `function` returns or raises in a thread that leaves the CPU to others.

    Blocks meanwhile. Threads that `function` starts inherit the priority.

    Args:
        function: that takes its time.
        niceness: 1 to 19; see nice(2).
    """
    returned: list[_T] = []
    raised: list[BaseException] = []

    def work() -> None:
        lower_priority(niceness)
        try:
            returned.append(function())
        except BaseException as error:  # noqa: BLE001 (raised where it is waited for)
            raised.append(error)

    thread = threading.Thread(target=work, name="low-priority", daemon=True)
    thread.start()
    thread.join()
    if raised:
        raise raised[0]
    return returned[0]


def lower_priority(niceness: int = LOWEST) -> None:
    """Let this thread, for ever, leave the CPU to others; where the system can."""
    if sys.platform == "linux":  # elsewhere niceness belongs to the process
        with contextlib.suppress(OSError):  # e.g. a sandbox that forbids it: it is a courtesy
            os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), niceness)
