"""Which strategy is the faster one for a model on this machine: measured, never believed.

The images of the bundle's probe go through each strategy in turns, as many at once as a busy
service has, each of them handed in and taken back across threads as the service does. What came out
is remembered by bundle and CPU. Knows nothing of where a model comes from.
"""

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import cycle
from queue import Empty, SimpleQueue
from typing import Final, Literal, get_args

from mlopsproj_core.bundle import PROBE
from mlopsproj_core.cpu import available_cpus
from mlopsproj_core.errors import BundleCorruptError, MlopsprojError
from mlopsproj_core.predictor import Predictor

from mlopsproj_serving.background import at_low_priority
from mlopsproj_serving.config import Limits, SchedulingConfig
from mlopsproj_serving.scheduling.dynamic_batches import DynamicBatches
from mlopsproj_serving.scheduling.job import Computed, Job, Scheduler
from mlopsproj_serving.scheduling.memory import Memory, Situation
from mlopsproj_serving.scheduling.single_jobs import SingleJobs

logger = logging.getLogger(__name__)

Strategy = Literal["single", "batches"]

MARGIN: Final = 1.1
"""Batches must be faster by more than this factor: they keep an image for its neighbours, and
measurements on a busy machine differ by a few per cent."""

MEASURING_SECONDS: Final = 1.6
"""In all, for both strategies; a very slow model takes a few images longer."""

_ROUND_SECONDS: Final = (0.1, 0.3)
"""Of one strategy, at least and at most: short, so that nothing else on the machine disturbs some
rounds of each, and long enough for several images."""

AT_ONCE: Final = 32
"""Images that wait or are computed during a measurement; fewer where a round would see no end of
them."""

_CPU_SHARE: Final = 0.25
"""Of its time on the clock that a measurement must compute, to be believed: on cores of its own it
computes for 0.6 to 1 of it, beside twenty servers that start at the same time for a sixteenth."""

_PATIENCE_SECONDS: Final = 60.0
"""For one image of a model that is very slow."""


@dataclass(frozen=True, slots=True)
class Measured:
    """What a measurement found.

    Attributes:
        strategy: that is the better one.
        images_per_second: of each, in its better rounds.
        cpu_share: of its threads' time that they computed, the least of both, 0 to 1; None where
            the system does not tell.
    """

    strategy: Strategy
    images_per_second: dict[str, float]
    cpu_share: float | None


def make_scheduler(
    predictor: Predictor,
    config: SchedulingConfig,
    limits: Limits,
    *,
    memory: Memory | None = None,
    beside: Strategy | None = None,
) -> tuple[Scheduler, Strategy]:
    """Start the scheduler that the config asks for, or that is the faster one here.

    Args:
        predictor: of one inner thread.
        config: whose strategy may be "auto".
        limits: of images.
        memory: of what was measured before; nothing is remembered unless given.
        beside: strategy of the version that answers meanwhile: a measurement leaves the CPU to
            it, and where it did not get enough of it to tell, that strategy is taken over.

    Raises:
        BundleCorruptError: if the images of the probe are not computed.
    """
    if config.strategy != "auto":
        strategy: Strategy = config.strategy
    elif beside is not None:
        strategy = at_low_priority(lambda: choose(predictor, config, limits, memory, beside))
    else:
        strategy = choose(predictor, config, limits, memory)
    return _start(strategy, predictor, config, limits), strategy


def choose(
    predictor: Predictor,
    config: SchedulingConfig,
    limits: Limits,
    memory: Memory | None,
    beside: Strategy | None = None,
) -> Strategy:
    """Recall which strategy is the faster one here, or else measure it.

    What was measured while others took the CPU is not remembered.

    Args:
        predictor: see `make_scheduler`, as for the others.
        config: see there.
        limits: see there.
        memory: see there.
        beside: see there.

    Raises:
        BundleCorruptError: if the images of the probe are not computed.
    """
    if memory is None:
        measured = measure(predictor, config, limits)
        return measured.strategy if beside is None or _could_tell(measured) else beside
    situation = Situation.here(
        predictor.bundle, threads=_threads(config), max_batch=config.max_batch
    )
    # Without waiting for a turn first: once it is known, starts do not hold each other up.
    if (known := _recalled(memory, situation)) is not None:
        return known
    with memory.turn(situation):
        if (known := _recalled(memory, situation)) is not None:
            return known
        measured = measure(predictor, config, limits)
        if not _could_tell(measured):
            strategy = beside or measured.strategy
            logger.warning(
                "scheduling=%s: too little of the CPU was free to measure; the next start does",
                strategy,
            )
            return strategy
        memory.remember(situation, measured.strategy, measured.images_per_second)
    logger.info(
        "scheduling=%s: measured %s images/s",
        measured.strategy,
        ", ".join(f"{name} {rate:g}" for name, rate in measured.images_per_second.items()),
    )
    return measured.strategy


def measure(predictor: Predictor, config: SchedulingConfig, limits: Limits) -> Measured:
    """Send the probe's images through each strategy, in turns, and compare.

    Takes `MEASURING_SECONDS`, and the time of a few images more.

    Args:
        predictor: of one inner thread.
        config: of the schedulers.
        limits: of images.

    Raises:
        BundleCorruptError: if the images of the probe are not computed.
    """
    folder = (predictor.bundle.path / PROBE).parent
    images = [path.read_bytes() for path in sorted(folder.iterdir()) if path.suffix != ".npz"]
    rates: dict[Strategy, list[float]] = {strategy: [] for strategy in get_args(Strategy)}
    shares: dict[Strategy, list[float]] = {strategy: [] for strategy in rates}
    schedulers = {strategy: _start(strategy, predictor, config, limits) for strategy in rates}
    try:
        alone = min(_seconds_alone(scheduler, images[0]) for scheduler in schedulers.values())
        shortest, longest = _ROUND_SECONDS
        seconds = max(shortest, min(longest, 10 * alone))
        # So many that a round sees several times as many images computed.
        threads = _threads(config)
        at_once = int(max(2 * threads, min(AT_ONCE, seconds / alone * threads / 4)))
        for _ in range(round(MEASURING_SECONDS / seconds / len(schedulers))):
            for strategy, scheduler in schedulers.items():
                begun, used = time.monotonic(), scheduler.cpu_seconds()
                rates[strategy].append(_images_per_second(scheduler, images, at_once, seconds))
                if used is not None:
                    computed = (scheduler.cpu_seconds() or 0.0) - used
                    shares[strategy].append(computed / threads / (time.monotonic() - begun))
    finally:
        for scheduler in schedulers.values():
            scheduler.close()
    speeds = {strategy: _undisturbed(each) for strategy, each in rates.items()}
    return Measured(
        strategy="batches" if speeds["batches"] > MARGIN * speeds["single"] else "single",
        images_per_second={name: round(speed, 1) for name, speed in speeds.items()},
        cpu_share=min((_undisturbed(each) for each in shares.values() if each), default=None),
    )


def _could_tell(measured: Measured) -> bool:
    """Whether a measurement got enough of the CPU to mean anything."""
    return measured.cpu_share is None or measured.cpu_share >= _CPU_SHARE


def _undisturbed(rates: Sequence[float]) -> float:
    """The mean of the better half: what else the machine does can only make a round slower."""
    better = sorted(rates)[len(rates) // 2 :]
    return sum(better) / len(better)


def _start(
    strategy: Strategy, predictor: Predictor, config: SchedulingConfig, limits: Limits
) -> Scheduler:
    threads, max_pixels = _threads(config), limits.image_pixels
    if strategy == "single":
        return SingleJobs(predictor, threads=threads, max_pixels=max_pixels)
    return DynamicBatches(
        predictor, threads=threads, max_batch=config.max_batch, max_pixels=max_pixels
    )


def _threads(config: SchedulingConfig) -> int:
    return config.threads or available_cpus()


def _recalled(memory: Memory, situation: Situation) -> Strategy | None:
    known: Strategy
    strategy = memory.recall(situation)
    for known in get_args(Strategy):
        if strategy == known:
            logger.debug("scheduling=%s, as it was measured before", known)
            return known
    return None


def _seconds_alone(scheduler: Scheduler, image: bytes) -> float:
    """That one image takes, once everything is warm."""
    outcomes: SimpleQueue[Computed | MlopsprojError] = SimpleQueue()
    seconds = []
    for _ in range(2):
        begun = time.monotonic()
        deadline = begun + _PATIENCE_SECONDS
        scheduler.submit(Job(image, deadline, lambda _, outcome: outcomes.put(outcome)))
        if isinstance(outcome := outcomes.get(), MlopsprojError):
            raise BundleCorruptError(f"An image of the bundle's own probe fails: {outcome}")
        seconds.append(time.monotonic() - begun)
    return min(seconds)


def _images_per_second(
    scheduler: Scheduler, images: Sequence[bytes], at_once: int, seconds: float
) -> float:
    """With so many inside at once, each of which is followed by another, for so long."""
    finished: SimpleQueue[Job] = SimpleQueue()
    following = cycle(images)
    inside: set[Job] = set()
    begun = last = time.monotonic()
    ends = begun + seconds

    def submit() -> None:
        job = Job(next(following), ends + _PATIENCE_SECONDS, lambda job, _: finished.put(job))
        inside.add(job)
        scheduler.submit(job)

    for _ in range(at_once):
        submit()
    computed = 0
    while (left := ends - time.monotonic()) > 0:
        try:
            inside.remove(finished.get(timeout=left))
        except Empty:
            break
        computed, last = computed + 1, time.monotonic()
        submit()
    for job in inside:
        job.abandon()
    # Those that were begun end before the next round begins.
    for _ in inside:
        finished.get()
    return computed / (last - begun) if computed else 0.0
