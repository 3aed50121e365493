"""Between arrays and Pillow's images. Knows nothing of corruptions."""

import numpy as np
from mlopsproj_core.image import Pixels
from PIL import Image


def as_picture(pixels: Pixels) -> Image.Image:
    """`(height, width, 1 or 3)` uint8 as "L" or "RGB"."""
    return Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)


def as_pixels(picture: Image.Image) -> Pixels:
    """The other way."""
    pixels = np.asarray(picture)
    return pixels[..., None] if pixels.ndim == 2 else pixels  # noqa: PLR2004 (axes)
