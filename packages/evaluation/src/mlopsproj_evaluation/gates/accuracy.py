"""Whether a candidate is right less often than the version in place."""

from mlopsproj_evaluation.comparison import compare_pairs
from mlopsproj_evaluation.gates.contest import Side
from mlopsproj_evaluation.gates.gate import ImageGate, explain, points
from mlopsproj_evaluation.gates.limits import GateLimits
from mlopsproj_evaluation.gates.result import Finding
from mlopsproj_evaluation.pairs import Pairs


def _limit(limits: GateLimits) -> str:
    return f"at least {0.0 - 100 * limits.margin:+.2f} points"


def _alone(candidate: Side) -> str:
    return f"{candidate.scores.correct.mean():.4f}"


def _against(limits: GateLimits, pairs: Pairs, _classes: tuple[str, ...]) -> Finding:
    comparison = compare_pairs(pairs, margin=limits.margin)
    return Finding(comparison.verdict, points(comparison), explain(comparison))


GATE = ImageGate("accuracy", _limit, _alone, _against)
