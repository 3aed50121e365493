"""A version that is being served: its bundle, a session over it, and the scheduler in front.

Knows nothing of aliases, nor of which version is served.
"""

import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from queue import SimpleQueue
from typing import Final

from mlopsproj_core.bundle import PROBE
from mlopsproj_core.cpu import available_cpus
from mlopsproj_core.errors import BundleCorruptError, MlopsprojError
from mlopsproj_core.manifest import Manifest
from mlopsproj_core.predictor import Predictor
from mlopsproj_core.registry import ModelVersion, Registry

from mlopsproj_serving.background import LOW, at_low_priority
from mlopsproj_serving.config import ServingConfig
from mlopsproj_serving.scheduling.choice import Strategy, make_scheduler
from mlopsproj_serving.scheduling.job import Computed, Job, Scheduler
from mlopsproj_serving.scheduling.memory import Memory

_WARM_SECONDS: Final = 60.0


class ServedModel:
    """One version, loaded, verified and warm.

    Attributes:
        version: in the registry.
        predictor: over its bundle, of one inner thread.
        scheduler: computes its images.
        strategy: of the scheduler, "single" or "batches".
        probe_image: an encoded image that it is known to compute.
        loaded: when, UTC.
        load_seconds: that it took.
    """

    def __init__(
        self,
        version: ModelVersion,
        predictor: Predictor,
        scheduler: Scheduler,
        strategy: Strategy,
        *,
        probe_image: bytes,
        load_seconds: float,
    ) -> None:
        """Of parts that are ready."""
        self.version = version
        self.predictor = predictor
        self.scheduler = scheduler
        self.strategy = strategy
        self.probe_image = probe_image
        self.loaded = datetime.now(UTC)
        self.load_seconds = load_seconds

    @classmethod
    def load(
        cls,
        registry: Registry,
        version: ModelVersion,
        config: ServingConfig,
        *,
        memory: Memory | None = None,
        beside: "ServedModel | None" = None,
    ) -> "ServedModel":
        """Fetch, verify, probe and warm a version; blocks meanwhile.

        Args:
            registry: that holds it.
            version: that is wanted.
            config: how it is computed.
            memory: of the strategy that was found to be the faster one; measured anew without.
            beside: that answers meanwhile, and must not be disturbed, at the price of time.

        Raises:
            RegistryError: if it cannot be fetched.
            BundleError: if it is damaged, or this machine computes otherwise than it expects.
        """
        begun = time.monotonic()

        def open_bundle() -> tuple[Predictor, bytes]:
            predictor = Predictor.load(registry.fetch(version), threads=1)
            return predictor, _probe_image(predictor.bundle.path)

        predictor, probe_image = (
            at_low_priority(open_bundle, niceness=LOW) if beside else open_bundle()
        )
        # Not at low priority itself: its threads would inherit that, and they answer.
        scheduler, strategy = make_scheduler(
            predictor,
            config.scheduling,
            config.limits,
            memory=memory,
            beside=beside.strategy if beside else None,
        )
        try:
            _warm(scheduler, version, probe_image, config.scheduling.threads or available_cpus())
        except BaseException:
            scheduler.close()
            raise
        return cls(
            version,
            predictor,
            scheduler,
            strategy,
            probe_image=probe_image,
            load_seconds=time.monotonic() - begun,
        )

    @property
    def manifest(self) -> Manifest:
        """Of the bundle."""
        return self.predictor.manifest

    def compute(
        self, image: bytes, seconds: float, finished: Callable[[Computed | MlopsprojError], None]
    ) -> Job:
        """Let an image be computed that nobody asked for, beside those that somebody did.

        Args:
            image: encoded.
            seconds: from now until it must have begun.
            finished: called once, in the thread that computed, with what came out.
        """
        job = Job(image, time.monotonic() + seconds, lambda _, outcome: finished(outcome))
        self.scheduler.submit(job)
        return job

    def close(self) -> None:
        """Compute what was submitted, and end the threads; blocks meanwhile."""
        self.scheduler.close()


def _probe_image(bundle: Path) -> bytes:
    """One of the images that were computed when the bundle was probed."""
    images = sorted((bundle / PROBE).parent.glob("*.jpg"))
    if not images:
        raise BundleCorruptError(f"The probe of {bundle} holds no JPEG: make the bundle again.")
    return images[0].read_bytes()


def _warm(scheduler: Scheduler, version: ModelVersion, image: bytes, number: int) -> None:
    """Compute so many images before anybody waits for one: the first take longer."""
    outcomes: SimpleQueue[Computed | MlopsprojError] = SimpleQueue()
    deadline = time.monotonic() + _WARM_SECONDS
    for _ in range(number):
        scheduler.submit(Job(image, deadline, lambda _, outcome: outcomes.put(outcome)))
    for _ in range(number):
        outcome = outcomes.get(timeout=2 * _WARM_SECONDS)
        if isinstance(outcome, MlopsprojError):
            raise BundleCorruptError(
                f"{version} does not compute an image of its own probe: {outcome}"
            )
