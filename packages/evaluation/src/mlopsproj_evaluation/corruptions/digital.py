"""What storing and sending does to an image. Draws nothing."""

import io

from mlopsproj_core.image import Pixels
from PIL import Image

from mlopsproj_evaluation.corruptions.draws import Draws
from mlopsproj_evaluation.corruptions.picture import as_picture, as_pixels


def pixelation(pixels: Pixels, _: Draws, kept: float) -> Pixels:
    """Make the image smaller, and larger again by repeating pixels.

    Args:
        pixels: of one image.
        kept: share of each side that the small image has.
    """
    picture = as_picture(pixels)
    small = max(1, round(kept * picture.width)), max(1, round(kept * picture.height))
    shrunk = picture.resize(small, Image.Resampling.BOX)
    return as_pixels(shrunk.resize(picture.size, Image.Resampling.NEAREST))


def jpeg(pixels: Pixels, _: Draws, quality: float) -> Pixels:
    """Compress as JPEG, colours at half the resolution, and decode again.

    The only one that depends on a library's arithmetic: libjpeg's.

    Args:
        pixels: of one image.
        quality: of libjpeg's scale, 1 to 95.
    """
    file = io.BytesIO()
    as_picture(pixels).save(file, "JPEG", quality=int(quality), subsampling="4:2:0")
    with Image.open(file, formats=["JPEG"]) as picture:
        return as_pixels(picture)
