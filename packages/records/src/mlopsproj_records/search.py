"""A prediction that is looked for while it may still be on its way to the database.

Looks as often as it is told to, and says how long to wait in between, so that whoever waits may do
so in an event loop. Knows nothing of who asks.
"""

import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Final

from mlopsproj_core.errors import DatabaseAwayError

from mlopsproj_records.identifiers import time_of
from mlopsproj_records.lane import Lane, Mark
from mlopsproj_records.record import StoredPrediction

_YOUNG_SECONDS: Final = 5.0
_WAIT_SECONDS: Final = 4.0
_PAUSE_SECONDS: Final = 0.02
_LONGEST_PAUSE_SECONDS: Final = 0.2


class Search:
    """One question.

    Attributes:
        found: the prediction, once `step` says that this is all; None if there is none.
    """

    def __init__(
        self,
        id: str,  # noqa: A002 (the record's field)
        lanes: Sequence[Lane],
        *,
        read: Callable[[str], StoredPrediction | None],
        is_away: Callable[[], bool],
        hurry: Callable[[], None],
    ) -> None:
        """Look nowhere yet.

        Args:
            id: of the prediction.
            lanes: that this process empties; what is in them now is waited for.
            read: from the database.
            is_away: whether the database is known to be away.
            hurry: has the lanes emptied soon.
        """
        self.found: StoredPrediction | None = None
        self._id, self._read, self._is_away, self._hurry = id, read, is_away, hurry
        self._waiting = [lane.records.end for lane in lanes]
        self._own = [mark for mark, lane in zip(self._waiting, lanes, strict=True) if lane.is_own]
        self._begun = time.monotonic()
        self._pause = _PAUSE_SECONDS
        self._made = time_of(id)
        is_young = (
            self._made is not None
            and abs((datetime.now(UTC) - self._made).total_seconds()) <= _YOUNG_SECONDS
        )
        self._wait_seconds = _WAIT_SECONDS if is_young else 0.0

    def step(self) -> float | None:
        """Look once; blocks for as long as the database takes.

        Feedback that this process has made durable is waited for, and a prediction that was made a
        moment ago, by whichever process.

        Returns:
            Seconds to wait before the next step; None if `found` is the answer.

        Raises:
            DatabaseAwayError: if the database is away, or has not taken yet what waits here, so
                that nobody knows.
            MigrationError: if its schema is not this release's.
        """
        if self._made is None:
            return None
        waited = time.monotonic() - self._begun
        if waited < _WAIT_SECONDS and not _moved(self._own) and not self._is_away():
            self._hurry()
            return _PAUSE_SECONDS
        self.found = self._read(self._id)
        if self.found is not None:
            return None
        if waited < self._wait_seconds:
            self._hurry()
            pause, self._pause = self._pause, min(2 * self._pause, _LONGEST_PAUSE_SECONDS)
            return pause
        if not _moved(self._waiting):
            raise DatabaseAwayError(
                f"The prediction {self._id}, if there is one, is on its way to the database, which"
                " takes nothing at the moment: ask again later."
            )
        return None


def _moved(marks: Sequence[Mark]) -> bool:
    return all(mark.is_moved for mark in marks)
