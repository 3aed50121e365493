"""Whether a graph says what it was made from says.

One that was exported must agree with the network. One that was compressed differs by intention: it
must not be worse than its parent.
"""

from typing import Final

from mlopsproj_core.manifest import Parity

from mlopsproj_evaluation.comparison import Verdict, compare_pairs
from mlopsproj_evaluation.gates.contest import Contest, Side
from mlopsproj_evaluation.gates.gate import explain, points, why_no_pairs
from mlopsproj_evaluation.gates.result import Finding, GateResult

NAME = "parity"

PARITY_TOLERANCE: Final = 1e-4
"""Largest difference of a probability between a network and the graph exported from it; closer
than this, two classes tie."""

_NETWORK = "torch"


def judge_parity(contest: Contest) -> GateResult:
    """Look at what was recorded of a network, or compare with the parent."""
    parity = contest.candidate.bundle.manifest.parity
    if parity is None or parity.reference == _NETWORK or not parity.images:
        limit = f"recorded, 0 other classes, within {PARITY_TOLERANCE:g} of torch"
        found = _held_against_network(parity)
    else:
        limit = f"at least {0.0 - 100 * contest.limits.margin:+.2f} points to {parity.reference}"
        found = _held_against_parent(contest, parity)
    return GateResult(NAME, found.verdict, found.figure, limit, found.detail)


def _held_against_network(parity: Parity | None) -> Finding:
    if parity is None or not parity.images:
        detail = "the graph was never held against what it was made from"
        return Finding(Verdict.failed, "none", detail)
    near = parity.max_difference <= PARITY_TOLERANCE  # not so what is no number
    verdict = Verdict.passed if near and not parity.disagreements else Verdict.failed
    detail = f"largest difference to {parity.reference}: {parity.max_difference:.1e}"
    return Finding(verdict, f"{parity.disagreements} of {parity.images:,}", detail)


def _held_against_parent(contest: Contest, parity: Parity) -> Finding:
    manifest, parent = contest.candidate.bundle.manifest, contest.parent
    figure = f"{parity.disagreements} of {parity.images:,} other classes"
    if manifest.parent != parity.reference:
        detail = (
            f"it was held against {parity.reference}, and is said to be made from"
            f" {manifest.parent or 'nothing'}: hold it against its parent"
        )
        return Finding(Verdict.failed, figure, detail)
    if not isinstance(parent, Side):
        reason = parent.reason if parent else "it was not looked for"
        return Finding(
            Verdict.undecided, figure, f"its parent {parity.reference} cannot be judged: {reason}"
        )
    if manifest.classes != parent.bundle.manifest.classes:
        return Finding(Verdict.failed, figure, "the classes are others than the parent's")
    pairs = contest.candidate.pairs_with(parent)
    if not len(pairs):
        return Finding(Verdict.undecided, figure, why_no_pairs(pairs, parent))
    comparison = compare_pairs(pairs, margin=contest.limits.margin)
    return Finding(comparison.verdict, points(comparison), explain(comparison, other="parent"))
