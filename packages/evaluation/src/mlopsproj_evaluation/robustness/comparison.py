"""Two models on the same spoilt images: not less robust, less robust, or too few images to say.

Judged from the one-sided 95 % bound of the mean difference of an image's share of right answers
against a stated margin. Knows nothing of bundles.
"""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt
from mlopsproj_core.errors import ConfigError, DataError
from scipy.special import ndtri

from mlopsproj_evaluation.comparison import LEVEL, Verdict
from mlopsproj_evaluation.robustness.intervals import Array, added_variance, difference_interval
from mlopsproj_evaluation.robustness.outcomes import Robustness
from mlopsproj_evaluation.scores import short_ids

ROBUSTNESS_MARGIN: Final = 0.02
"""Loss of mean corruption accuracy that is accepted unless said otherwise: two points."""

_POWER = 0.8
_EDGE = 1e-9


@dataclass(frozen=True)
class RobustnessComparison:
    """A candidate beside a champion.

    Attributes:
        verdict: pass if the candidate is shown to lose at most the margin, fail if it is shown
            to lose more.
        images: that both were measured on, and that count.
        excluded: images that both were measured on and that do not count.
        gained: spoilt images that only the candidate has right.
        lost: spoilt images that only the champion has right.
        candidate: its mean corruption accuracy on those images; not a number without any.
        champion: the other's, on the same.
        difference: of mean corruption accuracy, candidate less champion.
        low: one-sided 95 % lower bound of the difference.
        high: one-sided 95 % upper bound of the difference.
        margin: loss that is accepted.
        images_needed: where undecided, about how many images would decide with a chance of
            80 %, if the difference and its spread are what they seem.
    """

    verdict: Verdict
    images: int
    excluded: int
    gained: int
    lost: int
    candidate: float
    champion: float
    difference: float
    low: float
    high: float
    margin: float
    images_needed: int | None


def compare_robustness(
    candidate: Robustness,
    champion: Robustness,
    *,
    margin: float = ROBUSTNESS_MARGIN,
    exclude_ids: npt.NDArray[np.uint64] | None = None,
) -> RobustnessComparison:
    """Compare on the images that both were measured on.

    Args:
        candidate: outcomes of the one that wants to take the place.
        champion: outcomes of the one that holds it.
        margin: loss of mean corruption accuracy that is accepted, 0 to below 1.
        exclude_ids: first eight bytes of the ids of images that do not count, such as those
            that the champion was trained on.

    Raises:
        ConfigError: if the margin cannot be used.
        DataError: if they were measured under different corruptions, see `comparable`.
    """
    if not 0 <= margin < 1:
        raise ConfigError(
            f"A margin of {margin} cannot be used: give the loss of mean corruption accuracy that"
            f" is accepted, from 0 to below 1, such as {ROBUSTNESS_MARGIN}."
        )
    if not comparable(candidate, champion):
        raise DataError(
            f"The candidate's images were spoilt by suite {candidate.suite} (seed {candidate.seed})"
            f" and the champion's by suite {champion.suite} (seed {champion.seed}): measure the"
            " champion again."
        )
    rows = {name: row for row, name in enumerate(champion.ids)}
    common = np.array([name in rows for name in candidate.ids], dtype=bool)
    counts = common.copy()
    if exclude_ids is not None:
        counts &= ~np.isin(short_ids(candidate.ids), exclude_ids)
    ours_at = np.flatnonzero(counts)
    theirs_at = np.array([rows[candidate.ids[row]] for row in ours_at], dtype=np.int64)
    return _judge(
        candidate.correct[ours_at],
        champion.correct[theirs_at],
        int(common.sum()) - len(ours_at),
        margin,
    )


def comparable(one: Robustness, other: Robustness) -> bool:
    """Whether their images were spoilt in the same way."""
    ours, theirs = ((each.suite, each.seed, each.corruptions) for each in (one, other))
    return ours == theirs


def _judge(
    ours: npt.NDArray[np.bool_], theirs: npt.NDArray[np.bool_], excluded: int, margin: float
) -> RobustnessComparison:
    differences = ours.mean(axis=1) - theirs.mean(axis=1)
    low, high = difference_interval(differences, level=LEVEL)
    verdict = Verdict.undecided
    if low >= -margin:
        verdict = Verdict.passed
    elif high < -margin:
        verdict = Verdict.failed
    return RobustnessComparison(
        verdict=verdict,
        images=len(differences),
        excluded=excluded,
        gained=int((ours & ~theirs).sum()),
        lost=int((theirs & ~ours).sum()),
        candidate=float(ours.mean()) if len(ours) else math.nan,
        champion=float(theirs.mean()) if len(theirs) else math.nan,
        difference=float(differences.mean()) if len(differences) else 0.0,
        low=low,
        high=high,
        margin=margin,
        images_needed=_images_needed(differences, margin) if verdict is Verdict.undecided else None,
    )


def _images_needed(differences: Array, margin: float) -> int | None:
    """By the normal approximation; None where the difference lies on the margin itself."""
    if not len(differences):
        return None
    gap = float(differences.mean()) + margin
    if abs(gap) < _EDGE:
        return None
    quantiles = float(ndtri(LEVEL) + ndtri(_POWER))
    needed = math.ceil(quantiles**2 * added_variance(differences) / gap**2)
    return max(needed, len(differences) + 1)
