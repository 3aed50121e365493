"""Notices that a client leaves while its answer is being made, and stops making it.

Knows nothing of what the answer is.
"""

import asyncio
from types import TracebackType

from starlette.types import Receive

from mlopsproj_serving.http.problems import ClientGoneError

PATIENCE_SECONDS = 0.05
"""Before anyone looks: most answers are quicker, and pay for no more than a timer."""


class Departure:
    """A context within which the present task is cancelled once its client has left.

    Leaving the context then raises `ClientGoneError`. Enter it when the body has been read: what
    else comes from the client can only be that it is gone.
    """

    def __init__(self, receive: Receive) -> None:
        """Look at the `receive` of an ASGI application."""
        self._receive = receive
        self._gone = False

    def __enter__(self) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 (ASGI applications run in one)
        self._task = task
        self._cancelling = task.cancelling()
        self._watcher: asyncio.Task[None] | None = None
        self._timer = task.get_loop().call_later(PATIENCE_SECONDS, self._begin)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._timer.cancel()
        if self._watcher is not None:
            self._watcher.cancel()
        if not self._gone:
            return
        # As `asyncio.timeout` does: somebody else may have cancelled the task, too.
        others = self._task.uncancel() > self._cancelling
        if kind is asyncio.CancelledError and not others:
            raise ClientGoneError from error

    def _begin(self) -> None:
        self._watcher = self._task.get_loop().create_task(self._watch())

    async def _watch(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self._gone = True
        self._task.cancel()
