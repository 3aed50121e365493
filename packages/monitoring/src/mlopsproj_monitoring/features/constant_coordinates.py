"""Coordinates of the embedding in which images do not differ, and images that differ in one.

Neither kernel nor classifier sees these. Knows nothing of windows.
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt

from mlopsproj_monitoring.features.embedding import CONSTANT, Floats, finite

_AWAY: Final = 0.01
"""Of the median spread: from here on a coordinate that is constant has another value."""


@dataclass(frozen=True, eq=False)
class ConstantCoordinates:
    """Fitted on a part of the reference.

    Attributes:
        places: `(C,)`: which coordinates are constant.
        values: `(C,)`: of each.
        tolerance: within which a coordinate is what it was.
    """

    places: npt.NDArray[np.intp]
    values: Floats
    tolerance: float

    @classmethod
    def fit(cls, embedding: Floats) -> Self:
        """By some images.

        Args:
            embedding: `(N, D)`.
        """
        values = finite(embedding).astype(np.float64)
        spread = values.std(axis=0)
        usual = float(np.median(spread[spread > 0])) if (spread > 0).any() else 1.0
        places = np.flatnonzero(spread <= CONSTANT * usual)
        means = values.mean(axis=0)[places].astype(np.float32)
        return cls(places, means, usual * _AWAY)

    def is_strange(self, embedding: Floats) -> npt.NDArray[np.bool_]:
        """`(N,)`: whether one of these coordinates is another one."""
        away = np.abs(finite(embedding[:, self.places]) - self.values)
        strange: npt.NDArray[np.bool_] = (away > self.tolerance).any(axis=1)
        return strange
