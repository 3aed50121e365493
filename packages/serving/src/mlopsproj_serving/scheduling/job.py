"""One image on its way through a scheduler, and what a scheduler is.

Knows nothing of HTTP, of the log, or of how images are computed.
"""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from mlopsproj_core.errors import DeadlineError, MlopsprojError, ServingError
from mlopsproj_core.image import ImageStatistics
from mlopsproj_core.outputs import Floats

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Computed:
    """What came out for one image.

    Attributes:
        probabilities: `(K,)` float32.
        embedding: `(D,)` float32.
        ood_score: larger is farther from the training data.
        statistics: of the image.
        latency_ms: by stage: "queue", "decode", "infer"; of its batch, where it shared one.
        batch_size: images that were inferred together.
    """

    probabilities: Floats
    embedding: Floats
    ood_score: float
    statistics: ImageStatistics
    latency_ms: dict[str, float]
    batch_size: int


@dataclass(slots=True, eq=False)
class Job:
    """One image to compute.

    Attributes:
        image: encoded.
        deadline: on the clock of `time.monotonic`; later, it is not begun.
        finished: called exactly once, by the thread that computed, with what came out: an
            `ImageError` for a bad image, a `DeadlineError` if it was too late or abandoned, or
            any other error of ours.
        abandoned: whether nobody waits for it any more; see `abandon`.
        entered: on the clock of `time.monotonic`.
    """

    image: bytes
    deadline: float
    finished: Callable[["Job", Computed | MlopsprojError], None]
    abandoned: bool = False
    entered: float = field(default_factory=time.monotonic)

    def finish(self, outcome: Computed | MlopsprojError) -> None:
        """Say what came out, exactly once; never raises."""
        try:
            self.finished(self, outcome)
        except Exception:
            # A fault of whoever waits, which must not cost its neighbours their answers.
            logger.exception("what came out for an image could not be told")

    def abandon(self) -> None:
        """Say that nobody waits for it any more: it is not begun, and holds no image."""
        # In this order: a thread that reads the image first and then looks here never mistakes
        # the empty image for one that was sent.
        self.abandoned = True
        self.image = b""


def refusal(job: Job, now: float) -> DeadlineError | None:
    """Why a job is not begun; None if it is.

    Args:
        job: whose image was read before.
        now: on the clock of `time.monotonic`.
    """
    if job.abandoned:
        return DeadlineError("Nobody waited for the image any more.")
    if now > job.deadline:
        return DeadlineError(
            f"The image waited for {now - job.entered:.1f} s, longer than the request may take:"
            " try again later, or allow it more time."
        )
    return None


def failure(error: Exception) -> ServingError:
    """What is said of an image that failed by no fault of its own; the log has the rest."""
    logger.error("an image could not be computed", exc_info=error)
    return ServingError("The image could not be computed: see the log of the service.")


class Scheduler(Protocol):
    """Computes jobs on threads of its own; used from any thread."""

    def submit(self, job: Job) -> None:
        """Take a job, and return at once; its `finished` is called later, exactly once."""

    def cpu_seconds(self) -> float | None:
        """CPU that its threads have used; None where the system does not tell."""

    def close(self) -> None:
        """Finish every job that was submitted, and end the threads. Nothing is submitted after."""
