"""Events that wait to be told: put once within a cooldown, told at least once under one id.

*Once within a cooldown.* Of all processes that put an event under the same key, one at a time
looks and puts. Its time is kept as the beginning of the cooldown. A beginning that lies in the
future, since a clock went back, is taken for now: so a clock that goes back neither ends a cooldown
early, nor makes it longer than by one more. (One that goes forward does end it.)

*At least once.* Whoever tells an event first says, durably, when another may try: so that two do
not tell it at once, and that what a killed process was about to tell is told by another. What
nobody takes is tried again ever more seldom, and for ever; since what failed less often goes first,
an event that is never taken holds no other up. A receiver knows by the id what it has heard.

Knows nothing of receivers: it is given a function that tells.
"""

import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

from mlopsproj_core.errors import ConfigError, MlopsprojError, RecordsError
from mlopsproj_core.events import Event
from pydantic import ValidationError
from sqlalchemy import ColumnElement, Connection, Text, cast, func, or_, select, update

from mlopsproj_records.database import Database
from mlopsproj_records.engine import alone
from mlopsproj_records.insertion import insert_rows
from mlopsproj_records.rows import time_value
from mlopsproj_records.schema import outbox

logger = logging.getLogger(__name__)

Clock = Callable[[], datetime]

PENDING: Final = "pending"
DELIVERED: Final = "delivered"

LEASE_SECONDS: Final = 120.0
"""How long one process may take to tell an event before another tries."""

FIRST_PAUSE_SECONDS: Final = 5.0
LONGEST_PAUSE_SECONDS: Final = 900.0
"""Between two attempts to tell an event: twice as long each time, up to this."""

FAILURES_IN_A_ROW: Final = 2
"""After which nobody seems to be there, and the other events wait for the next call."""

_ERROR_LENGTH = 500


@dataclass(frozen=True, slots=True)
class Delivery:
    """What came of telling events.

    Attributes:
        delivered: that were taken.
        failed: attempts of which nothing came.
        pending: that wait still, whenever they are due.
    """

    delivered: int
    failed: int
    pending: int


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """An event, and what became of it.

    Attributes:
        event: as it was put.
        key: of its cooldown.
        state: "pending" or "delivered".
        attempts: to tell it, one that is made now included.
        next_attempt: when it may be tried again; None for at once.
        delivered: when it was taken; None before.
        last_error: why the latest attempt failed; None if none did.
    """

    event: Event
    key: str
    state: str
    attempts: int
    next_attempt: datetime | None
    delivered: datetime | None
    last_error: str | None


def utc_now() -> datetime:
    """The time by this machine's clock."""
    return datetime.now(UTC)


def pause_seconds(attempts: int) -> float:
    """How long to wait after so many attempts, at least one, before the next."""
    return min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2.0 ** min(attempts - 1, 30))


def is_due(next_attempt: ColumnElement[datetime], now: datetime) -> ColumnElement[bool]:
    """Whether an attempt may be made.

    It may also where that lies further ahead than any pause is long, as after a clock went back.
    """
    longest = timedelta(seconds=max(LEASE_SECONDS, LONGEST_PAUSE_SECONDS))
    return or_(next_attempt.is_(None), next_attempt <= now, next_attempt > now + longest)


def put_event(
    connection: Connection, event: Event, *, key: str, cooldown_seconds: float, now: datetime
) -> bool:
    """Put an event in a transaction that has other work besides; see `Outbox.put`."""
    if not cooldown_seconds >= 0:
        raise ConfigError(
            f"cooldown_seconds={cooldown_seconds} is no time to wait: give 0 or more seconds."
        )
    alone(connection, f"outbox {key}")
    id_ = str(event.id)
    if connection.scalar(select(outbox.c.id).where(outbox.c.id == id_)) is not None:
        return True
    began = outbox.c.cooldown_from
    connection.execute(
        update(outbox).where(outbox.c.key == key, began > now).values(cooldown_from=now)
    )
    held = select(outbox.c.id).where(outbox.c.key == key).limit(1)
    with suppress(OverflowError):  # before the year 1: it holds for ever
        held = held.where(began > now - timedelta(seconds=cooldown_seconds))
    if connection.scalar(held) is not None:
        return False
    kept = partial(time_value, times_as_text=connection.dialect.name == "sqlite")
    row = (
        *(id_, kept(event.time), event.type, key, kept(now), event.model, event.version),
        *(event.to_json(), PENDING, 0, None, None, None),
    )
    insert_rows(connection, outbox, [row])
    return True


class Outbox:
    """The events of a database; several processes may use it at once."""

    def __init__(self, database: Database, *, clock: Clock = utc_now) -> None:
        """Tell nothing yet.

        Args:
            database: that holds the events.
            clock: tells the time, aware.
        """
        self._database, self._clock = database, clock

    def put(self, event: Event, *, key: str, cooldown_seconds: float) -> bool:
        """Put an event, unless its key has had one within the cooldown; it may be repeated.

        Args:
            event: what happened.
            key: what the cooldown is of, e.g. the model.
            cooldown_seconds: in which no other event of the key is put; 0 for none.

        Returns:
            Whether the event is in the outbox, from now on or from an earlier call; False if the
            cooldown held it back.

        Raises:
            ConfigError: if the cooldown is negative or no number.
            DatabaseAwayError: if the database cannot be reached.
            MigrationError: if its schema is not this release's.
        """

        def work(connection: Connection) -> bool:
            return put_event(
                connection, event, key=key, cooldown_seconds=cooldown_seconds, now=self._clock()
            )

        return self._database.run(work, writes=True)

    def deliver_due(self, deliver: Callable[[Event], None], *, max_events: int = 100) -> Delivery:
        """Tell the events that are due, until `FAILURES_IN_A_ROW` of them are not taken.

        First those of which the fewest attempts failed; of these, the oldest.

        Each of them may be told more than once, always under the same id: if this process is
        killed, or takes longer than `LEASE_SECONDS`, another tells it again.

        Args:
            deliver: tells one event; raises a `MlopsprojError` if nobody takes it. Another error
                leaves this method; the event is due again when the lease has run out.
            max_events: to tell at most.

        Raises:
            DatabaseAwayError: if the database cannot be reached.
            MigrationError: if its schema is not this release's.
        """
        delivered = failed = in_a_row = 0
        for id_, attempts in self._due(max_events):
            document = self._lease(id_, attempts)
            if document is None:  # another process tells it
                continue
            try:
                deliver(_event(id_, document))
            except MlopsprojError as error:
                self._failed(id_, attempts + 1, error)
                failed, in_a_row = failed + 1, in_a_row + 1
                if in_a_row == FAILURES_IN_A_ROW:
                    break
                continue
            self._delivered(id_)
            delivered, in_a_row = delivered + 1, 0
        return Delivery(delivered, failed, self.counts()[PENDING])

    def counts(self) -> dict[str, int]:
        """How many events are in each state, those that none is in included.

        Raises:
            DatabaseAwayError: if the database cannot be reached.
            MigrationError: if its schema is not this release's.
        """
        statement = select(outbox.c.state, func.count()).group_by(outbox.c.state)
        found = self._database.run(lambda connection: connection.execute(statement).all())
        return {PENDING: 0, DELIVERED: 0} | {row[0]: row[1] for row in found}

    def find(self, id: str) -> OutboxEntry | None:  # noqa: A002 (the event's field)
        """An event by its id; None if it was never put.

        Raises:
            DatabaseAwayError: if the database cannot be reached.
            MigrationError: if its schema is not this release's.
            RecordsError: if its row cannot be read.
        """
        columns = (
            *(cast(outbox.c.document, Text).label("text"), outbox.c.key, outbox.c.state),
            *(outbox.c.attempts, outbox.c.next_attempt, outbox.c.delivered, outbox.c.last_error),
        )
        statement = select(*columns).where(outbox.c.id == id)
        row = self._database.run(lambda connection: connection.execute(statement).one_or_none())
        return None if row is None else OutboxEntry(_event(id, row[0]), *row[1:])

    def _due(self, count: int) -> list[tuple[str, int]]:
        statement = (
            select(outbox.c.id, outbox.c.attempts)
            .where(outbox.c.state == PENDING, is_due(outbox.c.next_attempt, self._clock()))
            .order_by(outbox.c.attempts, outbox.c.time, outbox.c.id)
            .limit(count)
        )
        found = self._database.run(lambda connection: connection.execute(statement).all())
        return [(row.id, row.attempts) for row in found]

    def _lease(self, id_: str, attempts: int) -> str | None:
        """The event as JSON, for this process alone; None if another was first."""

        def work(connection: Connection) -> str | None:
            until = self._clock() + timedelta(seconds=LEASE_SECONDS)
            taken = connection.execute(
                update(outbox)
                .where(
                    outbox.c.id == id_,
                    outbox.c.state == PENDING,
                    outbox.c.attempts == attempts,
                )
                .values(attempts=attempts + 1, next_attempt=until)
            )
            if not taken.rowcount:
                return None
            document = select(cast(outbox.c.document, Text)).where(outbox.c.id == id_)
            return str(connection.scalar(document))

        return self._database.run(work, writes=True)

    def _failed(self, id_: str, attempts: int, error: MlopsprojError) -> None:
        pause = pause_seconds(attempts)
        logger.warning("attempt %d to tell event %s: %s", attempts, id_, error)
        statement = (
            update(outbox)
            # Not if the lease ran out, and another process is at it.
            .where(outbox.c.id == id_, outbox.c.attempts == attempts)
            .values(
                next_attempt=self._clock() + timedelta(seconds=pause),
                last_error=str(error)[:_ERROR_LENGTH],
            )
        )
        self._database.run(lambda connection: connection.execute(statement), writes=True)

    def _delivered(self, id_: str) -> None:
        statement = (
            update(outbox)
            .where(outbox.c.id == id_, outbox.c.state == PENDING)
            .values(state=DELIVERED, delivered=self._clock(), next_attempt=None)
        )
        self._database.run(lambda connection: connection.execute(statement), writes=True)


def _event(id_: str, document: Any) -> Event:
    try:
        return Event.model_validate_json(document)
    except ValidationError as error:
        raise RecordsError(
            f"The event {id_} in the database cannot be read ({error.error_count()} faults): it was"
            " written by another release or program; mend or delete the row."
        ) from error
