"""The way of a retraining from its request to its end, one step for each call.

What is promised, whatever is killed when: a retraining that was requested is neither lost nor
doubled. A command is begun at most once, and once unless its machine is lost; a webhook is told at
least once, under one id. What has been approved waits as long as it takes for somebody to start
it. One that cannot be looked at, or cannot be told, holds no other up. Knows nothing of drift.
"""

import logging
from typing import Final

from mlopsproj_core.errors import DatabaseAwayError, MigrationError, RecordsError
from mlopsproj_core.events import Event
from mlopsproj_records.database import Database
from mlopsproj_records.identifiers import uuid7
from mlopsproj_records.outbox import Clock, Outbox, utc_now
from mlopsproj_records.retraining import (
    APPROVED,
    STARTED,
    Retraining,
    RetrainingRequest,
    Retrainings,
)

from mlopsproj_monitoring.triggers.command import CommandTrigger, end_of, folder_of, has_begun
from mlopsproj_monitoring.triggers.setting import SETTING, RetrainingTrigger

logger = logging.getLogger(__name__)

AUTOMATIC: Final = "automatic"
"""Who has approved where nobody is asked."""


class RetrainingFlow:
    """Takes retrainings from state to state; several processes may do it at once.

    Every method raises `RecordsError` if the database cannot be used.
    """

    def __init__(
        self,
        database: Database,
        trigger: RetrainingTrigger | None,
        *,
        automatic: bool = False,
        clock: Clock = utc_now,
    ) -> None:
        """Do nothing yet.

        Args:
            database: of the retrainings and their events.
            trigger: starts them; None if drift starts nothing: then those that were started
                before are seen to their end, and none is requested.
            automatic: whether they start without a person's approval.
            clock: tells the time, aware.
        """
        self.retrainings = Retrainings(database, clock=clock)
        self._outbox = Outbox(database, clock=clock)
        self._trigger, self._automatic = trigger, automatic

    def request(self) -> RetrainingRequest | None:
        """What is asked for if there is drift, for `DriftHistory.record`."""
        if self._trigger is None:
            return None
        return RetrainingRequest(
            id=uuid7(),
            how=self._trigger.how,
            approved_by=AUTOMATIC if self._automatic else None,
        )

    def advance(self) -> None:
        """Start what is approved, and see what has ended: to be called in each round of a loop.

        Returns within about half a minute for each retraining that is started; commands go on
        by themselves.
        """
        for retraining in self.retrainings.recent(states=(STARTED,)):
            try:
                self._look(retraining)
            except OSError as error:  # another user's, or its disk is away
                logger.warning("retraining %s cannot be looked at: %s", retraining.id, error)
        if self._trigger is None:
            return
        for retraining in reversed(self.retrainings.recent(states=(APPROVED,))):
            event = self._event(retraining)
            if event is not None:
                self._trigger.start(self.retrainings, retraining, event)

    def approve(self, id: str, *, actor: str, reason: str | None = None) -> Retraining:  # noqa: A002 (the record's field)
        """Let one start that waits; the next `advance` starts it.

        Raises:
            RecordsError: if there is none of that id, or it is past that.
        """
        return self.retrainings.approve(id, actor=actor, reason=reason)

    def decline(self, id: str, *, actor: str, reason: str | None = None) -> Retraining:  # noqa: A002 (the record's field)
        """Have one not start; or give one up that has started: what runs is not ended by it.

        Raises:
            RecordsError: if there is none of that id, or it is at its end.
        """
        return self.retrainings.decline(id, actor=actor, reason=reason)

    def _look(self, retraining: Retraining) -> None:
        folder = folder_of(retraining.place)
        if folder is None:  # that machine's monitor sees to it
            return
        if has_begun(folder):
            end = end_of(folder)
            if end is not None and self.retrainings.finish(
                retraining.id, succeeded=end[0], detail=end[1]
            ):
                logger.info("retraining %s of %s: %s", retraining.id, retraining.model, end[1])
        elif not folder.exists():
            self.retrainings.finish(
                retraining.id,
                succeeded=False,
                detail=f"{folder} is gone, and with it what would tell how it went.",
            )
        elif isinstance(self._trigger, CommandTrigger):
            # Whoever recorded it as started was killed before it was.
            event = self._event(retraining)
            if event is not None:
                self._trigger.begin(self.retrainings, retraining, event, folder)
        else:
            self.retrainings.finish(
                retraining.id,
                succeeded=False,
                detail=f"It was never begun, and {SETTING} names no command any more.",
            )

    def _event(self, retraining: Retraining) -> Event | None:
        try:
            entry = self._outbox.find(retraining.event_id)
        except (DatabaseAwayError, MigrationError):
            raise
        except RecordsError as error:
            detail = str(error)
        else:
            if entry is not None:
                return entry.event
            detail = "Its event is not in the database."
        self.retrainings.finish(retraining.id, succeeded=False, detail=detail)
        return None
