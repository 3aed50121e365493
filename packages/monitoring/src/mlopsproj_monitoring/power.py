"""How many images a window needs for an effect to be seen.

Knows nothing of which effect it is.
"""

import math
from typing import Final

_POWER_QUANTILE: Final = 0.8416
"""Of the normal distribution, for a power of 80 %."""


def samples_needed(
    signal: float, threshold: float, spread: float, reference_images: int
) -> int | None:
    """The smallest window in which an effect is seen four times in five.

    The threshold falls with √(1/m + 1/n), and so does the spread of the statistic around what it
    is without noise.

    Args:
        signal: the statistic of the effect, without noise.
        threshold: of the statistic, divided by √(1/m + 1/n).
        spread: standard deviation of the statistic, divided likewise.
        reference_images: n.

    Returns:
        m; None if no window suffices, since the reference itself is too small.
    """
    noise = threshold + _POWER_QUANTILE * spread
    if signal <= 0 or noise <= 0:
        return None
    room = (signal / noise) ** 2 - 1 / reference_images
    # Beyond a thousand times the reference it is the reference that decides.
    if room <= 1 / (1000 * reference_images):
        return None
    return math.ceil(1 / room)
