"""The images of one request on their way from admission to an answer that is durable.

An image goes from the event loop to a thread that computes it, as a record to the log's writer, and
back into the loop. Knows nothing of HTTP, nor of which model is served next.
"""

import asyncio
import time
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

from mlopsproj_core.errors import DeadlineError, ImageError, MlopsprojError, NotDurableError
from mlopsproj_records.record import PredictionRecord

from mlopsproj_serving.model import ServedModel
from mlopsproj_serving.recording import record_of
from mlopsproj_serving.scheduling.job import Computed, Job, failure
from mlopsproj_serving.scheduling.together import afterwards

if TYPE_CHECKING:
    from mlopsproj_records.log import PredictionLog

    from mlopsproj_serving.service import Service
    from mlopsproj_serving.telemetry.metrics import FailReason


class RequestedImages:
    """The images of one request; its methods belong to the event loop.

    Attributes:
        all: done when every image has its answer.
    """

    __slots__ = ("_images", "_open", "_service", "all")

    def __init__(
        self,
        service: "Service",
        model: ServedModel,
        images: Sequence[bytes],
        *,
        request_id: str,
        deadline_seconds: float,
    ) -> None:
        """Let images that were admitted be computed.

        Args:
            service: that let them in.
            model: that computes all of them.
            images: encoded, at least one.
            request_id: recorded with each.
            deadline_seconds: from now; an image that is not begun until then is not computed.
        """
        self.all: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._service = service
        self._open = len(images)
        deadline = time.monotonic() + deadline_seconds
        self._images = [
            _RequestedImage(self, service, model, image, request_id=request_id, deadline=deadline)
            for image in images
        ]
        submit = model.scheduler.submit
        for job in [image.job for image in self._images]:
            if job is not None:
                submit(job)

    def answers(self) -> list[PredictionRecord | MlopsprojError]:
        """For each image its record, or why there is none, once `all` is done; ask once."""
        answers = [image.answer for image in self._images if image.answer is not None]
        self._let_go()
        return answers

    def abandon(self) -> None:
        """Nobody waits any more: what is not computed yet is not, and its place is free.

        What is on its way into the log keeps its place until it is there: a log that is slow
        would else hold more and more of what clients have given up.
        """
        for image in self._images:
            job = image.job  # a thread that finishes it takes it away
            if job is not None:
                job.abandon()
                self._leave(image)
        self._let_go()
        if self._service.metrics is not None:
            for _ in range(self._open):
                self._service.metrics.image_failed("abandoned")
        self._open = 0

    def _let_go(self) -> None:
        # They hold this, and images and a model too: in a circle, all that would stay in memory
        # until the garbage collector happens to come by.
        self._images = []

    def settle(self, image: "_RequestedImage") -> bool:
        """One image has its answer; False if nobody waits for it any more."""
        self._leave(image)
        if not self._open:
            return False
        self._open -= 1
        if not self._open and not self.all.done():  # it is when the request was just cancelled
            self.all.set_result(None)
        return True

    def _leave(self, image: "_RequestedImage") -> None:
        if image.has_place:  # both when it is abandoned and when it is finished all the same
            image.has_place = False
            self._service.leave(1)


class _RequestedImage:
    """One of them."""

    __slots__ = (
        "_computed",
        "_entered",
        "_image",
        "_model",
        "_outcome",
        "_request",
        "_request_id",
        "_service",
        "answer",
        "has_place",
        "job",
    )

    def __init__(
        self,
        request: RequestedImages,
        service: "Service",
        model: ServedModel,
        image: bytes,
        *,
        request_id: str,
        deadline: float,
    ) -> None:
        self._request = request
        self._service = service
        self._model = model
        self._request_id = request_id
        self.job: Job | None = Job(image, deadline, self._finished)
        self.answer: PredictionRecord | MlopsprojError | None = None
        self.has_place = True

    def _finished(self, job: Job, outcome: Computed | MlopsprojError) -> None:
        """In the thread that computed."""
        service, image = self._service, job.image
        self.job = None  # the other half of a circle, see `_let_go`
        if job.abandoned:
            return
        if isinstance(outcome, MlopsprojError):
            self._fail(outcome)
            return
        self._outcome, self._computed = outcome, time.monotonic()
        self._image, self._entered = image, job.entered
        try:
            record = record_of(
                outcome,
                image,
                version=self._model.version,
                manifest=self._model.manifest,
                request_id=self._request_id,
            )
        except Exception as error:  # noqa: BLE001 (whatever it is, the request must end)
            self._fail(failure(error))
            return
        self.answer = record
        if service.log is None:
            service.post(self._answered, self._computed)
        else:
            afterwards(partial(self._keep, service.log, record, image))

    def _keep(self, log: "PredictionLog", record: PredictionRecord, image: bytes) -> None:
        """In the thread that computed."""
        try:
            log.append(record, self._told, image=image)
        except Exception as error:  # noqa: BLE001 (as above)
            self._fail(failure(error))

    def _told(self, error: NotDurableError | None) -> None:
        """In the thread of the log's writer."""
        if error is None:
            self._service.post(self._answered, time.monotonic())
        else:
            self._fail(error)

    def _fail(self, error: MlopsprojError) -> None:
        """In any thread."""
        self.answer = error
        self._service.post(self._failed)

    def _answered(self, durable: float) -> None:
        """In the event loop."""
        if not self._request.settle(self):
            return
        service, record, outcome = self._service, self.answer, self._outcome
        assert isinstance(record, PredictionRecord)  # noqa: S101 (or it would have failed)
        if service.metrics is not None:
            best, confidence = record.top_k[0]
            service.metrics.image_computed(
                model=record.model,
                version=record.version,
                class_name=best,
                confidence=confidence,
                latency_ms={
                    **outcome.latency_ms,
                    "log": (durable - self._computed) * 1e3,
                    "total": (time.monotonic() - self._entered) * 1e3,
                },
                batch_size=outcome.batch_size,
            )
        for function in service.after_answer:
            function(self._image, record)

    def _failed(self) -> None:
        """In the event loop."""
        if self._request.settle(self) and self._service.metrics is not None:
            self._service.metrics.image_failed(_reason(self.answer))


def _reason(error: object) -> "FailReason":
    if isinstance(error, ImageError):
        return "image"
    if isinstance(error, DeadlineError):
        return "deadline"
    return "not_durable" if isinstance(error, NotDurableError) else "internal"
