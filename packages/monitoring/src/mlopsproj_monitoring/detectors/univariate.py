"""One number of each image: the Kolmogorov-Smirnov distance over the reference's bins.

Knows nothing of which number it is.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mlopsproj_monitoring.detectors.contrast import Contrast
from mlopsproj_monitoring.detectors.detector import Family
from mlopsproj_monitoring.power import Added, Growth
from mlopsproj_monitoring.sample import Array


@dataclass(frozen=True)
class NumberDetector:
    """The largest difference between the two distribution functions.

    Attributes:
        name: of the number.
        family: that it belongs to.
        block: its bins.
    """

    name: str
    family: Family
    block: slice

    effect_unit: ClassVar[str] = "Kolmogorov-Smirnov distance"
    growth: ClassVar[Growth] = Added()

    def statistics(self, contrast: Contrast) -> Array:
        """The distance, 0 to 1."""
        steps = contrast.difference(self.block).cumsum(axis=1)
        distance: Array = np.abs(steps[:, :-1]).max(axis=1)
        return distance

    def effect(self, contrast: Contrast) -> float:
        """The distance."""
        return float(self.statistics(contrast)[0])

    def share(self, effect: float) -> float:
        """At least as many images have changed."""
        return effect

    def statistic_of(self, share: float) -> float:
        """The distance."""
        return share
