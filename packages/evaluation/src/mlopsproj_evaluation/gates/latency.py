"""Whether the candidate is slower than the version in place, measured here and now."""

from collections.abc import Callable

import numpy as np
from mlopsproj_core.bundle import MODEL
from mlopsproj_core.errors import BundleError
from mlopsproj_core.onnx_graph import OnnxGraph

from mlopsproj_evaluation.comparison import LEVEL, Verdict
from mlopsproj_evaluation.gates.contest import Contest, Side
from mlopsproj_evaluation.gates.gate import GraphGate
from mlopsproj_evaluation.gates.limits import GateLimits
from mlopsproj_evaluation.gates.result import Finding
from mlopsproj_evaluation.gates.size import how_to_shrink
from mlopsproj_evaluation.latency import BATCHES, Ratio, decide_ratio, interleaved

_LEVEL = 1 - (1 - LEVEL) / len(BATCHES)
"""Of each size of batch, so that one of them fails by chance no more often than one alone would."""

_ALONE_ROUNDS, _ALONE_SECONDS = 5, 1.0


def inference(side: Side) -> Callable[[int], Callable[[], object]]:
    """Load a graph, on the cores that this process may use.

    Returns:
        One inference of so many images, ready to be run again and again.

    Raises:
        BundleCorruptError: if the graph cannot be loaded.
    """
    manifest = side.bundle.manifest
    graph = OnnxGraph(side.bundle.path / MODEL, manifest.image, len(manifest.classes))
    rng = np.random.default_rng(0)

    def of_batch(size: int) -> Callable[[], object]:
        images = rng.integers(0, 256, (size, *manifest.image.shape), dtype=np.uint8)
        return lambda: graph.run(images)

    return of_batch


def _limit(limits: GateLimits) -> str:
    return f"at most {limits.latency_ratio:g} times"


def _alone(candidate: Side) -> str:
    of_batch = inference(candidate)
    told = []
    for size in BATCHES:
        times = interleaved(
            {"candidate": of_batch(size)}, rounds=_ALONE_ROUNDS, seconds=_ALONE_SECONDS
        )
        told.append(f"{1000 * float(np.median(times['candidate'])):.2f} ms at batch {size}")
    return ", ".join(told)


def _against(contest: Contest, champion: Side) -> Finding:
    candidate, limits = contest.candidate, contest.limits
    digests = [side.bundle.manifest.files[MODEL] for side in (candidate, champion)]
    if digests[0] == digests[1]:
        return Finding(Verdict.passed, "1.00 times", "it is the same graph, byte for byte")
    ours, theirs = inference(candidate), None
    found: dict[int, tuple[Verdict, Ratio]] = {}
    for size in BATCHES:
        run = ours(size)
        run()  # what fails here is the candidate's fault
        try:
            theirs = theirs or inference(champion)
            beside = theirs(size)
            beside()
        except BundleError as error:
            detail = f"{champion.name} cannot be timed at batch {size}: {error}"
            return Finding(Verdict.undecided, "none", detail)
        found[size] = decide_ratio(
            run,
            beside,
            limit=limits.latency_ratio,
            seconds=limits.latency_seconds,
            level=_LEVEL,
        )
        if found[size][0] is Verdict.failed:
            break  # nothing else can save it
    verdicts = {verdict for verdict, _ in found.values()}
    figure = ", ".join(f"{_told(ratio)} at batch {size}" for size, (_, ratio) in found.items())
    rounds = " and ".join(f"{ratio.rounds:,}" for _, ratio in found.values())
    detail = f"timed in turn with {champion.name} here, {rounds} rounds"
    if Verdict.failed in verdicts:
        return Finding(Verdict.failed, figure, f"{detail}; {how_to_shrink(candidate)}")
    if Verdict.undecided in verdicts:
        more = "ask again when the machine has less to do, or give more --latency-seconds"
        return Finding(Verdict.undecided, figure, f"{detail}; {more}")
    return Finding(Verdict.passed, figure, detail)


def _told(ratio: Ratio) -> str:
    return f"{ratio.median:.2f} times ({ratio.low:.2f} to {ratio.high:.2f})"


GATE = GraphGate("latency", _limit, _alone, _against)
