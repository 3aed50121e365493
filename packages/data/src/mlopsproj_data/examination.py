"""What there is to know of records, and their pixels, decoded once.

Never raises for a bad image: what is wrong with it stands in its row. Knows nothing of splits, of
other records, or of what is done about a problem.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

import pyarrow as pa
from mlopsproj_core.errors import ImageError
from mlopsproj_core.image import (
    ImageSpec,
    ImageStatistics,
    Pixels,
    PreparedImage,
    prepare_images,
)

from mlopsproj_data.perceptual_hash import perceptual_hashes
from mlopsproj_data.records import Record, content_id, load

EXAMINED: Final = pa.schema(
    [
        ("id", pa.string()),
        ("label", pa.int64()),
        ("given", pa.string()),
        ("split", pa.string()),
        ("group", pa.string()),
        ("source", pa.string()),
        ("bytes", pa.int64()),
        ("format", pa.string()),
        ("width", pa.int32()),
        ("height", pa.int32()),
        ("mode", pa.string()),
        ("brightness", pa.float32()),
        ("contrast", pa.float32()),
        ("sharpness", pa.float32()),
        ("saturation", pa.float32()),
        ("perceptual_hash", pa.binary()),
        ("problem", pa.string()),
    ]
)
"""A row for each record of a source, in its order, duplicates too.

    id                  sha256 of the source bytes, hexadecimal; null if they cannot be read
    label               index into the source's classes
    given, split        that the source gives, or null; that is chosen, null with a problem
    group               what must not be divided between splits, or null
    source              where the image lies, for people: the record's origin
    bytes               size of the file or array; null if it cannot be read
    format              Pillow's name, e.g. "JPEG"; null for an array or with a problem
    width, height       of the upright source, in pixels; null with a problem, like all below
    mode                Pillow's mode of the source, e.g. "RGB"
    brightness, contrast, sharpness, saturation    see `ImageStatistics`
    perceptual_hash     of the prepared pixels
    problem             why the image cannot be used, in one sentence; null if it can
"""

_TOO_LARGE: Final = "The image needs more memory than there is: make it smaller."
_NAMES: Final = tuple(EXAMINED.names)
_STATISTICS: Final = tuple(field.name for field in fields(ImageStatistics))


@dataclass(frozen=True, slots=True)
class Examined:
    """A record that was looked at.

    Attributes:
        facts: a value for each column of `EXAMINED` but `split`, which is not decided here.
        pixels: `(height, width, channels)` uint8, or None with a problem.
    """

    facts: dict[str, Any]
    pixels: Pixels | None


def examine(records: Sequence[Record], spec: ImageSpec) -> list[Examined]:
    """Read, decode and measure images.

    Args:
        records: a few at a time, since all their pixels are in memory at once.
        spec: the pixels that are wanted.
    """
    rows = [_said(record) for record in records]
    contents = [
        content
        for record, facts in zip(records, rows, strict=True)
        if (content := _read(record, facts)) is not None
    ]
    try:
        prepared = prepare_images(contents, spec)
    except MemoryError:
        if len(records) > 1:
            return [examined for record in records for examined in examine([record], spec)]
        prepared = [ImageError(_TOO_LARGE)]
    images = [image for image in prepared if isinstance(image, PreparedImage)]
    hashes = iter(perceptual_hashes([image.luma[..., None] for image in images]))
    left = iter(prepared)
    examined = []
    for facts in rows:
        image = None if facts["problem"] else next(left)
        if isinstance(image, ImageError):
            facts["problem"] = str(image)
        if isinstance(image, PreparedImage):
            facts["format"] = image.format
            facts["perceptual_hash"] = next(hashes)
            for name in _STATISTICS:
                facts[name] = getattr(image.statistics, name)
            examined.append(Examined(facts, image.pixels))
        else:
            examined.append(Examined(facts, None))
    return examined


def _said(record: Record) -> dict[str, Any]:
    """What the source says, in a row that is empty otherwise."""
    facts: dict[str, Any] = dict.fromkeys(_NAMES)
    facts["label"], facts["given"] = record.label, record.split
    facts["group"], facts["source"] = record.group, record.origin
    return facts


def _read(record: Record, facts: dict[str, Any]) -> bytes | Pixels | None:
    """The bytes or pixels of an image; None with a problem."""
    try:
        content = load(record.image)
    except OSError as error:
        facts["problem"] = _unreadable(error)
        return None
    except MemoryError:
        facts["problem"] = _TOO_LARGE
        return None
    facts["bytes"] = len(content) if isinstance(content, bytes) else content.nbytes
    facts["id"] = content_id(content)
    return content


def _unreadable(error: OSError) -> str:
    match error:
        case FileNotFoundError():
            return "The file is gone."
        case PermissionError():
            return "The file may not be read: no permission."
        case IsADirectoryError():
            return "A folder has the name of an image file."
    return f"The file cannot be read ({error.strerror or error})."
