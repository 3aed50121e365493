"""The thread that makes records durable: what arrives while it writes goes into its next write.

There is no wait for more to arrive. What the spool does not take goes to the database; what neither
takes is said not to be durable. Knows nothing of who moves the spool to the database.
"""

import logging
import queue
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from mlopsproj_core.errors import NotDurableError, RecordsError

from mlopsproj_records.counts import Counts
from mlopsproj_records.database import Database
from mlopsproj_records.frames import frame
from mlopsproj_records.images import SpooledImage
from mlopsproj_records.record import PredictionRecord, Record
from mlopsproj_records.segments import Kind
from mlopsproj_records.spool import Spool

logger = logging.getLogger(__name__)

Done = Callable[[NotDurableError | None], None]

_GROUP_RECORDS: Final = 4096
_GROUP_BYTES: Final = 4 << 20
_AWAY_SECONDS: Final = 1.0
"""For how long a database that was away is not asked again."""

_encode = msgspec.msgpack.Encoder().encode


@dataclass(slots=True)
class _Entry:
    """Something to be written; a barrier, which only passes through, has no record."""

    record: Record | None
    frame: bytes
    done: Done
    image: bytes | None = None


class Writer:
    """Takes records from any thread."""

    def __init__(
        self,
        spool: Spool,
        database: Database,
        counts: Counts,
        *,
        written: Callable[[Kind], None],
        told: Callable[[Exception | None], None],
    ) -> None:
        """Begin nothing yet.

        Args:
            spool: that this thread alone writes.
            database: asked only if the spool cannot be written.
            counts: told what became of the records.
            written: called after each write, with what was written.
            told: after each write to the spool, what was wrong.
        """
        self._spool, self._database, self._counts = spool, database, counts
        self._written, self._told = written, told
        self._entries: queue.SimpleQueue[_Entry] = queue.SimpleQueue()
        self._stopping = self._ended = self._sealing = False
        self._away_until = 0.0
        self._thread = threading.Thread(target=self._run, name="records-writer", daemon=True)

    def start(self) -> None:
        """Begin to write."""
        self._thread.start()

    def append(self, record: Record, done: Done, image: bytes | None) -> None:
        """Write a record soon; never blocks.

        Args:
            record: is encoded here, so that the callers share that work.
            done: called once, by the thread that writes.
            image: to be kept with it, if there is space.

        Raises:
            TypeError: if a field holds what cannot be written; `done` is not called then.
            OverflowError: the same, for an integer of more than 64 bits.
        """
        self._put(_Entry(record, frame(self._spool.marker, _encode(record)), done, image))

    def pass_through(self, timeout_seconds: float) -> bool:
        """Wait until everything that was appended before is durable, or is said not to be."""
        passed = threading.Event()
        self._put(_Entry(None, b"", lambda _: passed.set()))
        return passed.wait(timeout_seconds)

    def seal_moved(self) -> None:
        """Let go of segments that are moved, so that they can be removed."""
        self._sealing = True
        self._put(_Entry(None, b"", lambda _: None))

    def stop(self, timeout_seconds: float) -> bool:
        """Write what was appended, then end.

        Returns:
            Whether the thread has ended within the time.
        """
        self._stopping = True
        self._put(_Entry(None, b"", lambda _: None))
        self._thread.join(timeout_seconds)
        return not self._thread.is_alive()

    def _put(self, entry: _Entry) -> None:
        self._entries.put(entry)
        if self._ended:  # checked after the entry is in: either side sees the other
            self._refuse_the_rest()

    def _run(self) -> None:
        while not (self._stopping and self._entries.empty()):
            group = self._next_group()
            try:
                self._write(group)
            except Exception:  # everybody has been told, and the thread must go on
                logger.exception("the writer of records met an error that nobody foresaw")
        self._ended = True
        self._refuse_the_rest()

    def _next_group(self) -> list[_Entry]:
        group = [self._entries.get()]
        size = len(group[0].frame)
        while len(group) < _GROUP_RECORDS and size < _GROUP_BYTES:
            try:
                group.append(entry := self._entries.get_nowait())
            except queue.Empty:
                break
            size += len(entry.frame)
        return group

    def _write(self, group: Sequence[_Entry]) -> None:
        if self._sealing:
            self._sealing = False
            self._spool.seal_moved()
        entries = [entry for entry in group if entry.record is not None]
        errors: dict[int, NotDurableError] = {}
        try:
            if entries:
                errors = self._keep(entries)
        except Exception as error:
            reason = NotDurableError(f"The record could not be kept: {error!r}")
            errors = dict.fromkeys(map(id, entries), reason)
            self._counts.add(refused=len(entries))
            raise
        finally:
            for entry in group:
                _tell(entry.done, errors.get(id(entry)))
        if entries:
            self._written("records")
        self._keep_images([entry for entry in entries if entry.image and id(entry) not in errors])

    def _keep(self, entries: Sequence[_Entry]) -> dict[int, NotDurableError]:
        """Make records durable; says for which that failed, by the identity of the entry."""
        try:
            self._spool.write("records", b"".join([e.frame for e in entries]), len(entries))
        except OSError as error:
            self._told(error)
            return self._insert(entries, error)
        self._told(None)
        self._counts.add(appended=len(entries))
        return {}

    def _insert(self, entries: Sequence[_Entry], cause: OSError) -> dict[int, NotDurableError]:
        why = f"The record is not kept: the spool {self._spool.folder} takes nothing ({cause})"
        try:
            if time.monotonic() < self._away_until:
                raise NotDurableError("the database was away a moment ago")
            refused = self._database.insert([e.record for e in entries if e.record])
        except RecordsError as error:
            if not isinstance(error, NotDurableError):
                self._away_until = time.monotonic() + _AWAY_SECONDS
            reason = NotDurableError(f"{why}, nor does the database: {error}")
            self._counts.add(refused=len(entries))
            return dict.fromkeys(map(id, entries), reason)
        reasons = {id(item.record): item.reason for item in refused}
        errors = {
            id(entry): NotDurableError(
                f"{why}, and the database refuses it: {reasons[id(entry.record)]}"
            )
            for entry in entries
            if id(entry.record) in reasons
        }
        self._counts.add(direct=len(entries) - len(errors), refused=len(errors))
        return errors

    def _keep_images(self, entries: Sequence[_Entry]) -> None:
        for entry in entries:
            if not isinstance(entry.record, PredictionRecord) or entry.image is None:
                continue
            image = SpooledImage(entry.record.id, entry.record.image_sha256, entry.image)
            try:
                self._spool.write("images", frame(self._spool.marker, _encode(image)), 1)
            except OSError as error:
                logger.debug("no space for an image: %s", error)
                self._counts.add(images_left_out=1)
            else:
                self._written("images")

    def _refuse_the_rest(self) -> None:
        while True:
            try:
                entry = self._entries.get_nowait()
            except queue.Empty:
                return
            if entry.record is None:
                _tell(entry.done, None)
            else:
                self._counts.add(refused=1)
                _tell(entry.done, NotDurableError("The record is not kept: the log is closed."))


def _tell(done: Done, error: NotDurableError | None) -> None:
    try:
        done(error)
    except Exception:
        logger.exception("whoever waited for a record failed when told that it is done")
