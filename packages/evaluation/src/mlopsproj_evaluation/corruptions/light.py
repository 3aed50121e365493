"""Too much light, too little, too even, or the wrong way round. Draws nothing."""

import numpy as np
from mlopsproj_core.image import Pixels

from mlopsproj_evaluation.corruptions.draws import Draws


def brightness(pixels: Pixels, _: Draws, gain: float) -> Pixels:
    """Add light until it saturates.

    Args:
        pixels: of one image.
        gain: what is added, as a share of white.
    """
    return np.minimum(pixels.astype(np.int16) + round(255 * gain), 255).astype(np.uint8)


def darkness(pixels: Pixels, _: Draws, loss: float) -> Pixels:
    """Take light away.

    Args:
        pixels: of one image.
        loss: share of the light that is taken.
    """
    kept = round(256 * (1 - loss))
    return ((pixels.astype(np.int32) * kept + 128) >> 8).astype(np.uint8)


def contrast(pixels: Pixels, _: Draws, loss: float) -> Pixels:
    """Draw all values towards their mean.

    Args:
        pixels: of one image.
        loss: share of the distance from the mean that is taken.
    """
    mean = int(pixels.sum(dtype=np.int64)) // pixels.size
    kept = round(256 * (1 - loss))
    return (mean + (((pixels.astype(np.int32) - mean) * kept + 128) >> 8)).astype(np.uint8)


def inversion(pixels: Pixels, _: Draws, threshold: float) -> Pixels:
    """Turn bright values into dark ones (solarisation); from 0 on, the whole is a negative.

    Args:
        pixels: of one image.
        threshold: from which value on, as a share of white.
    """
    return np.where(pixels >= round(255 * threshold), 255 - pixels, pixels)
