"""What every detector gives. Knows nothing of any one of them."""

from typing import Literal, Protocol

from mlopsproj_monitoring.detectors.contrast import Contrast
from mlopsproj_monitoring.power import Growth
from mlopsproj_monitoring.sample import Array

Family = Literal["univariate", "embedding", "prediction", "ood", "quality"]


class Detector(Protocol):
    """Looks at one thing.

    Attributes:
        name: of what it looks at.
        family: of detectors that it belongs to.
        effect_unit: of its effect.
        growth: of its statistic with the signal.
    """

    @property
    def name(self) -> str:
        """See the class."""

    @property
    def family(self) -> Family:
        """See the class."""

    @property
    def effect_unit(self) -> str:
        """See the class."""

    @property
    def growth(self) -> Growth:
        """See the class."""

    def statistics(self, contrast: Contrast) -> Array:
        """`(B,)`: larger is farther from the reference; in proportion to the differences."""

    def effect(self, contrast: Contrast) -> float:
        """Of a contrast of one window, in `effect_unit`."""

    def share(self, effect: float) -> float:
        """Share of the images, 0 to 1, of which so much would have to change for this effect."""

    def statistic_of(self, share: float) -> float:
        """The statistic, without noise, when so large a share of images has changed."""
