"""Variants timed beside the parent's graph, in turn, so that what disturbs one disturbs all.

Knows nothing of accuracy.
"""

import logging
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from statistics import median
from typing import Any

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

_FEWEST_ROUNDS = 15
"""Without them an interval would be as wide as what was seen."""

EAGER, COMPILED = "torch-eager", "torch-compile"

Run = Callable[[], object]


@dataclass(frozen=True)
class Case:
    """All variants at one batch and number of threads.

    Attributes:
        batch: images at once.
        threads: inside one inference.
        seconds: of an inference in each round, by variant.
    """

    batch: int
    threads: int
    seconds: Mapping[str, Sequence[float]]

    @property
    def title(self) -> str:
        """As a column is headed."""
        return f"{self.batch} on {self.threads}"

    def speedup(self, name: str, over: str = BASELINE) -> Ratio:
        """How many times as fast a variant is as another, round by round; above 1 is faster.

        Args:
            name: of the variant.
            over: of the other one.
        """
        return ratio(self.seconds[over], self.seconds[name])

    def images_per_second(self, name: str) -> float:
        """Of the median round."""
        return self.batch / median(self.seconds[name])


def overall(cases: Sequence[Case], name: str, over: str = BASELINE) -> Ratio:
    """Geometric mean over all cases of the speed-up and of each of its bounds.

    Args:
        cases: at least one.
        name: of the variant.
        over: of the other one.
    """
    found = [case.speedup(name, over) for case in cases]
    return Ratio(
        median=_geometric(one.median for one in found),
        low=_geometric(one.low for one in found),
        high=_geometric(one.high for one in found),
        rounds=sum(one.rounds for one in found),
    )


def time_variants(workshop: Workshop) -> tuple[list[Case], dict[str, str]]:
    """Time every variant that stands, and PyTorch where the weights are here.

    Args:
        workshop: whose ladder was climbed.

    Returns:
        The cases, and why PyTorch was not timed, by contender.

    Raises:
        ConfigError: if no number of threads can be used here.
    """
    timing, dataset = workshop.config.timing, workshop.parent.dataset
    networks, reasons = _torch_networks(workshop) if timing.torch else ({}, {})
    logging.getLogger("torch").setLevel(
        logging.ERROR
    )  # its compiler tells of GPUs that are not here
    cases = []
    pairs = [(threads, batch) for threads in usable_threads(timing) for batch in timing.batches]
    with progress_bar("timing") as report:
        for done, (threads, batch) in enumerate(pairs, start=1):
            images = _images(workshop, batch)
            torch.set_num_threads(threads)
            runs: dict[str, Run] = {}
            for name in workshop.standing:
                path = workshop.bundle(name) / MODEL
                graph = OnnxGraph(path, dataset.spec, len(dataset.classes), threads=threads)
                runs[name] = _graph_run(graph, images)
            for name, network in list(networks.items()):
                run = _torch_run(network, torch.tensor(images))
                try:
                    run()
                except Exception as error:  # noqa: BLE001 (torch.compile raises whatever it met)
                    reasons[name] = f"{type(error).__name__}: {_first_line(error)}"
                    del networks[name]
                else:
                    runs[name] = run
            cases.append(Case(batch, threads, _rounds(runs, timing)))
            report(done, len(pairs))
    use_available_cpus()
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


def _rounds(runs: Mapping[str, Run], timing: TimingConfig) -> dict[str, list[float]]:
    """As many rounds as are asked for or fit in the time, but enough for an interval."""
    found: dict[str, list[float]] = {name: [] for name in runs}
    start = time.monotonic()
    for done, times in enumerate(islice(each_round(runs), timing.rounds), start=1):
        for name, value in times.items():
            found[name].append(value)
        if done >= _FEWEST_ROUNDS and time.monotonic() - start >= timing.seconds:
            break
    return found


def _torch_networks(workshop: Workshop) -> tuple[dict[str, ImageNetwork], dict[str, str]]:
    try:
        eager, compiled = workshop.network(), workshop.network()
    except CompressionError as error:
        return {}, {EAGER: str(error), COMPILED: str(error)}
    compiled.compile()
    return {EAGER: eager, COMPILED: compiled}, {}


def _images(workshop: Workshop, batch: int) -> Pixels:
    """As many validation images as a batch takes, from the beginning again where they are few."""
    rows = np.sort(np.arange(batch) % len(workshop.validation))
    return np.ascontiguousarray(workshop.validation.images[rows])


def _graph_run(graph: OnnxGraph, images: Pixels) -> Run:
    return lambda: graph.run(images)


def _torch_run(network: ImageNetwork, images: torch.Tensor) -> Run:
    def run() -> object:
        with torch.inference_mode():
            return network(network.normalise(images)).softmax(dim=1)

    return run


def _without(case: Case, left_out: Mapping[str, Any]) -> Case:
    """A contender that failed in any case is compared in none."""
    kept = {name: times for name, times in case.seconds.items() if name not in left_out}
    return Case(case.batch, case.threads, kept)


def _geometric(values: Any) -> float:
    found = list(values)
    if min(found) <= 0:
        return 0.0
    return math.exp(sum(math.log(value) for value in found) / len(found))


def _first_line(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), "no reason given")
