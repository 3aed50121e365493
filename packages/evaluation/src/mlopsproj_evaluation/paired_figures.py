"""All figures of two models on the same images, each with the interval of its difference.

Both are resampled together, so that what is easy or hard about the images cancels. Knows nothing
of verdicts.
"""

from dataclasses import dataclass

import numpy as np
from mlopsproj_core.errors import DataError
from scipy.special import bdtr

from mlopsproj_evaluation.comparison import difference_bounds
from mlopsproj_evaluation.metrics import class_counts
from mlopsproj_evaluation.pairs import Pairs
from mlopsproj_evaluation.report import WHOLE, figures_of
from mlopsproj_evaluation.resampling import bias_corrected, resamples

_TAIL = 0.025
_RESAMPLES = 1000


@dataclass(frozen=True)
class FigureDifference:
    """One figure of both.

    Attributes:
        name: e.g. accuracy.
        candidate: its figure.
        champion: its figure.
        difference: candidate less champion.
        low: lower end of its two-sided 95 % interval.
        high: upper end.
    """

    name: str
    candidate: float
    champion: float
    difference: float
    low: float
    high: float


@dataclass(frozen=True)
class RecallDifference:
    """One class of both.

    Attributes:
        name: of the class.
        images: of it.
        candidate: share of them that it finds; None without any.
        champion: share of them that it finds; None without any.
        gained: images that only the candidate has right.
        lost: images that only the champion has right.
        difference: of the recall, candidate less champion; None without images.
        low: lower end of its two-sided 95 % interval, Tango's.
        high: upper end.
    """

    name: str
    images: int
    candidate: float | None
    champion: float | None
    gained: int
    lost: int
    difference: float | None
    low: float
    high: float


@dataclass(frozen=True)
class McNemar:
    """How often two models are right together, alone, and not at all.

    Attributes:
        both: images that both have right.
        gained: images that only the candidate has right.
        lost: images that only the champion has right.
        neither: images that both have wrong.
        p: chance of so uneven a split of what only one has right, or a more uneven one, if both
            were right equally often; two-sided and exact (McNemar 1947, Psychometrika 12:153-157).
    """

    both: int
    gained: int
    lost: int
    neither: int
    p: float


def figure_differences(
    pairs: Pairs, *, seed: int = 0, count: int = _RESAMPLES
) -> tuple[FigureDifference, ...]:
    """Compare accuracy, balanced accuracy, macro F1, AUROC and calibration error.

    Args:
        pairs: at least one.
        seed: of the resampling.
        count: of resamples.

    Returns:
        Those figures that exist for both.

    Raises:
        DataError: if there is no image.
    """
    if not len(pairs):
        raise DataError("No image is common to both: compare versions of one data set.")
    ones = np.ones((1, len(pairs)))
    ours, theirs = (figures_of(scores, ones) for scores in (pairs.candidate, pairs.champion))
    drawn: dict[str, list[np.ndarray]] = {name: [] for name in WHOLE}
    for weights in resamples(len(pairs), count, seed=seed):
        mine, other = (figures_of(scores, weights) for scores in (pairs.candidate, pairs.champion))
        for name in WHOLE:
            drawn[name].append(mine[name] - other[name])
    found = []
    for name in WHOLE:
        candidate, champion = float(ours[name][0]), float(theirs[name][0])
        bounds = bias_corrected(candidate - champion, np.concatenate(drawn[name]), tail=_TAIL)
        if bounds is not None:
            found.append(FigureDifference(name, candidate, champion, candidate - champion, *bounds))
    return tuple(found)


def recall_differences(pairs: Pairs, classes: tuple[str, ...]) -> tuple[RecallDifference, ...]:
    """Compare how much of each class is found, in the order of `classes`."""
    ones = np.ones((1, len(pairs)))
    ours, theirs = (
        class_counts(scores, ones).recall[0] for scores in (pairs.candidate, pairs.champion)
    )
    found = []
    for label, name in enumerate(classes):
        of_class = pairs.candidate.labels == label
        images = int(of_class.sum())
        gained, lost = (int(side[of_class].sum()) for side in (pairs.gained, pairs.lost))
        low, high = difference_bounds(images, gained, lost, level=1 - _TAIL)
        found.append(
            RecallDifference(
                name=name,
                images=images,
                candidate=float(ours[label]) if images else None,
                champion=float(theirs[label]) if images else None,
                gained=gained,
                lost=lost,
                difference=(gained - lost) / images if images else None,
                low=low,
                high=high,
            )
        )
    return tuple(found)


def mcnemar(pairs: Pairs) -> McNemar:
    """Count who is right where."""
    gained, lost = int(pairs.gained.sum()), int(pairs.lost.sum())
    both = int((pairs.candidate.correct & pairs.champion.correct).sum())
    tail = float(bdtr(min(gained, lost), gained + lost, 0.5))
    return McNemar(both, gained, lost, len(pairs) - both - gained - lost, min(1.0, 2 * tail))
