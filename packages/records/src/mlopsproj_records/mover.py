"""Takes records from the spool into the database, each once.

Knows nothing of who appended them, nor of images.
"""

import logging
import time
from collections.abc import Callable, Sequence
from typing import Final

import msgspec

from mlopsproj_records.counts import Counts
from mlopsproj_records.database import Database
from mlopsproj_records.draining import Draining
from mlopsproj_records.record import Record
from mlopsproj_records.spool import Spool

logger = logging.getLogger(__name__)

BATCH_RECORDS: Final = 1000
LOOK_AROUND_SECONDS: Final = 2.0
"""How often it is looked whether another process has died, and left records."""
_BATCH_BYTES: Final = 16 << 20

_decode = msgspec.msgpack.Decoder(Record).decode


class Mover:
    """Moves what is in a spool; the same record may be given to the database more than once."""

    def __init__(
        self,
        spool: Spool,
        database: Database,
        counts: Counts,
        *,
        seal_moved: Callable[[], None],
        check: Callable[[], None],
    ) -> None:
        """Move nothing yet.

        Args:
            spool: that is emptied.
            database: that is filled.
            counts: told what was moved.
            seal_moved: asks the writer to let go of segments that are moved.
            check: called now and then; what it raises ends a move.
        """
        self._spool, self._database = spool, database
        self._seal_moved = seal_moved
        self._draining = Draining(
            spool,
            counts,
            frames=BATCH_RECORDS,
            size_bytes=_BATCH_BYTES,
            check=check,
            moved=lambda moved, rejected: counts.add(moved=moved, rejected=rejected),
        )
        self._looked_around: float | None = None

    def move(self) -> None:
        """Move all there are.

        Raises:
            RecordsError: if the database is away, or its schema is not this release's.
            OSError: if the spool cannot be read or written.
        """
        now = time.monotonic()
        if self._looked_around is None or now - self._looked_around >= LOOK_AROUND_SECONDS:
            self._looked_around = now
            self._spool.look_around()
        for lane in self._spool.lanes:
            self._draining.drain(lane, lane.records, self._insert)
            if lane.is_own and (lane.records.is_retirable or lane.images.is_retirable):
                self._seal_moved()

    def _insert(self, payloads: Sequence[bytes]) -> list[bytes]:
        records: list[Record] = []
        offered: dict[int, bytes] = {}
        rejected: list[bytes] = []
        for payload in payloads:
            try:
                record = _decode(payload)
            except msgspec.MsgspecError as error:
                logger.error("a record in the spool is of another release: %s", error)  # noqa: TRY400 (says it all)
                rejected.append(payload)
            else:
                records.append(record)
                offered[id(record)] = payload
        for refused in self._database.insert(records):
            logger.error("the database refuses a record for ever: %s", refused.reason)
            rejected.append(offered[id(refused.record)])
        return rejected
