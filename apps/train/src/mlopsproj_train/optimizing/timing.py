"""Variants timed beside the parent's graph, in turn, so that what disturbs one disturbs both.

A few variants at a time: each session holds memory of its own. PyTorch has rounds of its own, with
pauses: its threads go on turning for a while after their work, and take the cores from whoever
comes next. Knows nothing of accuracy.
"""

import logging
import math
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from statistics import median

import numpy as np
import torch
from mlopsproj_core.bundle import MODEL
from mlopsproj_core.cpu import available_cpus
from mlopsproj_core.errors import CompressionError, ConfigError
from mlopsproj_core.image import Pixels
from mlopsproj_core.onnx_graph import OnnxGraph
from mlopsproj_evaluation.latency import Ratio, each_round, ratio
from mlopsproj_models.networks import ImageNetwork

from mlopsproj_train.devices import use_available_cpus
from mlopsproj_train.optimizing.config import TimingConfig
from mlopsproj_train.optimizing.workshop import BASELINE, Workshop
from mlopsproj_train.progress import progress_bar

logger = logging.getLogger(__name__)

FEWEST_ROUNDS = 15
"""With fewer, an interval would say nothing."""

_AT_ONCE = 4
_PAUSE_SECONDS = 0.02
_WARM_UPS = 3

EAGER, COMPILED = "torch-eager", "torch-compile"

Run = Callable[[], object]


@dataclass(frozen=True)
class Case:
    """All variants at one batch and number of threads.

    Attributes:
        batch: images at once.
        threads: inside one inference.
        pairs: seconds of an inference in each round, of a variant and, in the same rounds, of the
            parent's graph; by the variant's name.
    """

    batch: int
    threads: int
    pairs: Mapping[str, tuple[Sequence[float], Sequence[float]]]

    @property
    def title(self) -> str:
        """As a column is headed."""
        return f"{self.batch} on {self.threads}"

    def speedup(self, name: str) -> Ratio:
        """How many times as fast a variant is as the parent, round by round; above 1 is faster."""
        own, parent = self.pairs[name]
        return ratio(parent, own)

    def speedup_over_eager(self, name: str) -> Ratio | None:
        """How many times as fast a variant is as eager PyTorch; None where that was not timed.

        Both were held against the parent's graph: the bounds are those that are farthest apart.
        """
        if EAGER not in self.pairs:
            return None
        own, eager = self.speedup(name), self.speedup(EAGER)
        return Ratio(
            median=own.median / eager.median,
            low=own.low / eager.high,
            high=own.high / eager.low,
            rounds=min(own.rounds, eager.rounds),
        )

    def images_per_second(self, name: str) -> float:
        """Of the median round."""
        return self.batch / median(self.pairs[name][0])


def overall(cases: Sequence[Case], name: str) -> Ratio:
    """Geometric mean over all cases of the speed-up and of each of its bounds.

    Args:
        cases: at least one.
        name: of the variant.
    """
    found = [case.speedup(name) for case in cases]
    return Ratio(
        median=_geometric(one.median for one in found),
        low=_geometric(one.low for one in found),
        high=_geometric(one.high for one in found),
        rounds=sum(one.rounds for one in found),
    )


def slower_at(cases: Sequence[Case], name: str) -> tuple[str, ...]:
    """The cases in which a variant is shown to be slower than the parent.

    Args:
        cases: at least one.
        name: of the variant.
    """
    return tuple(case.title for case in cases if case.speedup(name).high < 1)


def time_variants(workshop: Workshop) -> tuple[list[Case], dict[str, str]]:
    """Time every variant that stands, and PyTorch where the weights are here.

    Args:
        workshop: whose ladder was climbed.

    Returns:
        The cases, and why PyTorch was not timed, by contender.

    Raises:
        ConfigError: if no number of threads can be used here.
    """
    timing = workshop.config.timing
    networks, reasons = _torch_networks(workshop) if timing.torch else ({}, {})
    cases = []
    pairs = [(threads, batch) for threads in usable_threads(timing) for batch in timing.batches]
    with progress_bar("timing") as report:
        for done, (threads, batch) in enumerate(pairs, start=1):
            images = _images(workshop, batch)
            found = _time_graphs(workshop, images, threads)
            found |= _time_torch(workshop, networks, reasons, images, threads)
            cases.append(Case(batch, threads, found))
            report(done, len(pairs))
    return [_without(case, reasons) for case in cases], reasons


def usable_threads(timing: TimingConfig) -> list[int]:
    """The numbers of threads that this process has cores for.

    Args:
        timing: as the user gave it.

    Raises:
        ConfigError: if there are none.
    """
    cores = available_cpus()
    usable = [threads for threads in timing.threads if threads <= cores]
    left_out = [threads for threads in timing.threads if threads > cores]
    if left_out:
        logger.info("not timed on %s threads: there are %d cores", left_out, cores)
    if not usable:
        raise ConfigError(
            f"timing.threads={list(timing.threads)}: this process may use {cores} core(s); give"
            " no more."
        )
    return usable


def _time_graphs(
    workshop: Workshop, images: Pixels, threads: int
) -> dict[str, tuple[list[float], list[float]]]:
    timing = workshop.config.timing
    others = [name for name in workshop.standing if name != BASELINE]
    groups = [others[start : start + _AT_ONCE] for start in range(0, len(others), _AT_ONCE)]
    found: dict[str, tuple[list[float], list[float]]] = {}
    for group in groups or [[]]:
        runs = {name: _graph_run(workshop, name, images, threads) for name in [BASELINE, *group]}
        seconds: dict[str, list[float]] = {name: [] for name in runs}
        start = time.monotonic()
        for done, times in enumerate(islice(each_round(runs), timing.rounds), start=1):
            for name, value in times.items():
                seconds[name].append(value)
            late = time.monotonic() - start >= timing.seconds / max(1, len(groups))
            if done >= FEWEST_ROUNDS and late:
                break
        found |= {name: (times, seconds[BASELINE]) for name, times in seconds.items()}
    return found


def _time_torch(
    workshop: Workshop,
    networks: dict[str, ImageNetwork],
    reasons: dict[str, str],
    images: Pixels,
    threads: int,
) -> dict[str, tuple[list[float], list[float]]]:
    """PyTorch beside the parent's graph; a contender that fails goes, with its reason."""
    torch.set_num_threads(threads)
    try:
        found = {}
        for name, network in list(networks.items()):
            run = _torch_run(network, torch.tensor(images))
            try:
                for _ in range(_WARM_UPS):
                    run()
            except Exception as error:  # noqa: BLE001 (torch.compile raises whatever it met)
                reasons[name] = f"{type(error).__name__}: {_first_line(error)}"
                del networks[name]
                continue
            graph = _graph_run(workshop, BASELINE, images, threads)
            found[name] = _with_pauses(run, graph, workshop.config.timing)
        return found
    finally:
        use_available_cpus()


def _with_pauses(ours: Run, theirs: Run, timing: TimingConfig) -> tuple[list[float], list[float]]:
    """Seconds of each in turn, after the threads of the one before have come to rest."""
    seconds: tuple[list[float], list[float]] = ([], [])
    theirs()
    start = time.monotonic()
    for done in range(1, timing.rounds + 1):
        for run, times in zip((ours, theirs), seconds, strict=True):
            time.sleep(_PAUSE_SECONDS)
            run()  # what rested is cold
            begun = time.perf_counter()
            run()
            times.append(time.perf_counter() - begun)
        if done >= FEWEST_ROUNDS and time.monotonic() - start >= timing.seconds / 2:
            break
    return seconds


def _torch_networks(workshop: Workshop) -> tuple[dict[str, ImageNetwork], dict[str, str]]:
    # Its compiler tells of GPUs that are not here.
    logging.getLogger("torch").setLevel(logging.ERROR)
    try:
        eager, compiled = workshop.network(), workshop.network()
    except (CompressionError, ConfigError) as error:
        return {}, {EAGER: str(error), COMPILED: str(error)}
    compiled.compile()
    return {EAGER: eager, COMPILED: compiled}, {}


def _images(workshop: Workshop, batch: int) -> Pixels:
    """As many validation images as a batch takes, from the beginning again where they are few."""
    rows = np.sort(np.arange(batch) % len(workshop.validation))
    return np.ascontiguousarray(workshop.validation.images[rows])


def _graph_run(workshop: Workshop, name: str, images: Pixels, threads: int) -> Run:
    dataset = workshop.parent.dataset
    path = workshop.bundle(name) / MODEL
    graph = OnnxGraph(path, dataset.spec, len(dataset.classes), threads=threads)
    return lambda: graph.run(images)


def _torch_run(network: ImageNetwork, images: torch.Tensor) -> Run:
    def run() -> object:
        with torch.inference_mode():
            return network(network.normalise(images)).softmax(dim=1)

    return run


def _without(case: Case, left_out: Mapping[str, str]) -> Case:
    """A contender that failed in any case is compared in none."""
    kept = {name: times for name, times in case.pairs.items() if name not in left_out}
    return Case(case.batch, case.threads, kept)


def _geometric(values: Iterable[float]) -> float:
    found = list(values)
    if min(found) <= 0:
        return 0.0
    return math.exp(sum(math.log(value) for value in found) / len(found))


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), "no reason given")
