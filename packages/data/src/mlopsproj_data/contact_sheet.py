"""A few images of every class on one picture, as they were prepared.

Knows nothing of where the picture is kept.
"""

from typing import Final

import numpy as np
from mlopsproj_core.image import Pixels
from PIL import Image, ImageDraw, ImageFont

from mlopsproj_data.prepared import PreparedDataset
from mlopsproj_data.splits import SPLITS

IMAGES_PER_CLASS: Final = 10
MOST_CLASSES: Final = 60
"""On one picture; the first of them where there are more."""

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

_SIDE = 64
_GAP = 4
_NAME_WIDTH = 160
_LETTERS = 14


def contact_sheet(dataset: PreparedDataset) -> Image.Image:
    """One row for each class: its name, and images evenly spread over all that it has.

    Training images first, then those of the other splits where there are too few.
    """
    names = dataset.classes[:MOST_CLASSES]
    step = _SIDE + _GAP
    size = (_NAME_WIDTH + IMAGES_PER_CLASS * step, _GAP + len(names) * step)
    sheet = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(sheet)
    font = ImageFont.load_default(_LETTERS)
    rows = _chosen(dataset, len(names))
    for label, name in enumerate(names):
        top = _GAP + label * step
        draw.text((_GAP, top + (_SIDE - _LETTERS) // 2), _shown(label, name, font), "black", font)
        for column, pixels in enumerate(rows[label]):
            sheet.paste(_thumbnail(pixels), (_NAME_WIDTH + column * step, top))
    return sheet


def _chosen(dataset: PreparedDataset, classes: int) -> list[list[Pixels]]:
    """Images of each class, `(height, width, channels)`."""
    rows: list[list[Pixels]] = [[] for _ in range(classes)]
    for split in SPLITS:
        if not dataset.counts[split]:
            continue
        images = dataset.labelled(split)
        for label, row in enumerate(rows):
            places = np.flatnonzero(images.labels == label)
            wanted = min(IMAGES_PER_CLASS - len(row), len(places))
            spread = np.linspace(0, len(places) - 1, wanted).astype(int)
            row += [images.images[place] for place in places[spread]]
    return rows


def _thumbnail(pixels: Pixels) -> Image.Image:
    height, width, channels = pixels.shape
    image = Image.fromarray(pixels[..., 0] if channels == 1 else pixels)
    scale = _SIDE / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    # Pixels stay visible where the network is given few of them.
    how = Image.Resampling.NEAREST if scale > 1 else Image.Resampling.BILINEAR
    return image.resize(size, how)


def _shown(label: int, name: str, font: Font) -> str:
    """The label's number beside its name, whose letters the font may lack, cut to fit."""
    text = f"{label} {' '.join(name.split())}"
    while font.getlength(text) > _NAME_WIDTH - 2 * _GAP:
        text = f"{text[:-2]}…"
    return text
