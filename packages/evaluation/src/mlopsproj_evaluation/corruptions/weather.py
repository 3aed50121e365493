"""What the air puts between a camera and its object, drawn rather than simulated.

Knows no depth: fog lies over near and far alike.
"""

import math

import numpy as np
import numpy.typing as npt
from mlopsproj_core.image import Pixels
from PIL import Image

from mlopsproj_evaluation.corruptions.blur import smear
from mlopsproj_evaluation.corruptions.draws import Draws
from mlopsproj_evaluation.corruptions.picture import as_picture, as_pixels

_FOG_GREY = 230
_OCTAVES = (3, 5, 9, 17)
_FLAKES_ON_A_SIDE = 64


def fog(pixels: Pixels, draws: Draws, thickness: float) -> Pixels:
    """Lay a bright, cloudy grey over the image.

    Args:
        pixels: of one image.
        draws: for it.
        thickness: how much of the grey is seen on average, 0 to 1.
    """
    clouds = _clouds(pixels.shape[0], pixels.shape[1], draws)
    # Between 0.6 and 1.4 times the thickness, in 256ths.
    share = np.minimum((round(thickness * 256) * (154 + clouds * 4 // 5)) >> 8, 256)
    veil = (_FOG_GREY - pixels.astype(np.int32)) * share[..., None]
    return np.asarray(pixels + (veil >> 8)).astype(np.uint8)


def snow(pixels: Pixels, draws: Draws, share: float) -> Pixels:
    """Let white flakes fall, each a streak that the wind bends.

    Args:
        pixels: of one image.
        draws: for it.
        share: of the places that hold a flake.
    """
    height, width = pixels.shape[:2]
    side = min(height, width)
    size = max(1, round(side / _FLAKES_ON_A_SIDE))
    places = draws.sixteen_bits(math.ceil(height / size), math.ceil(width / size))
    flakes = np.where(places < round(share * 65536), np.uint8(255), np.uint8(0))
    grown = np.repeat(np.repeat(flakes, size, axis=0), size, axis=1)[:height, :width, None]
    lean = (draws.fraction() - 0.5) * math.pi / 3
    streaks = smear(grown, 1.5 + 0.04 * side, (math.sin(lean), math.cos(lean)))
    white = np.minimum(2 * streaks.astype(np.int32), 255)
    return (pixels + (255 - pixels.astype(np.int32)) * white // 255).astype(np.uint8)


def _clouds(height: int, width: int, draws: Draws) -> npt.NDArray[np.int32]:
    """`(height, width)` int32, 0 to 255: noise of four sizes, the largest counting most."""
    total = np.zeros((height, width), np.int32)
    for octave, side in enumerate(reversed(_OCTAVES)):
        grid = (draws.sixteen_bits(side, side) >> 8).astype(np.uint8)[..., None]
        grown = as_picture(grid).resize((width, height), Image.Resampling.BILINEAR)
        total += as_pixels(grown)[..., 0].astype(np.int32) << octave
    return total // ((1 << len(_OCTAVES)) - 1)
