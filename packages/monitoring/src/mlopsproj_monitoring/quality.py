"""The accuracy where true labels came back, held against the reference's.

Knows nothing of which images are labelled: if people label what looks wrong, the accuracy of what
they labelled is not that of the window.
"""

import math
from dataclasses import dataclass
from typing import Final

from scipy.stats import hypergeom

MINIMUM_LABELS: Final = 30
"""Fewer are told, but take part in no verdict."""

_QUANTILE: Final = 1.959964
"""Of the normal distribution, for an interval of 95 %."""


@dataclass(frozen=True, slots=True)
class Share:
    """A share with its 95 % interval.

    Attributes:
        value: 0 to 1.
        low: lower bound.
        high: upper bound.
    """

    value: float
    low: float
    high: float


def share(successes: float, images: int) -> Share:
    """With Wilson's interval (1927).

    Args:
        successes: of the images; a sum of chances may stand for their number.
        images: at least 1.
    """
    value = successes / images
    extra = _QUANTILE**2 / images
    middle = (value + extra / 2) / (1 + extra)
    width = _QUANTILE * math.sqrt(value * (1 - value) / images + extra / (4 * images)) / (1 + extra)
    return Share(value, max(0.0, middle - width), min(1.0, middle + width))


def fall_p_value(correct: int, images: int, reference_correct: int, reference_images: int) -> float:
    """Chance of so few right answers in the window, if it were like the reference.

    Fisher's exact test, one-sided.

    Args:
        correct: labelled images of the window that were answered rightly.
        images: labelled images of the window.
        reference_correct: images of the reference that were answered rightly.
        reference_images: images of the reference.
    """
    both = images + reference_images
    return float(hypergeom.cdf(correct, both, correct + reference_correct, images))
