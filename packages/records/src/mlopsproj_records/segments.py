"""Files of frames that only grow: written by one thread, durable after each write if asked for.

Knows nothing of who else writes in the same folder, nor of what the frames hold.
"""

import os
import re
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from mlopsproj_core.local_files import sync_folder

Kind = Literal["records", "images"]

_NAME = re.compile(r"([0-9a-f]{16})-([0-9]{8,})\.(records|images)", re.ASCII)
_BINARY: Final[int] = getattr(os, "O_BINARY", 0)  # Windows would change line ends
# Durable with one call into the system, which lets go of the interpreter only once. macOS has the
# flag, and promises little.
_DURABLE: Final[int] = 0 if sys.platform == "darwin" else getattr(os, "O_DSYNC", 0)
_sync: Final[Callable[[int], None]] = getattr(os, "fdatasync", os.fsync)


@dataclass(frozen=True, slots=True)
class SegmentName:
    """`{lane}-{number}.{kind}`; the lane is the marker of the file's frames in hexadecimal."""

    lane: str
    number: int
    kind: Kind

    @classmethod
    def parse(cls, name: str) -> "SegmentName | None":
        """What a file's name says; None if it is no segment's."""
        match = _NAME.fullmatch(name)
        if match is None:
            return None
        kind: Kind = "records" if match[3] == "records" else "images"
        return cls(match[1], int(match[2]), kind)

    @property
    def marker(self) -> bytes:
        """With which every frame begins."""
        return bytes.fromhex(self.lane)

    def __str__(self) -> str:
        return f"{self.lane}-{self.number:08d}.{self.kind}"


class SegmentWriter:
    """Appends to a new file.

    Attributes:
        path: of the file.
        size_bytes: what was written whole, and is on the disk if the segment is durable.
    """

    def __init__(self, path: Path, *, durable: bool) -> None:
        """Make the file.

        Args:
            path: of a file that does not exist, in a folder that does.
            durable: whether the file's name, and each append to it, survives a power cut.

        Raises:
            OSError: if it cannot be made.
        """
        self.path = path
        self.size_bytes = 0
        self._durable = durable
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | _BINARY
        self._handle = os.open(path, flags | (_DURABLE if durable else 0), 0o600)
        if durable:
            try:
                sync_folder(path.parent)
            except BaseException:
                self.close()
                raise

    def append(self, data: bytes) -> None:
        """Write all of `data`, or nothing of it.

        Raises:
            OSError: if that cannot be; append no more then, since nobody knows what the system
                still holds of it.
        """
        rest = memoryview(data)
        try:
            while rest:
                rest = rest[os.write(self._handle, rest) :]
            if self._durable and not _DURABLE:
                _sync(self._handle)
        except BaseException:
            with suppress(OSError):  # a reader passes over what is torn
                os.ftruncate(self._handle, self.size_bytes)
            raise
        self.size_bytes += len(data)

    def close(self) -> None:
        """Append no more."""
        with suppress(OSError):  # what counts is on the disk, or was said not to be
            os.close(self._handle)
