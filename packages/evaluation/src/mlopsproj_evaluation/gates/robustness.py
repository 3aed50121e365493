"""Whether the candidate holds out less well than the version in place when images are spoilt.

What a bundle was measured on is used where both met the same images; else the test images, where
they are at hand, are spoilt here and now.
"""

from mlopsproj_core.errors import BundleError
from mlopsproj_core.labelled import LabelledImages
from mlopsproj_core.predictor import Predictor

from mlopsproj_evaluation.comparison import Verdict
from mlopsproj_evaluation.gates.contest import Contest, Side
from mlopsproj_evaluation.gates.gate import GraphGate
from mlopsproj_evaluation.gates.limits import GateLimits
from mlopsproj_evaluation.gates.result import Finding
from mlopsproj_evaluation.robustness.comparison import (
    RobustnessComparison,
    comparable,
    compare_robustness,
)
from mlopsproj_evaluation.robustness.measuring import measure_robustness
from mlopsproj_evaluation.robustness.outcomes import Robustness

_PREPARE = "prepare the candidate's data set here, or name --prepared-dir"


def _limit(limits: GateLimits) -> str:
    return f"at least {0.0 - 100 * limits.robustness_margin:+.2f} points"


def _alone(candidate: Side) -> str:
    found = candidate.robustness
    return f"{found.accuracy.value:.4f}" if found else "not measured"


def _against(contest: Contest, champion: Side) -> Finding:
    candidate = contest.candidate
    manifests = candidate.bundle.manifest, champion.bundle.manifest
    if manifests[0].classes != manifests[1].classes:
        detail = f"the classes are others than those of {champion.name}: they are not compared"
        return Finding(Verdict.undecided, _alone(candidate), detail)
    ours, theirs = candidate.robustness, champion.robustness
    if not _met_the_same(ours, theirs):
        images = _images(contest)
        if images is not None and manifests[0].image == manifests[1].image:
            try:
                theirs = _measure(champion, images)
                if ours is None or not comparable(ours, theirs):
                    ours = _measure(candidate, images)
            except BundleError as error:
                detail = f"{champion.name} or {candidate.name} cannot be measured here: {error}"
                return Finding(Verdict.undecided, _alone(candidate), detail)
    if ours is None or theirs is None or not comparable(ours, theirs):
        return Finding(Verdict.undecided, _alone(candidate), _why_not(candidate, champion))
    found = compare_robustness(
        ours,
        theirs,
        margin=contest.limits.robustness_margin,
        exclude_ids=candidate.seen_with(champion),
    )
    return Finding(found.verdict, _figure(found), _explain(found, ours, theirs))


def _met_the_same(ours: Robustness | None, theirs: Robustness | None) -> bool:
    if ours is None or theirs is None or not comparable(ours, theirs):
        return False
    return set(ours.ids) <= set(theirs.ids)


def _images(contest: Contest) -> LabelledImages | None:
    """That the candidate was tested on, if they are at hand."""
    if contest.find_test_images is None:
        return None
    return contest.find_test_images(contest.candidate.bundle.manifest.data.fingerprint)


def _measure(side: Side, images: LabelledImages) -> Robustness:
    return measure_robustness(Predictor.load(side.bundle.path).run, images)


def _why_not(candidate: Side, champion: Side) -> str:
    never = [side.name for side in (candidate, champion) if side.robustness is None]
    if never:
        return f"{' and '.join(never)} was never measured under corruptions: {_PREPARE}"
    return f"{champion.name} was measured under other corruptions: {_PREPARE}"


def _figure(found: RobustnessComparison) -> str:
    return (
        f"{100 * found.difference:+.2f} points ({100 * found.low:+.2f} to {100 * found.high:+.2f})"
    )


def _explain(found: RobustnessComparison, ours: Robustness, theirs: Robustness) -> str:
    if not found.images:
        return f"no common image was spoilt for both: {_PREPARE}"
    text = (
        f"mean accuracy under corruptions {ours.accuracy.value:.4f} beside"
        f" {theirs.accuracy.value:.4f}, on {found.images:,} images"
    )
    if found.verdict is not Verdict.undecided:
        return text
    if found.images_needed is None:
        return f"{text}; the difference lies on the margin itself"
    return f"{text}; about {found.images_needed:,} images would decide"


GATE = GraphGate("robustness", _limit, _alone, _against)
