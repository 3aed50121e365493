"""Noise of sensors and of lines: what was measured is not what was there.

In whole numbers and by tables, so that machines agree.
"""

from functools import cache

import numpy as np
import numpy.typing as npt
from mlopsproj_core.image import Pixels
from scipy.special import ndtri, pdtr

from mlopsproj_evaluation.corruptions.draws import Draws

_QUANTILES = 4096


def gaussian_noise(pixels: Pixels, draws: Draws, deviation: float) -> Pixels:
    """Add normal noise to each value.

    Args:
        pixels: of one image.
        draws: for it.
        deviation: standard deviation, as a share of white.
    """
    normal = _normal_table()[draws.sixteen_bits(*pixels.shape)]
    noise = (normal * round(deviation * 255 * 256) + (1 << 15)) >> 16
    return np.clip(pixels + noise, 0, 255).astype(np.uint8)


def shot_noise(pixels: Pixels, draws: Draws, photons: float) -> Pixels:
    """Count photons in place of light: Poisson noise.

    Args:
        pixels: of one image.
        draws: for it.
        photons: that are expected of white.
    """
    quantiles = draws.sixteen_bits(*pixels.shape) >> 4
    return np.asarray(_photon_table(photons)[pixels, quantiles])


def impulse_noise(pixels: Pixels, draws: Draws, share: float) -> Pixels:
    """Set values to black or white ("salt and pepper").

    Args:
        pixels: of one image.
        draws: for it.
        share: of the values that are set, half of them to black.
    """
    drawn, half = draws.sixteen_bits(*pixels.shape), round(share * 32768)
    spoilt = pixels.copy()
    spoilt[drawn < half] = 0
    spoilt[drawn >= 65536 - half] = 255
    return spoilt


@cache
def _normal_table() -> npt.NDArray[np.int32]:
    """Quantiles of the normal distribution, in 256ths."""
    return np.rint(256 * ndtri((np.arange(65536) + 0.5) / 65536)).astype(np.int32)


@cache
def _photon_table(photons: float) -> Pixels:
    """What is seen of each of 256 levels at each quantile of the Poisson distribution."""
    quantiles = (np.arange(_QUANTILES) + 0.5) / _QUANTILES
    counts = np.arange(int(photons + 8 * photons**0.5) + 8)
    table = np.empty((256, _QUANTILES), np.uint8)
    for level in range(256):
        seen = np.searchsorted(pdtr(counts, level / 255 * photons), quantiles)
        table[level] = np.minimum(np.rint(seen * (255 / photons)), 255)
    return table
