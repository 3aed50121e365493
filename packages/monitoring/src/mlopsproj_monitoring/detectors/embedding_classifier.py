"""The embedding, by a classifier that tries to tell the window from the reference.

A classifier two-sample test (Lopez-Paz & Oquab 2017) with Fisher's linear discriminant (Kim et al.
2021, "Classification accuracy as a proxy for two-sample testing"): learnt on one half of the
images, tested on the other, and the other way round. Knows nothing of thresholds.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from scipy.special import ndtr, ndtri

from mlopsproj_monitoring.detectors.contrast import Contrast
from mlopsproj_monitoring.detectors.detector import Family
from mlopsproj_monitoring.power import ByHalves
from mlopsproj_monitoring.sample import Array


@dataclass(frozen=True)
class ClassifierDetector:
    """How far apart the discriminant's scores are, in the reference's standard deviations.

    Attributes:
        components: of the embedding.
    """

    components: int

    name: ClassVar[str] = "embedding classifier"
    family: ClassVar[Family] = "embedding"
    effect_unit: ClassVar[str] = "AUC"

    @property
    def growth(self) -> ByHalves:
        """Half of the images learn a direction in all components."""
        return ByHalves(self.components)

    def statistics(self, contrast: Contrast) -> Array:
        """Mean of the two halves' distances; below 0 where what was learnt does not hold."""
        first, second = contrast.halves[:, 0], contrast.halves[:, 1]
        product = (first * second).sum(axis=1)
        lengths = np.stack([np.linalg.norm(first, axis=1), np.linalg.norm(second, axis=1)])
        inverse = np.divide(1.0, lengths, out=np.zeros_like(lengths), where=lengths > 0)
        distance: Array = product * inverse.mean(axis=0)
        return distance

    def effect(self, contrast: Contrast) -> float:
        """Area under the ROC curve, 0.5 to 1, of scores that are normal with these means."""
        return float(ndtr(max(0.0, float(self.statistics(contrast)[0])) / np.sqrt(2)))

    def share(self, effect: float) -> float:
        """Of the images, those which are told rightly more often than by guessing."""
        return 2 * effect - 1

    def statistic_of(self, share: float) -> float:
        """The distance for this AUC."""
        return float(np.sqrt(2) * ndtri((1 + share) / 2))
