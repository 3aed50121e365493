"""What one process has in the spool: segments, held by a lock that ends with the process.

One thread writes a track, one moves what is in it; no other touches it. Knows nothing of what the
frames mean, nor of other lanes.
"""

import errno
import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Final

from mlopsproj_core.file_lock import try_lock
from mlopsproj_core.local_files import make_folder

from mlopsproj_records.segments import Kind, SegmentName, SegmentWriter

logger = logging.getLogger(__name__)

SEGMENT_BYTES: Final = 8 << 20
"""A segment that is larger gets no more."""
RETIRED_AFTER_SECONDS: Final = 10.0
"""A segment of this age goes as soon as all of it has been moved."""


@dataclass(slots=True, eq=False)
class Segment:
    """One file of a lane, as its writer and its mover share it.

    Attributes:
        name: what it is called.
        path: where it lies.
        end: up to here it may be read.
        moved: up to here it is elsewhere too.
        frames: how many it holds, as far as is known.
        frames_moved: how many of them are moved, or given up.
        sealed: whether nothing more will be appended.
        lost: whether somebody else has removed the file.
        made: on the monotonic clock, seconds.
    """

    name: SegmentName
    path: Path
    end: int = 0
    moved: int = 0
    frames: int = 0
    frames_moved: int = 0
    sealed: bool = False
    lost: bool = False
    made: float = field(default_factory=time.monotonic)


@dataclass(frozen=True, slots=True)
class Mark:
    """A point in a track."""

    ends: list[tuple[Segment, int]]

    @property
    def is_moved(self) -> bool:
        """Whether everything before it is moved."""
        return all(segment.moved >= end for segment, end in self.ends)


class Track:
    """The segments of one kind, the oldest first."""

    def __init__(
        self, folder: Path, lane: str, kind: Kind, may_begin: Callable[[], None] | None = None
    ) -> None:
        """Hold nothing yet.

        Args:
            folder: of the segments.
            lane: that they belong to.
            kind: of the segments.
            may_begin: called before a segment is made; raises OSError if none can be.
        """
        self._may_begin = may_begin
        self._folder, self._lane, self._kind = folder, lane, kind
        self._segments: list[Segment] = []
        self._changing = threading.Lock()
        self._writer: SegmentWriter | None = None
        self._number = 0

    # Of the thread that writes.

    def write(self, data: bytes, count: int) -> None:
        """Append frames: all of them, or none.

        Raises:
            OSError: if that cannot be.
        """
        if self._writer and (self._writer.size_bytes >= SEGMENT_BYTES or self._segments[-1].lost):
            self.seal()
        writer = self._writer or self._begin()
        try:
            writer.append(data)
        except BaseException:
            if writer.size_bytes:
                self.seal()
            else:  # a disk that is full for long leaves no empty files behind
                self._forget()
            raise
        segment = self._segments[-1]  # appended by this thread only
        segment.frames += count
        segment.end = writer.size_bytes

    def seal(self) -> None:
        """Write what comes next to another segment."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
            self._segments[-1].sealed = True

    def _begin(self) -> SegmentWriter:
        if self._may_begin:
            self._may_begin()
        self._number += 1
        name = SegmentName(self._lane, self._number, self._kind)
        path = self._folder / str(name)
        self._writer = SegmentWriter(path, durable=self._kind == "records")
        with self._changing:
            self._segments.append(Segment(name, path))
        return self._writer

    def _forget(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
            with self._changing:
                segment = self._segments.pop()
            with suppress(OSError):
                segment.path.unlink(missing_ok=True)

    def seal_if_moved(self) -> None:
        """The same, once there is nothing left to move; what was moved can then be removed."""
        if self._writer is not None and self._segments[-1].moved >= self._writer.size_bytes:
            self.seal()

    # Of the thread that moves.

    def adopt(self, names: Iterable[SegmentName]) -> None:
        """Take what a process has left, whatever its size is now."""
        for name in sorted(names, key=lambda name: name.number):
            path = self._folder / str(name)
            with suppress(FileNotFoundError):
                size = path.stat().st_size
                self._segments.append(Segment(name, path, end=size, sealed=True))

    def unmoved(self) -> list[Segment]:
        """Segments that hold what is not moved yet."""
        return [segment for segment in self._now() if segment.moved < segment.end]

    def remove_moved(self) -> None:
        """Remove the segments that are sealed and moved; one that stays is tried again."""
        for segment in self._now():
            if not segment.sealed or segment.moved < segment.end:
                continue
            try:
                segment.path.unlink(missing_ok=True)
            except OSError as error:
                logger.warning("%s is moved, and cannot be removed: %s", segment.path, error)
                continue
            with self._changing:
                self._segments.remove(segment)

    # Of any thread.

    @property
    def waiting_bytes(self) -> int:
        """What is not moved."""
        return sum(segment.end - segment.moved for segment in self._now())

    @property
    def waiting_frames(self) -> int:
        """How many are not moved, as far as is known."""
        return sum(segment.frames - segment.frames_moved for segment in self._now())

    @property
    def end(self) -> "Mark":
        """What has been written until now."""
        return Mark([(segment, segment.end) for segment in self._now()])

    @property
    def is_empty(self) -> bool:
        """Whether no segment is left."""
        return not self._segments

    @property
    def is_retirable(self) -> bool:
        """Whether `seal_if_moved` would free a segment that has had its time."""
        last = self._now()[-1:]
        return any(
            not segment.sealed
            and 0 < segment.end <= segment.moved
            and time.monotonic() - segment.made > RETIRED_AFTER_SECONDS
            for segment in last
        )

    def _now(self) -> list[Segment]:
        with self._changing:
            return list(self._segments)


class Lane:
    """Both tracks, and the lock.

    Attributes:
        name: the marker of its frames in hexadecimal.
        records: what must not be lost.
        images: what may be.
        is_own: whether this process writes it, rather than having found it.
    """

    def __init__(
        self, folder: Path, name: str, lock: IO[bytes], *, database: str, is_own: bool
    ) -> None:
        """Hold no segment yet.

        Args:
            folder: of the segments.
            name: see above.
            lock: of the lane, held.
            database: that the records are for.
            is_own: see above.
        """
        self.name = name
        self.is_own = is_own
        self._database = database
        self.records = Track(folder, name, "records", self.hold)
        self.images = Track(folder, name, "images", self.hold)
        self._lock = lock

    @property
    def is_empty(self) -> bool:
        """Whether nothing of it is left on the disk."""
        return self.records.is_empty and self.images.is_empty

    def hold(self) -> None:
        """Take the lock again if somebody has removed it, which would let others adopt the lane.

        Raises:
            OSError: if that cannot be.
        """
        path = Path(self._lock.name)
        with suppress(FileNotFoundError):
            if os.path.samestat(path.stat(), os.fstat(self._lock.fileno())):
                return
        make_folder(path.parent)
        lock = take_lock(path, self._database)
        if lock is None:
            raise OSError(errno.EAGAIN, f"{path} is held by another process")
        self._lock.close()
        self._lock = lock

    def release(self) -> None:
        """Let go: for good if it is empty, else for another process to adopt."""
        remove_lock(self._lock) if self.is_empty else self._lock.close()


def take_lock(path: Path, database: str) -> IO[bytes] | None:
    """Lock a lane, and leave word for which database its records are.

    Returns:
        The lock; None if another process holds it.

    Raises:
        OSError: if it cannot be made.
    """
    lock = try_lock(path)
    if lock is not None and not database_of(lock):
        try:
            lock.write(database.encode())
            lock.flush()
        except OSError:
            remove_lock(lock)
            raise
    return lock


def database_of(lock: IO[bytes]) -> str:
    """For which database the records of a lane are; empty if nobody has said."""
    lock.seek(0)
    return lock.read().decode(errors="replace")


def remove_lock(lock: IO[bytes]) -> None:
    """Let go of a lock, of which nothing is to be left."""
    path = Path(lock.name)
    if sys.platform == "win32":  # removes nothing that is open
        lock.close()
    with suppress(OSError):  # an empty file: whoever finds it next removes it
        path.unlink(missing_ok=True)
    lock.close()
