"""The estimated accuracy: whether the chance to be right has fallen.

Knows nothing of how the chance is estimated.
"""

from dataclasses import dataclass
from typing import ClassVar

from mlopsproj_monitoring.detectors.contrast import Contrast
from mlopsproj_monitoring.detectors.detector import Family
from mlopsproj_monitoring.power import Added, Growth
from mlopsproj_monitoring.sample import Array


@dataclass(frozen=True)
class CorrectnessDetector:
    """The fall of the mean chance to be right.

    Attributes:
        block: its one column.
    """

    block: slice

    name: ClassVar[str] = "estimated accuracy"
    family: ClassVar[Family] = "quality"
    effect_unit: ClassVar[str] = "accuracy"
    growth: ClassVar[Growth] = Added()

    def statistics(self, contrast: Contrast) -> Array:
        """The fall; below 0 where it has risen."""
        fall: Array = -contrast.difference(self.block)[:, 0]
        return fall

    def effect(self, contrast: Contrast) -> float:
        """The fall, 0 to 1: 0.05 is five points; 0 where it has risen."""
        return max(0.0, float(self.statistics(contrast)[0]))

    def share(self, effect: float) -> float:
        """Of the images, those that were right before."""
        return effect

    def statistic_of(self, share: float) -> float:
        """The fall."""
        return share
