"""The two kinds of gate that hold a candidate against another version, and how each is asked.

Where there is nobody to be worse than, such a gate passes with its figure; where the other cannot
be judged, it is undecided. Knows no gate.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from mlopsproj_core.errors import BundleError

from mlopsproj_evaluation.comparison import Comparison, Verdict
from mlopsproj_evaluation.gates.contest import Absent, Contest, Side
from mlopsproj_evaluation.gates.limits import GateLimits
from mlopsproj_evaluation.gates.result import Finding, GateResult
from mlopsproj_evaluation.pairs import Pairs

FEWEST_SHARE: Final = 0.9
"""Of the candidate's test images that count: those on which the other was judged may be chosen ones
where they are fewer."""

_TIE = 1e-4
"""Nearer probabilities are the same, computed on two machines."""

_FIRST = "the first version of this model: there is nothing to be worse than"


@dataclass(frozen=True)
class GraphGate:
    """Holds two versions against each other as a whole.

    Both `alone` and `against` raise a BundleError if the candidate cannot be judged, which fails.

    Attributes:
        name: of the gate.
        limit: what is accepted, for people.
        alone: the candidate's figure where there is nobody to compare with.
        against: what is found beside the version in place.
    """

    name: str
    limit: Callable[[GateLimits], str]
    alone: Callable[[Side], str]
    against: Callable[[Contest, Side], Finding]

    def judge(self, contest: Contest) -> GateResult:
        """Ask this gate."""
        limit = self.limit(contest.limits)
        champion = contest.champion
        try:
            if isinstance(champion, Side):
                found = self.against(contest, champion)
            else:
                found = unopposed(self.alone(contest.candidate), champion)
        except BundleError as error:
            detail = f"{contest.candidate.name} cannot be judged: {error}"
            found = Finding(Verdict.failed, "none", detail)
        return GateResult(self.name, found.verdict, found.figure, limit, found.detail)


@dataclass(frozen=True)
class ImageGate:
    """Holds two versions against each other image by image.

    Attributes:
        name: of the gate.
        limit: what is accepted, for people.
        alone: the candidate's figure, which was judged on an image at least.
        against: what is found on the images that both were judged on, at least one.
    """

    name: str
    limit: Callable[[GateLimits], str]
    alone: Callable[[Side], str]
    against: Callable[[GateLimits, Pairs, tuple[str, ...]], Finding]

    def judge(self, contest: Contest) -> GateResult:
        """Ask this gate."""
        limit = self.limit(contest.limits)
        found = self._find(contest)
        return GateResult(self.name, found.verdict, found.figure, limit, found.detail)

    def _find(self, contest: Contest) -> Finding:
        candidate, champion = contest.candidate, contest.champion
        if not len(candidate.scores):
            return Finding(Verdict.undecided, "none", "the evaluation holds no image")
        figure = self.alone(candidate)
        if not isinstance(champion, Side):
            return unopposed(figure, champion)
        if candidate.bundle.manifest.classes != champion.bundle.manifest.classes:
            detail = f"the classes are others than those of {champion.name}: they are not compared"
            return Finding(Verdict.undecided, figure, detail)
        pairs = candidate.pairs_with(champion)
        if not len(pairs):
            return Finding(Verdict.undecided, figure, why_no_pairs(pairs, champion))
        found = self.against(contest.limits, pairs, candidate.bundle.manifest.classes)
        return on_common(found, candidate, champion, pairs)


def on_common(found: Finding, candidate: Side, other: Side, pairs: Pairs) -> Finding:
    """What is found of two versions that have few test images in common, or one graph."""
    counted = candidate.counted_with(other)
    if len(pairs) < counted:
        return partly(found, len(pairs), counted, other)
    if found.verdict is Verdict.passed or not candidate.same_graph_as(other):
        return found
    said = pairs.candidate.probabilities, pairs.champion.probabilities
    if np.allclose(*said, rtol=0, atol=_TIE):
        return same_graph(found.figure, len(pairs))
    return found


def same_graph(figure: str, images: int) -> Finding:
    """What is found where one graph stands on both sides, and says the same: few images suffice."""
    return Finding(Verdict.passed, figure, f"the same graph says the same on {images:,} images")


def partly(found: Finding, images: int, counted: int, other: Side) -> Finding:
    """What is found on some of the candidate's test images; undecided where they are too few.

    Args:
        found: on the common images.
        images: on which both were judged.
        counted: of the candidate's that count.
        other: that it is held against.
    """
    told = f"on {images:,} of its {counted:,} test images"
    if images >= FEWEST_SHARE * counted:
        return replace(found, detail=f"{found.detail}; {told}")
    detail = (
        f"{other.name} was judged {told} only, fewer than {FEWEST_SHARE:.0%}: prepare the"
        f" candidate's data set here, so that it is scored on all; on those, {found.detail}"
    )
    return Finding(Verdict.undecided, found.figure, detail)


def unopposed(figure: str, champion: Absent | None) -> Finding:
    """What is found where there is no champion, or none that can be judged."""
    if champion is None:
        return Finding(Verdict.passed, figure, _FIRST)
    # A broken champion must not hold its place for ever, nor be taken for a beaten one.
    detail = f"{champion.name} cannot be judged: {champion.reason}"
    return Finding(Verdict.undecided, figure, detail)


def why_no_pairs(pairs: Pairs, other: Side) -> str:
    """Why two versions have no image in common that counts."""
    if pairs.excluded:
        return f"no common test image counts ({_left_out(pairs.excluded)}): test on new images"
    return (
        f"no test image is common to both: prepare the candidate's data set here, so that"
        f" {other.name} is scored on it"
    )


def points(comparison: Comparison) -> str:
    """A paired difference of shares with its bounds."""
    return (
        f"{100 * comparison.difference:+.2f} points"
        f" ({100 * comparison.low:+.2f} to {100 * comparison.high:+.2f})"
    )


def explain(comparison: Comparison, *, other: str = "champion") -> str:
    """On which images a comparison rests, and how many would decide it."""
    left_out = f" ({_left_out(comparison.excluded)})" if comparison.excluded else ""
    text = (
        f"on {comparison.images:,} images{left_out}, {comparison.gained:,} right only by the"
        f" candidate and {comparison.lost:,} only by the {other}"
    )
    if comparison.verdict is not Verdict.undecided:
        return text
    return f"{text}; {images_wanted(comparison)}"


def images_wanted(comparison: Comparison) -> str:
    """How many images would decide what is undecided."""
    if comparison.images_needed is None:
        return "the difference lies on the margin itself"
    return f"about {comparison.images_needed:,} images would decide"


def _left_out(excluded: int) -> str:
    return f"{excluded:,} left out, since one of both was trained on them"
