"""Payloads framed so that what a crash or a bad disk leaves of a file is told apart.

    marker (8 bytes) | length | its complement | CRC-32 of the payload | payload

The marker is random and the same throughout a file, so that nothing that a client sent can be
taken for a frame when one is looked for behind damage. Knows nothing of files, nor of what the
payloads mean.
"""

import struct
import zlib
from dataclasses import dataclass
from typing import Final

MARKER_BYTES: Final = 8
HEADER: Final = struct.Struct("<8sIII")
_ALL_BITS: Final = 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Frame:
    """One payload, and where in the data its frame ends."""

    payload: bytes
    end: int


@dataclass(frozen=True, slots=True)
class Scan:
    """What was found in some data.

    Attributes:
        frames: whole ones, in their order.
        damaged: from and to which byte the data is none.
        torn_bytes: of a last frame that was never written to its end.
    """

    frames: list[Frame]
    damaged: list[tuple[int, int]]
    torn_bytes: int


def frame(marker: bytes, payload: bytes) -> bytes:
    """A payload as it is written."""
    length = len(payload)
    return HEADER.pack(marker, length, length ^ _ALL_BITS, zlib.crc32(payload)) + payload


def scan(data: bytes, marker: bytes) -> Scan:
    """Find every whole frame, and say what the rest is.

    A frame that was cut off at the end of the data is torn, which is how a process that was killed
    leaves the last one; so are zeros, which is how a power cut may leave it. Whatever else is no
    frame is damaged.
    """
    frames: list[Frame] = []
    damaged: list[tuple[int, int]] = []
    position = 0
    while position < len(data):
        if found := _frame_at(data, position, marker):
            frames.append(found)
            position = found.end
            continue
        after = _next_frame(data, position + 1, marker)
        if after is None:
            if _is_torn(data[position:], marker):
                return Scan(frames, damaged, len(data) - position)
            after = len(data)
        damaged.append((position, after))
        position = after
    return Scan(frames, damaged, 0)


def _frame_at(data: bytes, position: int, marker: bytes) -> Frame | None:
    start = position + HEADER.size
    if start > len(data):
        return None
    found, length, complement, checksum = HEADER.unpack_from(data, position)
    end = start + length
    if found != marker or length ^ complement != _ALL_BITS or end > len(data):
        return None
    payload = data[start:end]
    return Frame(payload, end) if zlib.crc32(payload) == checksum else None


def _next_frame(data: bytes, position: int, marker: bytes) -> int | None:
    while (position := data.find(marker, position)) >= 0:
        if _frame_at(data, position, marker):
            return position
        position += 1
    return None


def _is_torn(rest: bytes, marker: bytes) -> bool:
    if rest.count(0) == len(rest):
        return True
    if len(rest) < HEADER.size:
        return rest[:MARKER_BYTES] == marker[: len(rest)]
    found, length, complement, _ = HEADER.unpack_from(rest)
    is_header = found == marker and length ^ complement == _ALL_BITS
    return bool(is_header and HEADER.size + length > len(rest))
