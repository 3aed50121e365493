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
class Distance:
    """How far out an out-of-distribution score is.

    Attributes:
        usual: upper quartile of clean images: what is less is not far.
        spread: between their quartiles; 1 where they do not differ.
    """

    usual: float
    spread: float

    @classmethod
    def of(cls, ood_score: npt.NDArray[np.floating]) -> Self:
        """Of clean images; scores that are no number are left out."""
        finite = np.asarray(ood_score, dtype=np.float64)
        finite = finite[np.isfinite(finite)]
        if not len(finite):
            return cls(0.0, 1.0)
        low, high = np.quantile(finite, (0.25, 0.75))
        return cls(float(high), float(high - low) or 1.0)

    def excess(self, ood_score: npt.NDArray[np.floating]) -> Array:
        """`(N,)`: 0 where it is usual or no number, then linear, and logarithmic far out."""
        far = np.asarray(ood_score, dtype=np.float64) - self.usual
        return np.arcsinh(np.where(np.isfinite(far), np.maximum(far, 0), 0) / self.spread)


def answer_features(
    probabilities: npt.NDArray[np.floating], ood_score: npt.NDArray[np.floating], distance: Distance
) -> Array:
    """Columns for N answers.

    A row of probabilities that holds what is no number counts as one that says nothing: all
    classes alike.

    Args:
        probabilities: `(N, K)`, 0 to 1.
        ood_score: `(N,)`.
        distance: what is usual of the score.

    Returns:
        `(N, 3)`: log odds of the largest probability, how far out the image lies, and the product
        of both: far out, to be sure means less.
    """
    largest = np.asarray(probabilities, dtype=np.float64).max(axis=1)  # NaN if any is
    largest = np.where(np.isfinite(largest), largest, 1 / probabilities.shape[1])
    sure = logit(np.clip(largest, _SMALLEST, 1 - _SMALLEST))
    excess = distance.excess(ood_score)
    return np.column_stack([sure, excess, sure * excess])
