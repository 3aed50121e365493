"""How far an estimated accuracy may be off: by chance, and by the estimator's own faults.

Chance is that of the window's images and of the clean ones that the estimator was taught with.
The faults are seen on corruptions that an estimator was not taught. They are smallest where nothing
has fallen, or everything, and largest in between: their variance is a floor and a multiple of fall
times what is left. Knows nothing of how the estimate is made.
"""

from dataclasses import dataclass
from typing import Final, Self

import numpy as np
import numpy.typing as npt
from scipy.optimize import Bounds, minimize

Array = npt.NDArray[np.float64]

LEVEL: Final = 0.95

_NORMAL = 1.959964
_ADDED = 4.0
_FEWEST_GROUPS = 8
_ASSUMED = 0.5
_START = (0.03, 0.2)
_LOWEST, _HIGHEST = (0.002, 0.01), (1.0, 3.0)


@dataclass(frozen=True)
class Uncertainty:
    """Half widths of 95 % intervals.

    Attributes:
        clean: mean estimate of clean images.
        taught: how many clean images that is the mean of.
        floor: deviation of the faults where nothing seems to have fallen.
        growth: deviation that is added, for each root of fall times what is left.
        quantile: half width in deviations.
    """

    clean: float
    taught: int
    floor: float
    growth: float
    quantile: float

    @classmethod
    def assumed(cls, clean: float, taught: int) -> Self:
        """Where no fault was seen: of a fall by 0.1 to 0.8, 0.14 are taken for the deviation."""
        return cls(clean, taught, 0.0, _ASSUMED, _NORMAL)

    @classmethod
    def fit(
        cls, clean: float, taught: int, *, estimates: Array, errors: Array, images: Array
    ) -> Self:
        """By maximum likelihood; the quantile is such that it holds for 95 % of the groups.

        Args:
            clean: mean estimate of clean images.
            taught: how many clean images that is the mean of.
            estimates: `(G,)` of groups of images that the estimator was not taught.
            errors: `(G,)` estimate less truth.
            images: `(G,)` in each group.
        """
        if len(errors) < _FEWEST_GROUPS:
            return cls.assumed(clean, taught)
        counting = _counting(estimates, images) + _counting(clean, taught)
        between = np.maximum(clean - estimates, 0) * estimates

        def loss(logarithms: Array) -> float:
            floor, growth = np.exp(logarithms)
            variances = counting + floor**2 + growth**2 * between
            return float((np.log(variances) + errors**2 / variances).sum())

        bounds = Bounds(np.log(_LOWEST), np.log(_HIGHEST))
        floor, growth = np.exp(minimize(loss, np.log(_START), bounds=bounds).x)
        deviations = np.sqrt(counting + floor**2 + growth**2 * between)
        seen = float(np.quantile(np.abs(errors) / deviations, LEVEL))
        return cls(clean, taught, float(floor), float(growth), max(_NORMAL, seen))

    def interval(self, estimate: float, images: int) -> tuple[float, float]:
        """Lower and upper bound, within 0 to 1.

        Args:
            estimate: of a window.
            images: of it, at least 1.
        """
        counting = float(_counting(estimate, images) + _counting(self.clean, self.taught))
        between = max(self.clean - estimate, 0.0) * estimate
        half = self.quantile * (counting + self.floor**2 + self.growth**2 * between) ** 0.5
        return max(0.0, estimate - half), min(1.0, estimate + half)


def _counting(shares: Array | float, images: Array | float) -> Array:
    """Variance of shares of so many images, after Agresti & Coull 1998 where one is near 0 or 1."""
    adjusted = np.asarray((shares * images + _ADDED / 2) / (images + _ADDED))
    return np.asarray(adjusted * (1 - adjusted) / images)
