"""Whether the candidate holds out less well than the version in place when images are spoilt.

What a bundle was measured on is used where both met the same images; else the test images, where
they are at hand, are spoilt here and now.
"""

import numpy as np
from mlopsproj_core.errors import BundleError, DataError, ImageError
from mlopsproj_core.labelled import LabelledImages

from mlopsproj_evaluation.comparison import Verdict
from mlopsproj_evaluation.gates.contest import Contest, Side
from mlopsproj_evaluation.gates.gate import GraphGate, partly, same_graph
from mlopsproj_evaluation.gates.limits import GateLimits
from mlopsproj_evaluation.gates.result import Finding
from mlopsproj_evaluation.robustness.comparison import (
    RobustnessComparison,
    comparable,
    compare_robustness,
)
from mlopsproj_evaluation.robustness.outcomes import Robustness
from mlopsproj_evaluation.scores import short_ids

_PREPARE = "prepare the candidate's data set here, or name --prepared-dir"


def _limit(limits: GateLimits) -> str:
    return f"at least {0.0 - 100 * limits.robustness_margin:+.2f} points"


def _alone(candidate: Side) -> str:
    found = candidate.robustness
    return f"{found.accuracy.value:.4f}" if found else "not measured"


def _against(contest: Contest, champion: Side) -> Finding:
    candidate = contest.candidate
    outcomes = _outcomes(contest, champion)
    if isinstance(outcomes, str):
        return Finding(Verdict.undecided, _alone(candidate), outcomes)
    ours, theirs = outcomes
    seen = candidate.seen_with(champion)
    found = compare_robustness(
        ours, theirs, margin=contest.limits.robustness_margin, exclude_ids=seen
    )
    finding = Finding(found.verdict, _figure(found), _explain(found))
    if not found.images:
        return finding
    counted = int((~np.isin(short_ids(ours.ids), seen)).sum())
    if found.images < counted:
        return partly(finding, found.images, counted, champion)
    no_difference = not found.gained and not found.lost
    if (
        finding.verdict is not Verdict.passed
        and no_difference
        and candidate.same_graph_as(champion)
    ):
        return same_graph(_figure(found), found.images)
    return finding


def _outcomes(contest: Contest, champion: Side) -> tuple[Robustness, Robustness] | str:
    """Of both, measured here where that is needed and can be; else why they are not compared."""
    candidate = contest.candidate
    manifests = candidate.bundle.manifest, champion.bundle.manifest
    if manifests[0].classes != manifests[1].classes:
        return f"the classes are others than those of {champion.name}: they are not compared"
    ours, theirs = candidate.robustness, champion.robustness
    alike = _labelled_alike(candidate, champion)
    if not (_met_the_same(ours, theirs) and alike):
        images = _images(contest)
        if images is not None and manifests[0].image == manifests[1].image:
            try:
                theirs, alike = contest.measure(champion, images), True
            except (BundleError, DataError, ImageError) as error:
                return f"{champion.name} cannot be measured here: {error}"
            if ours is None or not comparable(ours, theirs):
                ours = contest.measure(candidate, images)
    if not alike:
        return f"labels were corrected since {champion.name} was measured: {_PREPARE}"
    if ours is None or theirs is None or not comparable(ours, theirs):
        return _why_not(candidate, champion)
    return ours, theirs


def _met_the_same(ours: Robustness | None, theirs: Robustness | None) -> bool:
    if ours is None or theirs is None or not comparable(ours, theirs):
        return False
    return set(ours.ids) <= set(theirs.ids)


def _labelled_alike(candidate: Side, champion: Side) -> bool:
    """Whether both evaluations give the images that both were spoilt for one label each.

    An outcome says right or wrong, by the label of its day.
    """
    ours, theirs = (
        dict(zip(side.evaluation.ids, side.evaluation.labels.tolist(), strict=True))
        for side in (candidate, champion)
    )
    if candidate.robustness is None or champion.robustness is None:
        return True
    common = set(candidate.robustness.ids) & set(champion.robustness.ids)
    return all(ours.get(name) == theirs.get(name) for name in common)


def _images(contest: Contest) -> LabelledImages | None:
    """That the candidate was tested on, if they are at hand."""
    if contest.find_test_images is None:
        return None
    return contest.find_test_images(contest.candidate.bundle.manifest.data.fingerprint)


def _why_not(candidate: Side, champion: Side) -> str:
    never = [side.name for side in (candidate, champion) if side.robustness is None]
    if never:
        return f"{' and '.join(never)} was never measured under corruptions: {_PREPARE}"
    return f"{champion.name} was measured under other corruptions: {_PREPARE}"


def _figure(found: RobustnessComparison) -> str:
    return (
        f"{100 * found.difference:+.2f} points ({100 * found.low:+.2f} to {100 * found.high:+.2f})"
    )


def _explain(found: RobustnessComparison) -> str:
    if not found.images:
        return f"no common image was spoilt for both: {_PREPARE}"
    text = (
        f"mean accuracy under corruptions {found.candidate:.4f} beside"
        f" {found.champion:.4f}, on {found.images:,} images"
    )
    if found.verdict is not Verdict.undecided:
        return text
    if found.images_needed is None:
        return f"{text}; the difference lies on the margin itself"
    return f"{text}; about {found.images_needed:,} images would decide"


GATE = GraphGate("robustness", _limit, _alone, _against)
