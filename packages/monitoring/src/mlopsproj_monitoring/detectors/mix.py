"""The mix of categories: predicted classes, or modes of images.

Tested by the Hellinger distance, whose noise is about the same for frequent and for rare
categories; told as the total variation. Knows nothing of which categories they are.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from mlopsproj_monitoring.detectors.contrast import Contrast
from mlopsproj_monitoring.detectors.detector import Family
from mlopsproj_monitoring.power import Added, Growth
from mlopsproj_monitoring.sample import Array


@dataclass(frozen=True)
class MixDetector:
    """The difference between the shares of categories.

    Attributes:
        name: of the mix.
        family: that it belongs to.
        block: one column for each category.
    """

    name: str
    family: Family
    block: slice

    effect_unit: ClassVar[str] = "total variation"
    growth: ClassVar[Growth] = Added()

    def statistics(self, contrast: Contrast) -> Array:
        """The Hellinger distance, 0 to 1."""
        window, reference = contrast.window[:, self.block], contrast.reference[:, self.block]
        roots = np.sqrt(np.maximum(window, 0)) - np.sqrt(np.maximum(reference, 0))
        distance: Array = np.sqrt((roots**2).sum(axis=1) / 2)
        return distance

    def effect(self, contrast: Contrast) -> float:
        """The share of images whose category would have to be another one, 0 to 1."""
        return float(np.abs(contrast.difference(self.block)[0]).sum() / 2)

    def share(self, effect: float) -> float:
        """The same."""
        return effect

    def statistic_of(self, share: float) -> float:
        """Where all categories have changed alike, the Hellinger distance is 1/√2 of it."""
        return share / float(np.sqrt(2))
