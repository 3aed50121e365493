"""How many images a window needs for an effect to be seen.

The threshold falls with √(1/m + 1/n), and so does the noise of a statistic: both are divided by it
here. What a signal and noise make together hangs on the kind of statistic. Knows nothing of which
effect it is.
"""

import math
from dataclasses import dataclass
from typing import Final, Protocol

_POWER_QUANTILE: Final = 0.8416
"""Of the normal distribution, for a power of 80 %."""


class Growth(Protocol):
    """How a statistic grows with the signal."""

    def signal(self, statistic: float, noise: float) -> float:
        """What is left of a statistic without its noise; 0 if nothing.

        Args:
            statistic: that was seen.
            noise: mean square of the statistic without a signal.
        """

    def needed(self, statistic: float, noise: float) -> float:
        """The signal that is needed for such a statistic; arguments as for `signal`."""


@dataclass(frozen=True)
class Added:
    """Of one number, or the largest of some: noise is added where the signal is, either way."""

    def signal(self, statistic: float, noise: float) -> float:
        """See `Growth`."""
        return math.sqrt(max(0.0, statistic * abs(statistic) - noise))

    def needed(self, statistic: float, noise: float) -> float:  # noqa: ARG002 (of other kinds)
        """See `Growth`."""
        return statistic


@dataclass(frozen=True)
class InQuadrature:
    """Of a length in many directions: the squares of signal and noise are added."""

    def signal(self, statistic: float, noise: float) -> float:
        """See `Growth`."""
        return math.sqrt(max(0.0, statistic * abs(statistic) - noise))

    def needed(self, statistic: float, noise: float) -> float:
        """See `Growth`."""
        return self.signal(statistic, noise)


@dataclass(frozen=True)
class ByHalves:
    """Of a direction that is learnt on a half: the noise of all directions turns it away.

    In R directions the squared length of what is learnt is about δ² + 2R for a signal of δ, and the
    statistic δ² / √(δ² + 2R).

    Attributes:
        directions: R.
    """

    directions: int

    def signal(self, statistic: float, noise: float) -> float:  # noqa: ARG002 (of other kinds)
        """See `Growth`."""
        square = max(0.0, statistic) ** 2
        return math.sqrt((square + math.sqrt(square**2 + 8 * self.directions * square)) / 2)

    def needed(self, statistic: float, noise: float) -> float:
        """See `Growth`."""
        return self.signal(statistic, noise)


def level_seen(threshold: float, spread: float) -> float:
    """What a statistic is on average if it is beyond a threshold four times in five.

    Args:
        threshold: of the statistic.
        spread: its standard deviation.
    """
    return threshold + _POWER_QUANTILE * spread


def samples_needed(signal: float, needed: float, reference_images: int) -> int | None:
    """The smallest window in which an effect is seen four times in five.

    Args:
        signal: of the effect, not divided by √(1/m + 1/n).
        needed: the signal that is seen so often, divided by it.
        reference_images: n.

    Returns:
        m; None if no window suffices, since the reference itself is too small.
    """
    if signal <= 0 or needed <= 0:
        return None
    room = (signal / needed) ** 2 - 1 / reference_images
    # Beyond a thousand times the reference it is the reference that decides.
    if room <= 1 / (1000 * reference_images):
        return None
    return math.ceil(1 / room)
