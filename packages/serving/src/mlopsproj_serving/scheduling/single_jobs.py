"""Each image decoded and inferred in one job, one job per thread at a time.

Nobody waits for a neighbour, and the pixels are still in the cache when they are inferred: for
networks that keep a core busy with one image, nothing is faster.
Knows nothing of what becomes of the outputs.
"""

import time

from mlopsproj_core.errors import ImageError, MlopsprojError
from mlopsproj_core.image import prepare_image
from mlopsproj_core.predictor import Predictor

from mlopsproj_serving.scheduling.job import Computed, Job, failure, refusal
from mlopsproj_serving.scheduling.job_threads import JobThreads


class SingleJobs:
    """A scheduler of single images."""

    def __init__(self, predictor: Predictor, *, threads: int, max_pixels: int) -> None:
        """Start the threads.

        Args:
            predictor: of one inner thread, which all threads share.
            threads: at least 1.
            max_pixels: an image that has more fails.
        """
        self._predictor = predictor
        self._spec = predictor.manifest.image
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

    def _compute(self, job: Job) -> None:
        job.finish(self._outcome(job))

    def _outcome(self, job: Job) -> Computed | MlopsprojError:
        image, begun = job.image, time.monotonic()
        if (refused := refusal(job, begun)) is not None:
            return refused
        try:
            prepared = prepare_image(image, self._spec, max_pixels=self._max_pixels)
            decoded = time.monotonic()
            outputs = self._predictor.run(prepared.pixels[None])
        except ImageError as error:
            return error
        except Exception as error:  # noqa: BLE001 (whatever it is, the thread goes on)
            return failure(error)
        return Computed(
            probabilities=outputs.probabilities[0],
            embedding=outputs.embedding[0],
            ood_score=float(outputs.ood_score[0]),
            statistics=prepared.statistics,
            latency_ms={
                "queue": (begun - job.entered) * 1e3,
                "decode": (decoded - begun) * 1e3,
                "infer": (time.monotonic() - decoded) * 1e3,
            },
            batch_size=1,
        )
