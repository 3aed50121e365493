"""Blur of lenses and of movement.

Lengths grow with the image's shorter side, from a start that also a few pixels show.
"""

import math

import numpy as np
from mlopsproj_core.image import Pixels
from PIL import ImageFilter

from mlopsproj_evaluation.corruptions.draws import Draws
from mlopsproj_evaluation.corruptions.picture import as_picture, as_pixels

# So many that sums of as many bytes fit sixteen bits.
_POINTS = 256


def gaussian_blur(pixels: Pixels, _: Draws, deviation: float) -> Pixels:
    """Blur as a lens out of focus does, by three boxes in place of a Gaussian.

    Args:
        pixels: of one image.
        deviation: standard deviation, as a share of the shorter side; 0.3 pixels are added.
    """
    radius = 0.3 + deviation * min(pixels.shape[:2])
    return as_pixels(as_picture(pixels).filter(ImageFilter.GaussianBlur(radius)))


def motion_blur(pixels: Pixels, draws: Draws, length: float) -> Pixels:
    """Blur along a line whose direction is drawn.

    Args:
        pixels: of one image.
        draws: for it.
        length: of the line, as a share of the shorter side; 1.5 pixels are added.
    """
    return smear(pixels, 1.5 + length * min(pixels.shape[:2]), draws.direction())


def smear(pixels: Pixels, length: float, direction: tuple[float, float]) -> Pixels:
    """Mean of what lies on a line through each pixel; the border goes on beyond the image.

    Args:
        pixels: of one image.
        length: of the line, in pixels.
        direction: unit vector, `(x, y)`.
    """
    height, width = pixels.shape[:2]
    places = ((np.arange(_POINTS) + 0.5) / _POINTS - 0.5) * length
    columns, rows = (np.rint(places * part).astype(np.int64) for part in direction)
    reach = math.ceil(length / 2) + 1
    padded = np.pad(pixels, ((reach, reach), (reach, reach), (0, 0)), mode="edge")
    span = 2 * reach + 1
    taps, counts = np.unique((rows + reach) * span + columns + reach, return_counts=True)
    total = np.full(pixels.shape, _POINTS // 2, np.uint16)
    for tap, count in zip(taps, counts, strict=True):
        row, column = divmod(int(tap), span)
        seen = padded[row : row + height, column : column + width]
        total += np.multiply(seen, np.uint16(count), dtype=np.uint16)
    return (total // _POINTS).astype(np.uint8)
