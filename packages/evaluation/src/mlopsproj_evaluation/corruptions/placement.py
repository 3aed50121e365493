"""The object stands elsewhere, or the camera is held askew; the border goes on beyond the image."""

import math

import numpy as np
from mlopsproj_core.image import Pixels
from PIL import Image

from mlopsproj_evaluation.corruptions.draws import Draws
from mlopsproj_evaluation.corruptions.picture import as_picture, as_pixels


def shift(pixels: Pixels, draws: Draws, distance: float) -> Pixels:
    """Move the image by whole pixels, in a direction that is drawn.

    Args:
        pixels: of one image.
        draws: for it.
        distance: as a share of the shorter side, a pixel at least.
    """
    height, width = pixels.shape[:2]
    length = math.ceil(distance * min(height, width))
    column, row = (round(length * part) for part in draws.direction())
    padded = np.pad(pixels, ((length, length), (length, length), (0, 0)), mode="edge")
    top, left = length - row, length - column
    return padded[top : top + height, left : left + width].copy()


def rotation(pixels: Pixels, draws: Draws, degrees: float) -> Pixels:
    """Turn the image about its centre, to a side that is drawn.

    Args:
        pixels: of one image.
        draws: for it.
        degrees: of the turn.
    """
    height, width = pixels.shape[:2]
    # So that a corner that turns to the middle of a side brings something with it.
    margin = math.ceil((math.hypot(height, width) - min(height, width)) / 2) + 1
    padded = np.pad(pixels, ((margin, margin), (margin, margin), (0, 0)), mode="edge")
    angle = degrees if draws.fraction() < 0.5 else -degrees  # noqa: PLR2004 (a coin)
    turned = as_picture(padded).rotate(angle, Image.Resampling.BILINEAR)
    return as_pixels(turned)[margin : margin + height, margin : margin + width]
