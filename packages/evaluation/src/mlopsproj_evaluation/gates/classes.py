"""Whether the candidate finds any class less often than the version in place."""

import numpy as np

from mlopsproj_evaluation.class_comparison import ClassDifference, compare_classes, worst_class
from mlopsproj_evaluation.comparison import Verdict
from mlopsproj_evaluation.gates.contest import Side
from mlopsproj_evaluation.gates.gate import ImageGate, images_wanted, points
from mlopsproj_evaluation.gates.limits import GateLimits
from mlopsproj_evaluation.gates.result import Finding
from mlopsproj_evaluation.metrics import class_counts
from mlopsproj_evaluation.pairs import Pairs

_TOLD = 3


def _limit(limits: GateLimits) -> str:
    return f"each at least {0.0 - 100 * limits.class_margin:+.2f} points"


def _alone(candidate: Side) -> str:
    counts = class_counts(candidate.scores, np.ones((1, len(candidate.scores))))
    recall = counts.recall[0]
    worst = int(np.nanargmin(recall))
    return f"{candidate.bundle.manifest.classes[worst]} {recall[worst]:.4f}"


def _against(limits: GateLimits, pairs: Pairs, classes: tuple[str, ...]) -> Finding:
    differences = compare_classes(pairs, classes, limit=limits.class_margin)
    worst = worst_class(differences)
    figure = f"{worst.name} {points(worst.comparison)}"
    return Finding(worst.verdict, figure, _explain(worst, differences))


def _explain(worst: ClassDifference, differences: tuple[ClassDifference, ...]) -> str:
    found = worst.comparison
    alike = [one for one in differences if one.verdict is worst.verdict]
    if worst.verdict is Verdict.passed:
        return f"{worst.name} may have fallen most, of {len(alike)} classes"
    if worst.verdict is Verdict.failed:
        text = (
            f"on {found.images:,} images of {worst.name}, {found.lost:,} right only by the champion"
            f" and {found.gained:,} only by the candidate"
        )
    else:
        images = (
            f"has {found.images:,} common test images: {images_wanted(found)}"
            if found.images
            else "has no common test image"
        )
        text = f"{worst.name} {images}"
    others = [one.name for one in alike if one is not worst]
    if not others:
        return text
    more = f" and {len(others) - _TOLD} more" if len(others) > _TOLD else ""
    return f"{text}; as well {', '.join(others[:_TOLD])}{more}"


GATE = ImageGate("classes", _limit, _alone, _against)
