"""Small pictures of a source's records, as a page holds them within itself.

Knows nothing of findings or pages.
"""

import base64
import io
from collections.abc import Collection
from itertools import islice
from typing import Final

from mlopsproj_core.errors import ImageError
from mlopsproj_core.image import ImageSpec, prepare_image
from PIL import Image

from mlopsproj_data.records import LabelledSource, Record, load

THUMBNAIL_SIDE: Final = 96
"""In pixels."""

_QUALITY: Final = 85


def thumbnails(source: LabelledSource, rows: Collection[int]) -> dict[int, str]:
    """Data URIs of JPEG files of some records, cropped to a square like a network's.

    Args:
        source: whose records are looked at.
        rows: places in the order of the records.

    Returns:
        by row; without those that cannot be shown.
    """
    wanted = set(rows)
    shown = {}
    for row, record in enumerate(islice(source.records(), max(wanted, default=-1) + 1)):
        if row in wanted and (uri := _thumbnail(record)) is not None:
            shown[row] = uri
    return shown


def _thumbnail(record: Record) -> str | None:
    spec = ImageSpec(THUMBNAIL_SIDE, THUMBNAIL_SIDE, 3)
    try:
        pixels = prepare_image(load(record.image), spec).pixels
    except (ImageError, OSError, MemoryError):
        return None
    encoded = io.BytesIO()
    Image.fromarray(pixels).save(encoded, "JPEG", quality=_QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(encoded.getvalue()).decode()}"
