"""The folder in which records wait for the database, shared by the processes of one machine.

    {lane}.lock  {lane}-00000001.records  {lane}-00000002.images  …  quarantine/

Each process writes a lane of its own, whose lock says which database its records are for; the lane
of one that has died is adopted by whichever of that database finds it first. What the database will
never take, and what is damaged, goes to `quarantine`; segments that are moved from there into the
folder are read again. Knows nothing of what the database is, nor of what the frames mean.
"""

import errno
import logging
import os
import re
import threading
import time
from collections import defaultdict
from pathlib import Path
from typing import Final

from mlopsproj_core.file_lock import try_lock
from mlopsproj_core.local_files import make_folder, sync_folder

from mlopsproj_records.frames import MARKER_BYTES
from mlopsproj_records.lane import Lane, Segment, database_of, remove_lock, take_lock
from mlopsproj_records.segments import Kind, SegmentName

logger = logging.getLogger(__name__)

QUARANTINE: Final = "quarantine"
_IMAGES_AT_MOST: Final = 0.5
"""Share of the spool beyond which no image is added: the rest is for records."""
_PROBE_BYTES: Final = 64 * 1024
_LOCK_ATTEMPTS: Final = 100
_LOCK_PAUSE_SECONDS: Final = 0.01
_LOCK = re.compile(r"([0-9a-f]{16})\.lock", re.ASCII)


class Spool:
    """Lanes of this process: its own, and those that it has adopted.

    Attributes:
        folder: where they lie.
        marker: with which its own frames begin.
    """

    def __init__(self, folder: Path, max_bytes: int, *, database: str) -> None:
        """Nothing is made or reached yet.

        Args:
            folder: made, when first written to.
            max_bytes: of what waits in it, in the lanes of all processes.
            database: that its records are for, as `identity` tells it.
        """
        self.folder = folder
        self._database = database
        self.marker = os.urandom(MARKER_BYTES)
        self._max_bytes = max_bytes
        self._own: Lane | None = None
        self._adopted: tuple[Lane, ...] = ()
        self._others_bytes = 0
        self._not_ours: set[str] = set()
        self._adopting = threading.Lock()

    def write(self, kind: Kind, data: bytes, count: int) -> None:
        """Append `count` frames, durable if they are records; called by one thread.

        Raises:
            OSError: if that cannot be; nothing is written then.
        """
        allowed = self._max_bytes * (1 if kind == "records" else _IMAGES_AT_MOST)
        self._check_limit(len(data), allowed)
        own = self._own or self._begin()
        (own.records if kind == "records" else own.images).write(data, count)

    def probe(self) -> None:
        """Return if a record could be written now.

        Raises:
            OSError: if not.
        """
        self._check_limit(_PROBE_BYTES, self._max_bytes)
        make_folder(self.folder)
        path = self.folder / f"{self.marker.hex()}.probe"
        try:
            with open(path, "wb", opener=_private) as file:
                file.write(bytes(_PROBE_BYTES))
                file.flush()
                os.fsync(file.fileno())
        finally:
            path.unlink(missing_ok=True)

    def _check_limit(self, size: int, allowed: float) -> None:
        if self.waiting_bytes + size > allowed:
            raise OSError(
                errno.EDQUOT, f"what waits has reached the limit of {self._max_bytes} bytes"
            )

    def seal_moved(self) -> None:
        """Let segments go that are moved; called by the thread that writes."""
        if self._own:
            self._own.records.seal_if_moved()
            self._own.images.seal_if_moved()

    @property
    def lanes(self) -> tuple[Lane, ...]:
        """The own one, if there is one by now, and the adopted ones."""
        return (self._own, *self._adopted) if self._own else self._adopted

    @property
    def waiting_bytes(self) -> int:
        """What waits in the folder; of the lanes of others, as `look_around` found it."""
        own = self._own
        return self._others_bytes + (
            own.records.waiting_bytes + own.images.waiting_bytes if own else 0
        )

    def look_around(self) -> None:
        """Adopt what the dead have left, measure what others have, let go of what is empty.

        Raises:
            OSError: if the folder cannot be read.
        """
        with self._adopting:
            for lane in self._adopted:
                if lane.is_empty:
                    self._adopted = tuple(kept for kept in self._adopted if kept is not lane)
                    lane.release()
            found, others = self._listed()
            for name, segments in found.items():
                if adopted := self._adopt(name, segments):
                    self._adopted = (*self._adopted, adopted)
            self._others_bytes = others

    def quarantine(self, segment: Segment, data: bytes, *, damaged_at: int | None = None) -> None:
        """Put bytes of a segment aside, durably.

        Args:
            segment: that they are from.
            data: whole frames, or damage.
            damaged_at: where in the file, if it is damage.

        Raises:
            OSError: if that cannot be.
        """
        folder = self.folder / QUARANTINE
        make_folder(folder)
        name = str(segment.name) if damaged_at is None else f"{segment.name}.{damaged_at}.damaged"
        mode = "ab" if damaged_at is None else "wb"
        with open(folder / name, mode, opener=_private) as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        sync_folder(folder)

    def close(self) -> None:
        """Let go of every lane; what is left in it is for others."""
        if self._own:
            self._own.records.seal()
            self._own.images.seal()
        for lane in self.lanes:
            lane.records.remove_moved()
            lane.images.remove_moved()
            lane.release()
        self._own, self._adopted = None, ()

    def _begin(self) -> Lane:
        make_folder(self.folder)
        name = self.marker.hex()
        for _ in range(_LOCK_ATTEMPTS):
            if lock := take_lock(self.folder / f"{name}.lock", self._database):
                self._own = Lane(self.folder, name, lock, database=self._database, is_own=True)
                return self._own
            time.sleep(_LOCK_PAUSE_SECONDS)  # somebody looks whether its holder is dead
        raise OSError(errno.EAGAIN, f"{name}.lock in {self.folder} is held by another process")

    def _listed(self) -> tuple[dict[str, list[SegmentName]], int]:
        """Segments by lane, without this process's own, and their size in bytes."""
        found: dict[str, list[SegmentName]] = defaultdict(list)
        size = 0
        try:
            entries = list(os.scandir(self.folder))
        except FileNotFoundError:
            return {}, 0
        own = self.marker.hex()
        for entry in entries:
            name = SegmentName.parse(entry.name)
            if name is not None and name.lane != own:
                found[name.lane].append(name)
                size += _size(entry)
            elif (lock := _LOCK.fullmatch(entry.name)) and lock[1] != own:
                found.setdefault(lock[1], [])
        return found, size

    def _adopt(self, name: str, segments: list[SegmentName]) -> Lane | None:
        if any(lane.name == name for lane in self._adopted):
            return None
        try:
            lock = try_lock(self.folder / f"{name}.lock")
        except OSError as error:
            self._leave(name, f"it cannot be locked: {error}")
            return None
        if lock is None:
            return None
        database = database_of(lock) or self._database
        if segments and database != self._database:
            lock.close()
            self._leave(
                name,
                f"its records are for {database}, and not for {self._database}. They are moved by"
                f" the next service that uses that one; to move them here, remove {name}.lock",
            )
            return None
        # Its process may have written more, or have moved it, since the folder was listed.
        lane = Lane(self.folder, name, lock, database=database, is_own=False)
        now = self._listed()[0].get(name, segments)
        lane.records.adopt(segment for segment in now if segment.kind == "records")
        lane.images.adopt(segment for segment in now if segment.kind == "images")
        if lane.is_empty:
            remove_lock(lock)
            return None
        logger.info("adopted %d segments of a process that ended: %s", len(now), name)
        return lane

    def _leave(self, name: str, reason: str) -> None:
        if name not in self._not_ours:
            self._not_ours.add(name)
            logger.error("%s in %s is not adopted: %s", name, self.folder, reason)


def _size(entry: os.DirEntry[str]) -> int:
    try:
        return entry.stat().st_size
    except FileNotFoundError:  # moved meanwhile
        return 0


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)
