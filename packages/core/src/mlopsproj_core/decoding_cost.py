"""What a small file can make a decoder do although its image is small: told before it is decoded.

A JPEG may say that its pixels are refined once more as often as it likes, each time in a few bytes
and through all of them; a TIFF may say that its one tile is far larger than the image. Knows
nothing of the image's own size.
"""

import re
import struct
from typing import Final

from mlopsproj_core.errors import ImageError

MAX_SCANS: Final = 32
"""Passes over the pixels of a JPEG; programs make 1 to 12, and each takes as long as the others."""

_START_OF_SCAN: Final = b"\xff\xda"
_MARKER: Final = re.compile(rb"\xff([^\x00\xff])")
_SCAN, _END = 0xDA, 0xD9
_WITHOUT_LENGTH: Final = frozenset({0x01, *range(0xD0, 0xD9)})

_BIG_TIFF: Final = 43
_TILE_SIDES: Final = (322, 323)
_WHOLE_NUMBERS: Final = {3: "H", 4: "I", 16: "Q"}


def check_scans(data: bytes) -> None:
    """Refuse a JPEG of very many scans.

    Args:
        data: a whole file.

    Raises:
        ImageError: if it has more than `MAX_SCANS`.
    """
    # Counting bytes takes microseconds, and suffices for all but the films that phones append.
    if data.count(_START_OF_SCAN) > MAX_SCANS and _scans(data) > MAX_SCANS:
        raise ImageError(
            f"The JPEG has more than {MAX_SCANS} scans, which no program makes: save it again."
        )


def _scans(data: bytes) -> int:
    """Of the first picture in a file, as libjpeg goes through its segments."""
    scans = position = 0
    while found := _MARKER.search(data, position):
        marker, position = found[1][0], found.end()
        if marker == _END:
            break
        if marker not in _WITHOUT_LENGTH:
            scans += marker == _SCAN
            position += int.from_bytes(data[position : position + 2])
    return scans


def tile_pixels(data: bytes) -> int:
    """Pixels of a tile of a TIFF, which are in memory at once; 0 where it has no tiles.

    A tag that stands twice counts with the larger value: decoders do not agree on which they take.

    Args:
        data: a whole file.

    Raises:
        ImageError: if its sides are no whole numbers.
        struct.error: if the file ends before its tags.
    """
    order = "<" if data[:2] == b"II" else ">"
    big = data[2] == _BIG_TIFF
    if not big and data[3] == _BIG_TIFF:
        raise ImageError("The image is a BigTIFF of a kind that is not read: save it as PNG.")
    (first,) = struct.unpack_from(f"{order}{'8xQ' if big else '4xI'}", data)
    (count,) = struct.unpack_from(f"{order}{'Q' if big else 'H'}", data, first)
    entry = struct.Struct(f"{order}{'HHQ8s' if big else 'HHI4s'}")
    begin = first + (8 if big else 2)
    if begin + count * entry.size > len(data):
        raise struct.error("the file ends before its tags")
    sides = dict.fromkeys(_TILE_SIDES, 0)
    for tag, kind, values, value in entry.iter_unpack(data[begin : begin + count * entry.size]):
        if tag not in sides:
            continue
        if values != 1 or kind not in _WHOLE_NUMBERS:
            raise ImageError("The TIFF has tiles whose size is no whole number: save it again.")
        sides[tag] = max(sides[tag], *struct.unpack_from(order + _WHOLE_NUMBERS[kind], value))
    width, length = sides.values()
    return int(width * length)
