"""Which variant is taken: the fastest that is shown to be good enough, or none.

Decided on validation images alone. Knows nothing of how variants are made.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from mlopsproj_core.manifest import Metric
from mlopsproj_evaluation import Comparison, Verdict
from mlopsproj_evaluation.latency import Ratio

_AS_FAST: Final = 0.95


@dataclass(frozen=True)
class Standing:
    """One variant beside the parent.

    Attributes:
        name: of the variant.
        size: bytes of its graph.
        accuracy: on validation images.
        comparison: with the parent on the same images.
        speedup: over the parent's graph, all batches and threads together; above 1 is faster.
        slower_at: batches and threads at which it is shown to be slower.
    """

    name: str
    size: int
    accuracy: Metric
    comparison: Comparison
    speedup: Ratio
    slower_at: tuple[str, ...] = ()

    @property
    def faster(self) -> bool:
        """Whether it is shown to be faster than the parent, and nowhere slower."""
        return self.speedup.low > 1 and not self.slower_at

    @property
    def slower(self) -> bool:
        """Whether it is shown to be slower than the parent, all together or somewhere."""
        return self.speedup.high < 1 or bool(self.slower_at)


@dataclass(frozen=True)
class Choice:
    """What was taken, and why.

    Attributes:
        variant: that is taken; None if none is.
        verdict: pass if one was taken that is shown to be good enough; undecided if one was taken
            or might be good enough of which that is not shown; fail if there is none.
        reason: in a sentence.
    """

    variant: Standing | None
    verdict: Verdict
    reason: str


def choose(standings: Sequence[Standing], *, accept_undecided: bool) -> Choice:
    """Take the fastest variant that is faster than the parent and within the budget.

    Of those that are as fast within a twentieth, the most accurate.

    Args:
        standings: every variant but the parent's own graph.
        accept_undecided: take also one whose loss is not shown to be within the budget, if what
            was seen of it is.
    """
    faster = [one for one in standings if one.faster]
    shown = [one for one in faster if one.comparison.verdict is Verdict.passed]
    seen = [
        one
        for one in faster
        if one.comparison.verdict is Verdict.undecided
        and one.comparison.difference >= -one.comparison.margin
    ]
    best = _fastest([*shown, *seen] if accept_undecided else shown)
    if best in shown:
        return Choice(
            best, Verdict.passed, "the fastest whose loss is shown to be within the budget"
        )
    if best is not None:
        text = "the fastest whose loss was seen, but is not shown, to be within the budget"
        return Choice(best, Verdict.undecided, text)
    return _none(standings, faster)


def _none(standings: Sequence[Standing], faster: Sequence[Standing]) -> Choice:
    """Why none is taken, and whether more evidence might change it."""
    open_ = [one for one in faster if one.comparison.verdict is Verdict.undecided]
    if open_:
        likeliest = max(open_, key=lambda one: (one.comparison.difference, one.speedup.median))
        needed = likeliest.comparison.images_needed
        enough = f"about {needed:,} validation images" if needed else "more validation images"
        text = f"{likeliest.name} is faster, but its loss is not decided: {enough} would decide"
        return Choice(None, Verdict.undecided, text)
    as_fast = [
        one
        for one in standings
        if not (one.faster or one.slower) and one.comparison.verdict is not Verdict.failed
    ]
    if as_fast:
        names = ", ".join(one.name for one in as_fast)
        text = f"whether {names} is faster is not shown: time longer, by timing.seconds=…"
        return Choice(None, Verdict.undecided, text)
    if faster:
        return Choice(None, Verdict.failed, "every faster variant loses more than the budget")
    return Choice(None, Verdict.failed, "every variant is slower than the model, or loses too much")


def _fastest(standings: Sequence[Standing]) -> Standing | None:
    if not standings:
        return None
    fastest = max(standings, key=lambda one: one.speedup.median)
    as_fast = [one for one in standings if one.speedup.median >= _AS_FAST * fastest.speedup.median]
    return max(as_fast, key=lambda one: (one.comparison.difference, one.speedup.median))
