"""Whether a prediction would be answered, found out by computing one.

All who ask within a second are told the same, so that asking often costs nothing. Knows nothing of
HTTP.
"""

import asyncio
import time
from typing import TYPE_CHECKING, Final

from mlopsproj_core.errors import MlopsprojError

from mlopsproj_serving.service import NO_MODEL

if TYPE_CHECKING:
    from mlopsproj_serving.model import ServedModel
    from mlopsproj_serving.scheduling.job import Computed
    from mlopsproj_serving.service import Service

KEPT_SECONDS: Final = 1.0
PATIENCE_SECONDS: Final = 10.0
"""For the image to be computed behind all that wait."""


class Readiness:
    """Asks the scheduler of a service; belongs to its event loop."""

    def __init__(
        self, *, kept_seconds: float = KEPT_SECONDS, patience_seconds: float = PATIENCE_SECONDS
    ) -> None:
        """Begin without having asked.

        Args:
            kept_seconds: that an outcome is told again.
            patience_seconds: for the image to be computed.
        """
        self._kept_seconds = kept_seconds
        self._patience_seconds = patience_seconds
        self._model: ServedModel | None = None
        self._asked: asyncio.Task[str | None] | None = None
        self._until = 0.0  # on the clock of `time.monotonic`

    async def why_not(self, service: "Service") -> str | None:
        """Why no prediction would be answered; None if one was computed."""
        model = service.current
        if model is None:
            self._model, self._asked = None, None
            return service.why_none or NO_MODEL
        if service.log is not None:
            log = service.log.state()
            if not log.spool_up and not log.database_up:
                return f"No answer can be kept: {log.last_error}"
        asked = self._asked
        if (
            asked is None
            or self._model is not model
            or (asked.done() and time.monotonic() >= self._until)
        ):
            # Submitted here, where nobody can swap and close the model meanwhile.
            self._model, asked = model, asyncio.create_task(self._outcome(self._compute(model)))
            self._asked = asked
        return await asyncio.shield(asked)

    def _compute(self, model: "ServedModel") -> "asyncio.Future[Computed | MlopsprojError]":
        loop = asyncio.get_running_loop()
        outcome: asyncio.Future[Computed | MlopsprojError] = loop.create_future()

        def settle(found: "Computed | MlopsprojError") -> None:
            if not outcome.done():
                outcome.set_result(found)

        def finished(found: "Computed | MlopsprojError") -> None:
            loop.call_soon_threadsafe(settle, found)

        model.compute(model.probe_image, self._patience_seconds, finished)
        return outcome

    async def _outcome(self, computed: "asyncio.Future[Computed | MlopsprojError]") -> str | None:
        try:
            async with asyncio.timeout(self._patience_seconds):
                outcome = await computed
        except TimeoutError:
            return f"An image was not computed within {self._patience_seconds:g} s: too much waits."
        finally:
            self._until = time.monotonic() + self._kept_seconds
        return str(outcome) if isinstance(outcome, MlopsprojError) else None
