"""What a version must show before an alias moves to it: one file for each gate, or idea.

Three-valued: pass, fail, or undecided. Knows nothing of registries and of what follows from a
verdict.
"""

from mlopsproj_evaluation.gates.bundle import NAME as BUNDLE
from mlopsproj_evaluation.gates.bundle import broken_bundle, judge_bundle
from mlopsproj_evaluation.gates.contest import (
    Absent,
    Contest,
    FindTestImages,
    Side,
    measure_side,
    training_ids,
)
from mlopsproj_evaluation.gates.judging import COMPARING, GATES, ask_all, judge
from mlopsproj_evaluation.gates.limits import GateLimits
from mlopsproj_evaluation.gates.parity import PARITY_TOLERANCE
from mlopsproj_evaluation.gates.result import GateResult, overall

__all__ = [
    "BUNDLE",
    "COMPARING",
    "GATES",
    "PARITY_TOLERANCE",
    "Absent",
    "Contest",
    "FindTestImages",
    "GateLimits",
    "GateResult",
    "Side",
    "ask_all",
    "broken_bundle",
    "judge",
    "judge_bundle",
    "measure_side",
    "overall",
    "training_ids",
]
