"""All gates in the order in which they are asked and shown."""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from mlopsproj_core.bundle import Bundle

from mlopsproj_evaluation.comparison import Verdict
from mlopsproj_evaluation.gates import (
    accuracy,
    calibration,
    classes,
    data,
    latency,
    parity,
    robustness,
    size,
)
from mlopsproj_evaluation.gates.bundle import judge_bundle
from mlopsproj_evaluation.gates.contest import Absent, Contest, FindTestImages, Side
from mlopsproj_evaluation.gates.limits import GateLimits
from mlopsproj_evaluation.gates.result import GateResult

GATES: Final[Mapping[str, Callable[[Contest], GateResult]]] = {
    data.NAME: data.judge_data,
    parity.NAME: parity.judge_parity,
    accuracy.GATE.name: accuracy.GATE.judge,
    classes.GATE.name: classes.GATE.judge,
    calibration.GATE.name: calibration.GATE.judge,
    robustness.GATE.name: robustness.GATE.judge,
    size.GATE.name: size.GATE.judge,
    latency.GATE.name: latency.GATE.judge,
}
"""By name, after `bundle`, without which none of them is asked."""

COMPARING: Final = tuple(name for name in GATES if name not in {data.NAME, parity.NAME})
"""Those that hold a candidate against the version in place."""

_DEFAULTS = GateLimits()


def judge(
    candidate: Bundle,
    champion: Side | Absent | None,
    *,
    name: str | None = None,
    parent: Side | Absent | None = None,
    limits: GateLimits = _DEFAULTS,
    find_test_images: FindTestImages | None = None,
) -> tuple[GateResult, ...]:
    """Judge a candidate by every gate.

    Args:
        candidate: that wants to take the place.
        champion: that holds it; None for the first version of a model.
        name: `name:version` of the candidate, where it has one.
        parent: that the candidate was made from; None where it was trained.
        limits: what is accepted, and which gates are off.
        find_test_images: gives the images that the candidate was tested on, where they are at
            hand.

    Returns:
        A line for each gate; that of `bundle` alone where it fails.
    """
    whole, side = judge_bundle(candidate, name)
    if side is None:
        return (whole,)
    return (whole, *ask_all(Contest(side, champion, parent, limits, find_test_images)))


def ask_all(contest: Contest) -> Iterator[GateResult]:
    """Every gate but that of the bundle, without which there is no contest; some may be off."""
    for gate, ask in GATES.items():
        yield _off(gate) if gate in contest.limits.without else ask(contest)


def _off(gate: str) -> GateResult:
    return GateResult(gate, Verdict.off, "none", "none", "switched off: nobody looked")
