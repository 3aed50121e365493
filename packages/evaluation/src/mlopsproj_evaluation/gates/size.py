"""Whether the candidate's graph is larger than that of the version in place."""

from mlopsproj_core.bundle import MODEL
from mlopsproj_core.errors import BundleCorruptError, BundleError

from mlopsproj_evaluation.comparison import Verdict
from mlopsproj_evaluation.gates.contest import Contest, Side
from mlopsproj_evaluation.gates.gate import GraphGate
from mlopsproj_evaluation.gates.limits import GateLimits
from mlopsproj_evaluation.gates.result import Finding


def _limit(limits: GateLimits) -> str:
    return f"at most {limits.size_ratio:g} times"


def _alone(candidate: Side) -> str:
    return f"{_bytes(candidate):,} bytes"


def _against(contest: Contest, champion: Side) -> Finding:
    ours = _bytes(contest.candidate)
    try:
        theirs = _bytes(champion)
    except BundleError as error:
        detail = f"{champion.name} cannot be judged: {error}"
        return Finding(Verdict.undecided, f"{ours:,} bytes", detail)
    passed = ours <= contest.limits.size_ratio * theirs
    detail = f"{ours:,} bytes beside {theirs:,}"
    if not passed:
        detail += f"; {how_to_shrink(contest.candidate)}"
    return Finding(
        Verdict.passed if passed else Verdict.failed, f"{ours / theirs:.2f} times", detail
    )


def how_to_shrink(candidate: Side) -> str:
    """What makes a version smaller and faster."""
    if candidate.bundle.manifest.parent is None:
        return f"make it smaller by `uv run optimize bundle={candidate.name}`"
    return "it is made smaller already: train a smaller network"


def _bytes(side: Side) -> int:
    path = side.bundle.path / MODEL
    try:
        return path.stat().st_size
    except OSError as error:  # e.g. removed while it is judged
        raise BundleCorruptError(f"{path} is gone ({error}): fetch or publish it again.") from error


GATE = GraphGate("size", _limit, _alone, _against)
