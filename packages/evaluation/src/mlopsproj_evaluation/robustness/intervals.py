"""Bounds of a mean over images, honest also where there are few, or where all agree.

Each image counts once, however many outcomes it has: those of one image are not independent.
Before the t interval is taken, images are added that were not seen, half of them at either end of
what is possible, as Agresti & Coull 1998 (The American Statistician 52:119-126) do for a share and
Agresti & Min 2005 (Statistics in Medicine 24:729-740) for a paired difference. Else images that all
agree would leave an interval without width. Knows nothing of corruptions.
"""

import math

import numpy as np
import numpy.typing as npt
from mlopsproj_core.manifest import Metric
from scipy.special import stdtrit

Array = npt.NDArray[np.float64]

_LEVEL = 0.95
_ADDED_TO_A_SHARE = 4


def share_interval(shares: Array) -> Metric:
    """Mean of the shares of N images, with its two-sided 95 % interval within 0 to 1.

    Args:
        shares: `(N,)`, 0 to 1, at least one.
    """
    mean, half = _adjusted(shares, 0.0, 1.0, _ADDED_TO_A_SHARE, (1 + _LEVEL) / 2)
    value = float(shares.mean())
    return Metric(
        value=value,
        low=max(0.0, min(value, mean - half)),
        high=min(1.0, max(value, mean + half)),
    )


def difference_interval(differences: Array, *, level: float = _LEVEL) -> tuple[float, float]:
    """One-sided bounds of a mean difference of shares.

    Args:
        differences: `(N,)`, -1 to 1; with none, every mean is possible.
        level: of each bound, above 0.5 and below 1.
    """
    if not len(differences):
        return -1.0, 1.0
    mean, half = _adjusted(differences, -1.0, 1.0, 2, level)
    value = float(differences.mean())
    return max(-1.0, min(value, mean - half)), min(1.0, max(value, mean + half))


def added_variance(differences: Array) -> float:
    """Of one image's difference, with the two added ones."""
    return float(np.append(differences, (-1.0, 1.0)).var())


def _adjusted(
    values: Array, lowest: float, highest: float, added: int, level: float
) -> tuple[float, float]:
    """Mean and half width of a one-sided t bound, with images added at both ends."""
    seen = np.concatenate([values, np.repeat([lowest, highest], added // 2)])
    quantile = float(stdtrit(len(seen) - 1, level))
    return float(seen.mean()), quantile * float(seen.std(ddof=1)) / math.sqrt(len(seen))
