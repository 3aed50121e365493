"""Batches of what has arrived: decoded in parallel by all threads, inferred together.

A thread that is free takes an image and decodes it; while others are waiting and the batch is not
full it takes the next, then infers all that it has. So a lone image waits for nobody, threads share
what has arrived evenly however long each image takes to decode, and batches grow with the load.
Each thread infers its own batch on its own core: threads inside one inference would wait for each
other at every layer, and for the decoding on the same cores.

Pays off where one image leaves a core half idle or the overhead of a call weighs: small networks.
Knows nothing of what becomes of the outputs.
"""

import time
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from mlopsproj_core.errors import ImageError, MlopsprojError
from mlopsproj_core.image import PreparedImage, prepare_images
from mlopsproj_core.predictor import Predictor

from mlopsproj_serving.scheduling.job import Computed, Job, failure, refusal
from mlopsproj_serving.scheduling.job_threads import JobThreads
from mlopsproj_serving.scheduling.together import together

GATHER_SECONDS = 0.02
"""After decoding for so long a batch takes no more: its first image has waited enough. Small images
fill a batch in less; with large ones the time goes into decoding, where batches gain nothing."""

LARGE_BYTES = 128 * 1024
"""An image of more is not taken to others, which would wait for it to be decoded: it begins the
next batch."""


class _Taken(NamedTuple):
    """A job whose image is in a batch, and when it was taken, on the clock of `time.monotonic`."""

    job: Job
    image: bytes
    time: float


class DynamicBatches:
    """A scheduler of batches."""

    def __init__(
        self, predictor: Predictor, *, threads: int, max_batch: int, max_pixels: int
    ) -> None:
        """Start the threads.

        Args:
            predictor: of one inner thread, which all threads share.
            threads: at least 1.
            max_batch: images in one batch, at least 1.
            max_pixels: an image that has more fails.
        """
        self._predictor = predictor
        self._spec = predictor.manifest.image
        self._max_batch = max_batch
        self._max_pixels = max_pixels
        self._threads = JobThreads(self._compute, threads)

    def submit(self, job: Job) -> None:
        """Take a job, and return at once."""
        self._threads.submit(job)

    def cpu_seconds(self) -> float | None:
        """CPU that its threads have used; None where the system does not tell."""
        return self._threads.cpu_seconds()

    def close(self) -> None:
        """Finish every job that was submitted, and end the threads."""
        self._threads.close()

    def _compute(self, first: Job) -> Job | None:
        batch: list[_Taken] = []
        left: list[Job] = []
        try:
            outcomes = self._outcomes(batch, self._taken(first, batch, left))
        except Exception as error:  # noqa: BLE001 (whatever it is, each image has its own outcome)
            outcomes = [self._alone(taken, error, len(batch)) for taken in batch]
        with together():
            for taken, outcome in zip(batch, outcomes, strict=True):
                taken.job.finish(outcome)
        return left[0] if left else None

    def _taken(self, first: Job, batch: list[_Taken], left: list[Job]) -> Iterator[bytes]:
        """Images, each taken only when the one before is decoded; noted in `batch`.

        One that must not be in it is put into `left`.
        """
        job: Job | None = first
        now = time.monotonic()
        enough = now + GATHER_SECONDS
        while job is not None:
            image = job.image
            if (refused := refusal(job, now)) is not None:
                job.finish(refused)
            else:
                batch.append(_Taken(job, image, now))
                yield image
            if len(batch) == self._max_batch or (now := time.monotonic()) > enough:
                return
            job = self._threads.another()
            if job is not None and batch and len(job.image) > LARGE_BYTES:
                left.append(job)
                return

    def _outcomes(
        self, batch: Sequence[_Taken], images: Iterator[bytes]
    ) -> list[Computed | MlopsprojError]:
        prepared = prepare_images(images, self._spec, max_pixels=self._max_pixels)
        good = [each for each in prepared if isinstance(each, PreparedImage)]
        if not good:
            return [each for each in prepared if isinstance(each, ImageError)]
        decoded = time.monotonic()
        pixels = [each.pixels for each in good]
        outputs = self._predictor.run(np.stack(pixels) if len(pixels) > 1 else pixels[0][None])
        infer = (time.monotonic() - decoded) * 1e3
        scores = outputs.ood_score.tolist()
        outcomes: list[Computed | MlopsprojError] = []
        row = 0
        for taken, each in zip(batch, prepared, strict=True):
            if isinstance(each, ImageError):
                outcomes.append(each)
                continue
            outcomes.append(
                Computed(
                    probabilities=outputs.probabilities[row],
                    embedding=outputs.embedding[row],
                    ood_score=scores[row],
                    statistics=each.statistics,
                    latency_ms={
                        "queue": (taken.time - taken.job.entered) * 1e3,
                        "decode": (decoded - taken.time) * 1e3,
                        "infer": infer,
                    },
                    batch_size=len(good),
                )
            )
            row += 1
        return outcomes

    def _alone(self, taken: _Taken, error: Exception, images: int) -> Computed | MlopsprojError:
        """What comes out without neighbours, one of which may be what the batch failed at."""
        if images == 1:
            return failure(error)
        again = taken._replace(time=time.monotonic())
        try:
            return self._outcomes([again], iter([again.image]))[0]
        except Exception as own:  # noqa: BLE001 (as above)
            return failure(own)
