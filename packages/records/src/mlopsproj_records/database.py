"""The database of the prediction log: takes records, each once, and gives predictions back.

An error either says that the database is away, and the same call may be repeated until it is
back; or that a record is refused, and will be for ever. Knows nothing of the spool.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache, partial
from typing import TYPE_CHECKING, Any, Final, Self, TypeVar

from mlopsproj_core.errors import RecordsError
from sqlalchemy import Connection, Select, select, tuple_
from sqlalchemy.exc import SQLAlchemyError

from mlopsproj_records import migration
from mlopsproj_records.database_url import identity, read_url, shown
from mlopsproj_records.engine import open_engine, transaction
from mlopsproj_records.extents import Extent, read_extents
from mlopsproj_records.failures import away, may_be_repeated, reason, refuses_row
from mlopsproj_records.insertion import insert_rows
from mlopsproj_records.record import PredictionRecord, Record, StoredPrediction
from mlopsproj_records.rows import Row, row_of, selected, stored
from mlopsproj_records.schema import feedback, prediction

if TYPE_CHECKING:
    from mlopsproj_records.pages import PredictionPage

T = TypeVar("T")

READ_SECONDS: Final = 5.0
"""In which a server must have answered what somebody waits for."""

WORK_SECONDS: Final = 30.0
"""In which it must have taken, given or deleted a thousand rows."""

_ATTEMPTS = 3


@dataclass(frozen=True, slots=True)
class RefusedRecord:
    """A record that the database will not take, however often it is offered.

    Attributes:
        record: as it was offered.
        reason: what the database, or its driver, says of it.
    """

    record: Record
    reason: str


class Database:
    """Any thread may use it, but no forked process: each process opens its own.

    It connects when it is first used, and again after the database was away.
    """

    def __init__(self, url: str) -> None:
        """Open nothing yet.

        Args:
            url: `sqlite:///file.db` or `postgresql://user:password@host:port/name`.

        Raises:
            ConfigError: if it is none of these, or its driver is not installed.
        """
        self._engine = open_engine(read_url(url))
        self._prepared = False

    @property
    def identity(self) -> str:
        """Which database it is, however its URL is written and whoever asks."""
        return identity(self._engine.url)

    @property
    def url(self) -> str:
        """Where it is, without the password."""
        return shown(self._engine.url)

    def ping(self) -> None:
        """Return if it can be used.

        Raises:
            DatabaseAwayError: if it cannot be reached.
            MigrationError: if its schema is not this release's.
        """
        self.run(lambda connection: connection.execute(select(1)), timeout_seconds=READ_SECONDS)

    def insert(self, records: Sequence[Record]) -> list[RefusedRecord]:
        """Commit records, those that it holds already excepted: it may be repeated.

        One transaction, unless records are refused: then as many as it takes to find them.
        Some thousand records at once are fastest.

        Returns:
            those that were refused; all others are in the database, durably.

        Raises:
            DatabaseAwayError: if it cannot be reached; any part may be in it.
            MigrationError: if its schema is not this release's.
        """
        rows: list[tuple[Record, Row]] = []
        refused: list[RefusedRecord] = []
        times_as_text = self._engine.dialect.name == "sqlite"
        for record in records:
            try:
                rows.append((record, row_of(record, times_as_text=times_as_text)))
            except (ValueError, TypeError, OverflowError, AttributeError) as error:
                refused.append(RefusedRecord(record, f"{type(error).__name__}: {error}"))
        if rows:
            # In one order: two that insert the same would else wait for each other.
            rows.sort(key=lambda pair: str(pair[0].id))
            self._insert(rows, refused)
        return refused

    def prediction(self, id: str) -> StoredPrediction | None:  # noqa: A002 (the record's field)
        """One prediction and its latest feedback; None if it is not there.

        Raises:
            DatabaseAwayError: if it cannot be reached.
            MigrationError: if its schema is not this release's.
        """
        if not id.isprintable():
            return None  # PostgreSQL would refuse to look for a NUL
        statement = _stored().where(prediction.c.id == id)
        rows = self.run(partial(_all, statement), timeout_seconds=READ_SECONDS)
        return stored(rows[0]) if rows else None

    def predictions(
        self,
        *,
        model: str | None = None,
        version: int | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        page_size: int = 1000,
    ) -> Iterator[StoredPrediction]:
        """Predictions in the order of their times, then ids, each with its latest feedback.

        Holds one page in memory, and no transaction between two of them: what reads slowly
        neither keeps SQLite's log growing nor PostgreSQL from clearing up. Rows that come or go
        meanwhile may be seen or not; every other one is seen once.

        Args:
            model: only of this one.
            version: only of this one.
            since: only from this time on.
            until: only before this time.
            page_size: rows that are read at once.

        Raises:
            DatabaseAwayError: if it cannot be reached.
            MigrationError: if its schema is not this release's.
        """
        statement = _stored().order_by(prediction.c.time, prediction.c.id).limit(page_size)
        if model is not None:
            statement = statement.where(prediction.c.model == model)
        if version is not None:
            statement = statement.where(prediction.c.version == version)
        if since is not None:
            statement = statement.where(prediction.c.time >= since)
        if until is not None:
            statement = statement.where(prediction.c.time < until)
        page = statement
        while True:
            rows = self.run(partial(_all, page))
            for row in rows:
                yield stored(row)
            if len(rows) < page_size:
                return
            last = rows[-1]
            page = statement.where(
                tuple_(prediction.c.time, prediction.c.id) > tuple_(last.time, last.id)
            )

    def pages(
        self,
        *,
        model: str | None = None,
        version: int | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        newest: int | None = None,
        page_size: int = 2000,
    ) -> "Iterator[PredictionPage]":
        """Predictions as columns, in the order of their times, then ids, a page at a time.

        For who reads very many, several times as fast as `predictions`, with as little memory and
        as few transactions. Predictions of a shadow are left out.

        Args:
            model: only of this one.
            version: only of this one.
            since: only from this time on.
            until: only before this time.
            newest: of those only the last so many; what arrives meanwhile is not among them.
            page_size: rows that are read at once.

        Raises:
            DatabaseAwayError: if it cannot be reached.
            MigrationError: if its schema is not this release's.
        """
        from mlopsproj_records.pages import (  # noqa: PLC0415 (numpy, which other users do without)
            Conditions,
            read_pages,
        )

        conditions = Conditions(model, version, since, until)
        return read_pages(self, conditions, newest=newest, page_size=page_size)

    def extents(self, model: str | None = None) -> list[Extent]:
        """Which versions have answered, and from when to when, by model and version.

        Takes as long for a million predictions as for ten, except of a version that was a shadow
        first or last, whose predictions as such are read and passed over.

        Args:
            model: only of this one.

        Raises:
            DatabaseAwayError: if it cannot be reached.
            MigrationError: if its schema is not this release's.
        """
        return self.run(partial(read_extents, model))

    def run(
        self,
        work: Callable[[Connection], T],
        *,
        writes: bool = False,
        timeout_seconds: float = WORK_SECONDS,
    ) -> T:
        """Do some work in one transaction.

        Once more if its connection turns out to have ended, or if it and another transaction
        waited for each other.

        Args:
            work: may be repeated without harm.
            writes: whether it may change anything.
            timeout_seconds: in which PostgreSQL must have answered everything.

        Raises:
            DatabaseAwayError: if it cannot be reached.
            MigrationError: if its schema is not this release's.
            RecordsError: if it refuses a value of the work's.
        """
        try:
            return self._attempt(work, writes=writes, timeout_seconds=timeout_seconds)
        except (SQLAlchemyError, OSError, UnicodeError) as error:
            raise self._told(error) from error

    def close(self) -> None:
        """End its connections."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _attempt(
        self, work: Callable[[Connection], T], *, writes: bool, timeout_seconds: float
    ) -> T:
        for left in reversed(range(_ATTEMPTS)):
            try:
                if not self._prepared:
                    migration.prepare(self._engine)
                    self._prepared = True
                with transaction(
                    self._engine, writes=writes, timeout_seconds=timeout_seconds
                ) as connection:
                    return work(connection)
            except Exception as error:
                if refuses_row(error):
                    raise
                # Whatever happened to it, it may come back as another one.
                self._prepared = False
                if not left or not may_be_repeated(error):
                    raise
        raise AssertionError("the last attempt returns or raises")

    def _told(self, error: Exception) -> RecordsError:
        if refuses_row(error):
            return RecordsError(f"The database {self.url} refuses a value ({reason(error)}).")
        return away(self._engine.url, error)

    def _insert(self, rows: list[tuple[Record, Row]], refused: list[RefusedRecord]) -> None:
        """Commit rows, and add those that cannot be to `refused`, found by halving."""
        parts = [rows]
        while parts:
            part = parts.pop()
            try:
                self._attempt(
                    partial(_insert_part, part), writes=True, timeout_seconds=WORK_SECONDS
                )
            except Exception as error:
                if not refuses_row(error):
                    if isinstance(error, SQLAlchemyError | OSError):
                        raise self._told(error) from error
                    raise
                if len(part) == 1:
                    refused.append(RefusedRecord(part[0][0], reason(error)))
                else:
                    half = len(part) // 2
                    parts += [part[half:], part[:half]]


def _insert_part(part: list[tuple[Record, Row]], connection: Connection) -> None:
    predictions = [row for record, row in part if isinstance(record, PredictionRecord)]
    insert_rows(connection, prediction, predictions)
    insert_rows(
        connection,
        feedback,
        [row for record, row in part if not isinstance(record, PredictionRecord)],
    )


def _all(statement: Select[Any], connection: Connection) -> Sequence[Any]:
    return connection.execute(statement).all()


@cache
def _stored() -> Select[Any]:
    """Predictions and the latest feedback of each, as `rows.stored` takes them."""
    said = feedback.alias("said")
    latest = (
        select(said.c.id)
        .where(said.c.prediction_id == prediction.c.id)
        .order_by(said.c.time.desc(), said.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    return select(*selected(prediction), *selected(feedback)).select_from(
        prediction.outerjoin(feedback, feedback.c.id == latest)
    )
