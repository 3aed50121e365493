"""Retention now and then, by one process of the machine at a time.

Knows nothing of what is deleted in which order.
"""

import logging
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from mlopsproj_core.file_lock import try_lock

from mlopsproj_records.counts import Counts
from mlopsproj_records.database import Database
from mlopsproj_records.images import ImageStore
from mlopsproj_records.retention import prune

logger = logging.getLogger(__name__)

EVERY_SECONDS: Final = 60.0
_ROWS_AT_ONCE: Final = 2000
_LOCK: Final = "retention.lock"


class Expiry:
    """Deletes what is older, or more, than is to be kept."""

    def __init__(
        self,
        folder: Path,
        database: Database,
        store: ImageStore | None,
        counts: Counts,
        *,
        max_age_days: float | None,
        max_count: int | None,
    ) -> None:
        """Delete nothing yet.

        Args:
            folder: that the processes share: the spool's.
            database: of the predictions.
            store: of the images.
            counts: told what was deleted.
            max_age_days: see `prune`.
            max_count: see `prune`.
        """
        self._lock = folder / _LOCK
        self._database, self._store, self._counts = database, store, counts
        self._max_age_days, self._max_count = max_age_days, max_count

    def step(self) -> bool:
        """Delete some of what has expired, unless another process does, or did a moment ago.

        Returns:
            Whether there is more to be deleted now.

        Raises:
            RecordsError: if the database or the image store is away.
            OSError: if the lock cannot be made.
        """
        if (self._max_age_days is None and self._max_count is None) or self._was_just_done():
            return False
        lock = try_lock(self._lock)
        if lock is None:
            return False
        finished = False
        with lock:
            try:
                done = prune(
                    self._database,
                    max_age_days=self._max_age_days,
                    max_count=self._max_count,
                    delete_images=self._delete if self._store else None,
                    max_rows=_ROWS_AT_ONCE,
                )
                self._counts.add(expired=done.predictions)
                finished = done.finished
            finally:
                if not finished:  # whoever comes next goes on at once
                    os.utime(self._lock, (0, 0))
        return not finished

    def _was_just_done(self) -> bool:
        try:
            age = time.time() - self._lock.stat().st_mtime
        except FileNotFoundError:
            return False
        return abs(age) < EVERY_SECONDS

    def _delete(self, urls: Sequence[str]) -> None:
        if self._store:
            for url in urls:
                self._store.delete(url)
