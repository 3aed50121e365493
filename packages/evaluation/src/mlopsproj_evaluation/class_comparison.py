"""Two models class by class: whether the recall of any class falls by more than is accepted.

Knows nothing of bundles.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from mlopsproj_evaluation.comparison import (
    LEVEL,
    Comparison,
    Verdict,
    difference_bounds,
    judge_pairs,
)
from mlopsproj_evaluation.pairs import Pairs


@dataclass(frozen=True)
class ClassDifference:
    """One class, the candidate beside the champion.

    Attributes:
        name: of the class.
        verdict: pass if its recall is shown to fall by at most the limit, fail if it is shown,
            among all classes, to fall by more.
        comparison: of the images of the class alone; its upper bound is corrected for the number
            of classes.
    """

    name: str
    verdict: Verdict
    comparison: Comparison


def compare_classes(
    pairs: Pairs, classes: tuple[str, ...], *, limit: float
) -> tuple[ClassDifference, ...]:
    """Compare the recall of each class on its own images.

    That *no* class falls asks every one of them to pass, each by its own 95 % bound: the chance
    that all do although one falls too far is no larger than that of this one. That *some* class
    falls would be found by chance where there are many, so that the bound that shows it is
    Bonferroni's: 95 % for all K together.

    Args:
        pairs: of both models.
        classes: K names.
        limit: fall of the recall that is accepted, 0 to below 1.

    Returns:
        One for each class, in the order of `classes`.

    Raises:
        ConfigError: if the limit cannot be used.
    """
    return tuple(
        _compare_class(pairs, label, name, len(classes), limit)
        for label, name in enumerate(classes)
    )


def worst_class(differences: Iterable[ClassDifference]) -> ClassDifference:
    """The one that decides: of those with the worst verdict, whose recall may have fallen most."""
    order = (Verdict.failed, Verdict.undecided, Verdict.passed)
    return min(differences, key=lambda one: (order.index(one.verdict), one.comparison.low))


def _compare_class(
    pairs: Pairs, label: int, name: str, classes: int, limit: float
) -> ClassDifference:
    of_class = pairs.candidate.labels == label
    images = int(of_class.sum())
    gained, lost = (int(side[of_class].sum()) for side in (pairs.gained, pairs.lost))
    alone = judge_pairs(images, gained, lost, limit)
    _, high = difference_bounds(images, gained, lost, level=1 - (1 - LEVEL) / classes)
    verdict = alone.verdict
    if verdict is not Verdict.passed:
        verdict = Verdict.failed if high < -limit else Verdict.undecided
    needed = alone.images_needed if verdict is Verdict.undecided else None
    return ClassDifference(
        name, verdict, replace(alone, verdict=verdict, high=high, images_needed=needed)
    )
