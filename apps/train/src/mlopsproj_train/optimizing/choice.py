"""Which variant is taken: the fastest that is shown to be good enough, or none.

Decided on validation images alone. Knows nothing of how variants are made.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from mlopsproj_core.manifest import Metric
from mlopsproj_evaluation import Comparison, Verdict
from mlopsproj_evaluation.latency import Ratio


@dataclass(frozen=True)
class Standing:
    """One variant beside the parent.

    Attributes:
        name: of the variant.
        size: bytes of its graph.
        accuracy: on validation images.
        comparison: with the parent on the same images.
        speedup: over the parent's graph, all batches and threads together; above 1 is faster.
    """

    name: str
    size: int
    accuracy: Metric
    comparison: Comparison
    speedup: Ratio

    @property
    def faster(self) -> bool:
        """Whether it is shown to be faster than the parent."""
        return self.speedup.low > 1

    @property
    def slower(self) -> bool:
        """Whether it is shown to be slower than the parent."""
        return self.speedup.high < 1


@dataclass(frozen=True)
class Choice:
    """What was taken, and why.

    Attributes:
        variant: that is taken; None if none is.
        verdict: pass if one was taken that is shown to be good enough; undecided if one was taken
            or could be taken whose loss is not shown to be within the budget; fail if none could.
        reason: in a sentence.
    """

    variant: Standing | None
    verdict: Verdict
    reason: str


def choose(standings: Sequence[Standing], *, accept_undecided: bool) -> Choice:
    """Take the fastest variant that is faster than the parent and within the budget.

    Of those that are as fast as far as can be told, their intervals overlapping, the most accurate.

    Args:
        standings: every variant but the parent's own graph.
        accept_undecided: take also one whose loss is not shown to be within the budget, if what
            was seen of it is.
    """
    faster = [one for one in standings if one.faster]
    if not faster:
        return Choice(None, Verdict.failed, "no variant is shown to be faster than the model")
    shown = [one for one in faster if one.comparison.verdict is Verdict.passed]
    open_ = [
        one
        for one in faster
        if one.comparison.verdict is Verdict.undecided
        and one.comparison.difference >= -one.comparison.margin
    ]
    best = _fastest([*shown, *open_] if accept_undecided else shown)
    if best in shown:
        text = "the fastest whose loss is shown to be within the budget"
        return Choice(best, Verdict.passed, text)
    if best is not None:
        text = "the fastest whose loss was seen, but is not shown, to be within the budget"
        return Choice(best, Verdict.undecided, text)
    if open_:
        fastest = max(open_, key=lambda one: one.speedup.median)
        needed = fastest.comparison.images_needed
        enough = f"about {needed:,} validation images" if needed else "more validation images"
        text = f"{fastest.name} is faster, but its loss is not decided: {enough} would decide"
        return Choice(None, Verdict.undecided, text)
    return Choice(None, Verdict.failed, "every faster variant loses more than the budget")


def _fastest(standings: Sequence[Standing]) -> Standing | None:
    if not standings:
        return None
    fastest = max(standings, key=lambda one: one.speedup.median)
    as_fast = [one for one in standings if one.speedup.high >= fastest.speedup.low]
    return max(as_fast, key=lambda one: (one.comparison.difference, one.speedup.median))
