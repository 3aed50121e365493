"""Two models on the same images: not worse, worse, or not enough images to say.

Judged from the one-sided 95 % bound of the paired difference in accuracy against a stated margin.
Knows nothing of bundles.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final

import numpy as np
import numpy.typing as npt
from mlopsproj_core.errors import ConfigError, DataError
from scipy.optimize import brentq
from scipy.special import ndtri

from mlopsproj_evaluation.pairs import Pairs, pair
from mlopsproj_evaluation.scores import Scores

MARGIN: Final = 0.005
"""Loss of accuracy that is accepted unless said otherwise: half a point."""

LEVEL: Final = 0.95
"""Of each one-sided bound."""

_POWER = 0.8
_EDGE = 1e-9


class Verdict(StrEnum):
    """What the evidence says; `off` where nobody asked."""

    passed = "pass"
    failed = "fail"
    undecided = "undecided"
    off = "off"


@dataclass(frozen=True)
class Comparison:
    """A candidate beside a champion.

    Attributes:
        verdict: pass if the candidate is shown to lose at most the margin, fail if it is shown
            to lose more.
        images: that both were judged on, and that count.
        excluded: images that both were judged on and that do not count.
        gained: images that only the candidate has right.
        lost: images that only the champion has right.
        difference: of accuracy, candidate less champion.
        low: one-sided 95 % lower bound of the difference.
        high: one-sided 95 % upper bound of the difference.
        margin: loss that is accepted.
        images_needed: where undecided, about how many images would decide with a chance of
            80 %, if the difference and the share of disagreements are what they seem.
    """

    verdict: Verdict
    images: int
    excluded: int
    gained: int
    lost: int
    difference: float
    low: float
    high: float
    margin: float
    images_needed: int | None


def compare(
    candidate: Scores,
    champion: Scores,
    *,
    margin: float = MARGIN,
    exclude_ids: npt.NDArray[np.uint64] | None = None,
) -> Comparison:
    """Compare on the images that both were judged on, by the candidate's labels.

    Args:
        candidate: scores of the one that wants to take the place.
        champion: scores of the one that holds it.
        margin: loss of accuracy that is accepted, 0 to below 1.
        exclude_ids: first eight bytes of the ids of images that do not count, such as those
            that the champion was trained on.

    Raises:
        ConfigError: if the margin cannot be used.
        DataError: if they tell different numbers of classes apart.
    """
    return compare_pairs(pair(candidate, champion, exclude_ids=exclude_ids), margin=margin)


def compare_pairs(pairs: Pairs, *, margin: float = MARGIN) -> Comparison:
    """The same for images that were found already.

    Raises:
        ConfigError: if the margin cannot be used.
    """
    gained, lost = int(pairs.gained.sum()), int(pairs.lost.sum())
    return replace(
        judge_pairs(len(pairs), gained, lost, margin),
        excluded=pairs.excluded,
    )


def judge_pairs(images: int, gained: int, lost: int, margin: float) -> Comparison:
    """The verdict that follows from how often only one of two models is right.

    Args:
        images: that both were judged on; 0 decides nothing.
        gained: images that only the candidate has right.
        lost: images that only the champion has right.
        margin: loss of accuracy that is accepted, 0 to below 1.

    Raises:
        ConfigError: if the margin cannot be used.
        DataError: if the counts contradict each other.
    """
    if not 0 <= margin < 1:
        raise ConfigError(
            f"A margin of {margin} cannot be used: give the loss of accuracy that is accepted,"
            f" from 0 to below 1, such as {MARGIN}."
        )
    difference = (gained - lost) / images if images else 0.0
    low, high = difference_bounds(images, gained, lost)
    verdict = Verdict.undecided
    if low >= -margin:
        verdict = Verdict.passed
    elif high < -margin:
        verdict = Verdict.failed
    return Comparison(
        verdict=verdict,
        images=images,
        excluded=0,
        gained=gained,
        lost=lost,
        difference=difference,
        low=low,
        high=high,
        margin=margin,
        images_needed=_images_needed(images, gained, lost, margin)
        if verdict is Verdict.undecided
        else None,
    )


def difference_bounds(
    images: int, gained: int, lost: int, *, level: float = LEVEL
) -> tuple[float, float]:
    """One-sided bounds of a paired difference of shares.

    Tango's score interval (Tango 1998, Statistics in Medicine 17:891-908): it keeps its level
    with few or no disagreements, where the usual one shrinks to nothing.

    Args:
        images: pairs; with none, every difference is possible.
        gained: pairs in which only the first succeeds.
        lost: pairs in which only the second succeeds.
        level: of each bound, above 0.5 and below 1.

    Raises:
        DataError: if the counts contradict each other.
    """
    if min(gained, lost) < 0 or gained + lost > images:
        raise DataError(
            f"Of {images} images, {gained} gained and {lost} lost cannot be: count each image once."
        )
    if not images:
        return -1.0, 1.0
    z = float(ndtri(level))
    difference = (gained - lost) / images
    statistic = _score_statistic(images, gained, lost)

    def root(target: float, start: float, end: float) -> float:
        return float(brentq(lambda delta: statistic(delta) - target, start, end, xtol=1e-10))

    low = -1.0 if lost == images else root(z, -1 + _EDGE, difference)
    high = 1.0 if gained == images else root(-z, difference, 1 - _EDGE)
    return low, high


def _score_statistic(images: int, gained: int, lost: int) -> Callable[[float], float]:
    """The standardised gap between the observed difference and a supposed one."""

    def statistic(delta: float) -> float:
        # The most likely share of losses if the difference is delta: root of a quadratic.
        a = 2 * images
        b = -gained - lost + (2 * images - gained + lost) * delta
        c = -lost * delta * (1 - delta)
        losses = (math.sqrt(max(b * b - 4 * a * c, 0.0)) - b) / (2 * a)
        variance = images * (2 * losses + delta * (1 - delta))
        gap = gained - lost - images * delta
        if variance <= 0:
            return 0.0 if gap == 0 else math.copysign(math.inf, gap)
        return gap / math.sqrt(variance)

    return statistic


def _images_needed(images: int, gained: int, lost: int, margin: float) -> int | None:
    """By the normal approximation; None where the difference lies on the margin itself."""
    if not images:
        return None
    difference = (gained - lost) / images
    # One disagreement more than was seen: none at all says little about how rare they are.
    disagreements = (gained + lost + 1) / images
    gap = difference + margin
    if abs(gap) < _EDGE:
        return None
    quantiles = float(ndtri(LEVEL) + ndtri(_POWER))
    needed = math.ceil(quantiles**2 * max(disagreements - difference**2, 0) / gap**2)
    return max(needed, images + 1)
