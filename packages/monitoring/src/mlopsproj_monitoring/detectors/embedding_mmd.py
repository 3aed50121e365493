"""The embedding's whole distribution: maximum mean discrepancy.

Gretton et al. 2012, "A Kernel Two-Sample Test", with random Fourier features. Knows nothing of how
they are made.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mlopsproj_monitoring.detectors.contrast import Contrast
from mlopsproj_monitoring.detectors.detector import Family
from mlopsproj_monitoring.power import Growth, InQuadrature
from mlopsproj_monitoring.sample import Array


@dataclass(frozen=True)
class KernelDetector:
    """The distance of the mean kernel features.

    Attributes:
        block: the features.
        variance: of all features together, over the reference.
    """

    block: slice
    variance: float

    name: ClassVar[str] = "embedding"
    family: ClassVar[Family] = "embedding"
    effect_unit: ClassVar[str] = "maximum mean discrepancy"
    growth: ClassVar[Growth] = InQuadrature()

    def statistics(self, contrast: Contrast) -> Array:
        """The distance, 0 to √2, noise and all (the V-statistic's root)."""
        distance: Array = np.sqrt((contrast.difference(self.block) ** 2).sum(axis=1))
        return distance

    def effect(self, contrast: Contrast) -> float:
        """The distance less what noise alone would give (the U-statistic's root)."""
        noise = self.variance * float(contrast.scale[0]) ** 2
        square = float(self.statistics(contrast)[0]) ** 2 - noise
        return float(np.sqrt(max(0.0, square)))

    def share(self, effect: float) -> float:
        """Images moved as far as the kernel sees make at most 1."""
        return min(1.0, effect)

    def statistic_of(self, share: float) -> float:
        """The distance."""
        return share
