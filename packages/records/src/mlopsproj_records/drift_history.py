"""What each check for drift found, kept with the event and the retraining that follow from it.

All three in one transaction: a drift that is recorded is told, whatever ends the process. Knows
nothing of how drift is found.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any

import msgspec
from mlopsproj_core.errors import RecordsError
from mlopsproj_core.events import Event
from sqlalchemy import Connection, select

from mlopsproj_records.database import Database
from mlopsproj_records.insertion import insert_rows
from mlopsproj_records.outbox import Clock, put_event, utc_now
from mlopsproj_records.retraining import RetrainingRequest, put_request
from mlopsproj_records.rows import as_json, selected, time_value
from mlopsproj_records.schema import drift_check


class DriftCheckRecord(msgspec.Struct, frozen=True):
    """What one check found.

    Attributes:
        id: uuid7; the event of a drift has the same.
        time: UTC, when it was made.
        model: that was checked.
        version: that was checked.
        verdict: "drift", "no drift" or "not enough data".
        p_value: of the whole check; None where there is no verdict.
        images: in the window.
        since: time of the first of them; None for an empty window.
        until: time of the last.
        document: all that is known of it, ready for JSON.
    """

    id: str
    time: datetime
    model: str
    version: int
    verdict: str
    p_value: float | None
    images: int
    since: datetime | None
    until: datetime | None
    document: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Recorded:
    """What followed from a check.

    Attributes:
        event_put: whether its event will be told; False if there is none, or the cooldown held it
            back.
        retraining: id of the retraining that was requested; None if none was.
    """

    event_put: bool = False
    retraining: str | None = None


class DriftHistory:
    """The checks of a database; several processes may use it at once.

    Every method raises `DatabaseAwayError` if the database cannot be reached, and
    `MigrationError` if its schema is not this release's.
    """

    def __init__(self, database: Database, *, clock: Clock = utc_now) -> None:
        """Record nothing yet.

        Args:
            database: that holds them.
            clock: tells the time, aware, from which a cooldown is counted.
        """
        self._database, self._clock = database, clock

    def record(
        self,
        check: DriftCheckRecord,
        *,
        event: Event | None = None,
        key: str = "",
        cooldown_seconds: float = 0.0,
        retraining: RetrainingRequest | None = None,
    ) -> Recorded:
        """Keep a check, with what follows from it: all of it or nothing; it may be repeated.

        Args:
            check: what was found.
            event: that tells of it; None for a check that nobody needs to hear of.
            key: of the event's cooldown, see `Outbox.put`.
            cooldown_seconds: of the event.
            retraining: that is requested if the event is put, and the model has none.

        Raises:
            ConfigError: if the cooldown is negative or no number.
            RecordsError: if the database refuses a value.
        """

        def work(connection: Connection) -> Recorded:
            now = self._clock()
            is_sqlite = connection.dialect.name == "sqlite"
            insert_rows(connection, drift_check, [_row(check, times_as_text=is_sqlite)])
            if event is None or not put_event(
                connection, event, key=key, cooldown_seconds=cooldown_seconds, now=now
            ):
                return Recorded()
            about = (check.model, check.version)
            requested = retraining is not None and put_request(
                connection, retraining, event_id=str(event.id), about=about, now=now
            )
            return Recorded(True, retraining.id if retraining and requested else None)  # noqa: FBT003 (the first field)

        return self._database.run(work, writes=True)

    def checks(
        self,
        *,
        model: str | None = None,
        version: int | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        limit: int = 100,
    ) -> list[DriftCheckRecord]:
        """The latest checks, newest first.

        Args:
            model: only of this one.
            version: only of this one.
            since: only from this time on.
            until: only before this time.
            limit: so many at most.

        Raises:
            RecordsError: if a row cannot be read.
        """
        statement = select(*selected(drift_check)).order_by(
            drift_check.c.time.desc(), drift_check.c.id.desc()
        )
        if model is not None:
            statement = statement.where(drift_check.c.model == model)
        if version is not None:
            statement = statement.where(drift_check.c.version == version)
        if since is not None:
            statement = statement.where(drift_check.c.time >= since)
        if until is not None:
            statement = statement.where(drift_check.c.time < until)
        rows = self._database.run(lambda c: c.execute(statement.limit(limit)).all())
        return [_record(row) for row in rows]

    def find(self, id: str) -> DriftCheckRecord | None:  # noqa: A002 (the record's field)
        """One check; None if there is none of that id.

        Raises:
            RecordsError: if its row cannot be read.
        """
        if not id.isprintable():
            return None  # PostgreSQL would refuse to look for a NUL
        statement = select(*selected(drift_check)).where(drift_check.c.id == id)
        row = self._database.run(lambda connection: connection.execute(statement).one_or_none())
        return None if row is None else _record(row)


def _row(check: DriftCheckRecord, *, times_as_text: bool) -> tuple[Any, ...]:
    kept = partial(time_value, times_as_text=times_as_text)
    return (
        *(check.id, kept(check.time), check.model, check.version, check.verdict, check.p_value),
        *(check.images, kept(check.since), kept(check.until), as_json(check.document)),
    )


def _record(row: Any) -> DriftCheckRecord:
    try:
        document = msgspec.json.decode(row.document, type=dict[str, Any])
    except msgspec.DecodeError as error:
        raise RecordsError(
            f"The check {row.id} in the database cannot be read ({error}): it was changed by"
            " another program; mend or delete the row."
        ) from error
    return DriftCheckRecord(**{**row._mapping, "document": document})  # noqa: SLF001 (SQLAlchemy's public name)
