"""The service without HTTP: images in, durable answers out.

Holds the model that is served, bounds what is inside, and lets an answer go when its record is
durable. All images of a request go to the version that was served when it was admitted.
Knows nothing of requests' formats, nor of when the model changes.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from mlopsproj_core.errors import MlopsprojError, NoModelError, OverloadedError
from mlopsproj_records.record import PredictionRecord

from mlopsproj_serving.answering import RequestedImages
from mlopsproj_serving.background import in_thread
from mlopsproj_serving.config import ServingConfig
from mlopsproj_serving.model import ServedModel
from mlopsproj_serving.scheduling.admission import Admission
from mlopsproj_serving.wakeups import Wakeups

if TYPE_CHECKING:
    from mlopsproj_records.log import PredictionLog

    from mlopsproj_serving.telemetry.metrics import Metrics

NO_MODEL = "No model is loaded yet: try again in a moment."
ENDING = "The service is ending: ask another process, or try again in a moment."

AfterAnswer = Callable[[bytes, PredictionRecord], None]


class Service:
    """Answers with one model at a time; its methods belong to one event loop.

    Attributes:
        config: all of it.
        log: where answers are kept before they leave; nowhere if None.
        metrics: that count images; none if None.
        admission: what is inside.
        current: the model that answers; None if there is none.
        why_none: what is said where there is none.
        after_answer: called in the loop with each image that was answered and its record; they
            must neither block nor raise.
    """

    def __init__(
        self,
        config: ServingConfig,
        log: "PredictionLog | None",
        *,
        metrics: "Metrics | None" = None,
    ) -> None:
        """Begin without a model."""
        self.config = config
        self.log = log
        self.metrics = metrics
        self.admission = Admission(config.scheduling.queue_images)
        self.current: ServedModel | None = None
        self.why_none: str | None = None
        self.after_answer: list[AfterAnswer] = []
        self._loop = asyncio.get_running_loop()
        self._wakeups = Wakeups(self._loop)
        self._ending = False
        self._empty: asyncio.Future[None] | None = None

    def serve(self, model: ServedModel) -> ServedModel | None:
        """Answer with `model` from now on.

        Returns:
            The one before, which nothing more is submitted to: close it.
        """
        before, self.current = self.current, model
        return before

    async def predict(
        self, images: Sequence[bytes], *, request_id: str, deadline_seconds: float
    ) -> list[PredictionRecord | MlopsprojError]:
        """Compute and record images; returns when every answer is durable.

        Cancelled, it abandons those that are not begun.

        Args:
            images: encoded.
            request_id: recorded with each.
            deadline_seconds: from now; an image that is not begun until then is not computed.

        Returns:
            For each image its record, or why there is none; a bad image fails alone.

        Raises:
            NoModelError: if nothing is loaded, or the service is ending.
            OverloadedError: if the queue is full.
        """
        if not images:
            return []
        model = self.current
        try:
            if model is None or self._ending:
                raise NoModelError(ENDING if self._ending else self.why_none or NO_MODEL)
            self.admission.enter(len(images))
        except (NoModelError, OverloadedError) as error:
            if self.metrics is not None:
                self.metrics.refused("queue" if isinstance(error, OverloadedError) else "no_model")
            raise
        # Nothing is awaited since the model was read: it is not closed before it has these.
        request = RequestedImages(
            self, model, images, request_id=request_id, deadline_seconds=deadline_seconds
        )
        try:
            await request.all
        except asyncio.CancelledError:
            request.abandon()
            raise
        return request.answers()

    async def close(self) -> None:
        """Refuse what comes, answer everything that was let in, and end the model's threads."""
        self._ending = True
        if self.admission.inside:
            self._empty = self._loop.create_future()
            await self._empty
        model, self.current = self.current, None
        if model is not None:
            await in_thread(model.close)

    def leave(self, images: int) -> None:
        """Let images of a request out."""
        self.admission.leave(images)
        if self._empty is not None and not self.admission.inside and not self._empty.done():
            self._empty.set_result(None)

    def post(self, function: Callable[..., None], *arguments: object) -> None:
        """Call a function in the loop; from any thread."""
        self._wakeups.post(function, *arguments)
