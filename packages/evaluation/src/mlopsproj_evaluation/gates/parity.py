"""Whether a graph says what it was made from says.

One that was exported must agree with the network. One that was compressed differs by intention: it
must not be worse than its parent, nor must any other that has one.
"""

from typing import Final

from mlopsproj_core.manifest import Parity

from mlopsproj_evaluation.comparison import Verdict, compare_pairs
from mlopsproj_evaluation.gates.contest import Contest, Side
from mlopsproj_evaluation.gates.gate import explain, on_common, points, why_no_pairs
from mlopsproj_evaluation.gates.result import Finding, GateResult

NAME = "parity"

PARITY_TOLERANCE: Final = 1e-4
"""Largest difference of a probability between a network and the graph exported from it; closer
than this, two classes tie."""

_NETWORK = "torch"


def judge_parity(contest: Contest) -> GateResult:
    """Look at what was recorded of a network, and compare with the parent, where there is one."""
    manifest = contest.candidate.bundle.manifest
    parity, margin = manifest.parity, 0.0 - 100 * contest.limits.margin
    exported = parity is None or parity.reference == _NETWORK
    limits = []
    if exported:
        limits.append(f"recorded, 0 other classes, within {PARITY_TOLERANCE:g} of torch")
    if parity is not None and (manifest.parent or not exported):
        limits.append(f"at least {margin:+.2f} points to {manifest.parent or parity.reference}")
    found = _judge(contest, parity)
    return GateResult(NAME, found.verdict, found.figure, ", ".join(limits), found.detail)


def _judge(contest: Contest, parity: Parity | None) -> Finding:
    if parity is None:
        detail = "the graph was never held against what it was made from"
        return Finding(Verdict.failed, "none", detail)
    fault = _fault(parity, len(contest.candidate.evaluation))
    figure = f"{parity.disagreements} of {parity.images:,} other classes"
    if parity.reference == _NETWORK:
        figure = f"{parity.disagreements} of {parity.images:,}"
    if fault:
        return Finding(Verdict.failed, figure, fault)
    if parity.reference != _NETWORK:
        return _held_against_parent(contest, parity.reference, figure)
    alone = _held_against_network(parity, figure)
    parent = contest.candidate.bundle.manifest.parent
    if alone.verdict is Verdict.failed or not parent:
        return alone
    return _held_against_parent(contest, parent, figure)


def _fault(parity: Parity, images: int) -> str | None:
    """What cannot be so, or says nothing of the graph."""
    if parity.images < 1 or parity.images != images:
        return (
            f"the graph was held against {parity.reference} on {parity.images:,} images, and"
            f" its evaluation has {images:,}: make the bundle again from one run"
        )
    if not 0 <= parity.disagreements <= parity.images:
        return f"{parity.disagreements} of {parity.images:,} images cannot be of another class"
    if not parity.max_difference >= 0:  # nor what is no number
        return f"a largest difference of {parity.max_difference:g} cannot be"
    return None


def _held_against_network(parity: Parity, figure: str) -> Finding:
    near = parity.max_difference <= PARITY_TOLERANCE
    verdict = Verdict.passed if near and not parity.disagreements else Verdict.failed
    detail = f"largest difference to {parity.reference}: {parity.max_difference:.1e}"
    return Finding(verdict, figure, detail)


def _held_against_parent(contest: Contest, reference: str, figure: str) -> Finding:
    manifest, parent = contest.candidate.bundle.manifest, contest.parent
    if manifest.parent != reference:
        detail = (
            f"it was held against {reference}, and is said to be made from"
            f" {manifest.parent or 'nothing'}: hold it against its parent"
        )
        return Finding(Verdict.failed, figure, detail)
    if not isinstance(parent, Side):
        reason = parent.reason if parent else "it was not looked for"
        return Finding(
            Verdict.undecided, figure, f"its parent {reference} cannot be judged: {reason}"
        )
    if manifest.classes != parent.bundle.manifest.classes:
        return Finding(Verdict.failed, figure, "the classes are others than the parent's")
    pairs = contest.candidate.pairs_with(parent)
    if not len(pairs):
        return Finding(Verdict.undecided, figure, why_no_pairs(pairs, parent))
    comparison = compare_pairs(pairs, margin=contest.limits.margin)
    found = Finding(comparison.verdict, points(comparison), explain(comparison, other="parent"))
    return on_common(found, contest.candidate, parent, pairs)
