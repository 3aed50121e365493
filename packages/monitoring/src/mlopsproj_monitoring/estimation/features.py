"""What tells how likely an answer is right: how sure the model is, and how far the image lies.

Nothing of it hangs on which class is meant, so that few rows suffice for many classes. Knows
nothing of labels.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
from scipy.special import logit

Array = npt.NDArray[np.float64]

_SMALLEST = 1e-6


@dataclass(frozen=True)
class DistanceScale:
    """What is usual of the out-of-distribution score.

    Attributes:
        middle: median of clean images.
        spread: distance of their quartiles; 1 where they do not differ.
    """

    middle: float
    spread: float

    @classmethod
    def of(cls, ood_score: Array) -> Self:
        """Of clean images; scores that are no number are left out."""
        finite = ood_score[np.isfinite(ood_score)]
        if not len(finite):
            return cls(0.0, 1.0)
        low, middle, high = np.quantile(finite, (0.25, 0.5, 0.75))
        return cls(float(middle), float(high - low) or 1.0)

    def apply(self, ood_score: Array) -> Array:
        """`(N,)`: about linear where it is usual, logarithmic far out; 0 for what is no number."""
        scaled = np.arcsinh((ood_score - self.middle) / self.spread)
        return np.where(np.isfinite(scaled), scaled, 0.0)


def answer_features(
    probabilities: npt.NDArray[np.floating],
    ood_score: npt.NDArray[np.floating],
    scale: DistanceScale,
) -> Array:
    """Columns for `N` answers of K classes.

    A row of probabilities that holds what is no number counts as one that says nothing: all
    classes alike.

    Args:
        probabilities: `(N, K)`, 0 to 1.
        ood_score: `(N,)`.
        scale: of the score.

    Returns:
        `(N, 5)`: log odds of the largest probability, its lead over the second, entropy (0 to 1),
        scaled out-of-distribution score, and the product of the first and the fourth.
    """
    classes = probabilities.shape[1]
    values = np.asarray(probabilities, dtype=np.float64)
    told = np.isfinite(values).all(axis=1, keepdims=True)
    values = np.where(told, np.clip(values, 0.0, 1.0), 1 / classes)
    two = np.partition(values, classes - 2, axis=1)[:, -2:]
    sure = logit(np.clip(two[:, 1], _SMALLEST, 1 - _SMALLEST))
    entropy = -(values * np.log(np.maximum(values, _SMALLEST))).sum(axis=1) / np.log(classes)
    far = scale.apply(np.asarray(ood_score, dtype=np.float64))
    return np.column_stack([sure, two[:, 1] - two[:, 0], entropy, far, sure * far])
