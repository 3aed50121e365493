"""Deletes what is older, or more, than is to be kept: predictions, their feedback, their images.

Checks for drift go by age too; events and retrainings stay: they are few, and say who did what and
why. In small transactions, so that others write meanwhile. The file of SQLite does not shrink by
it: the space is used again. Knows nothing of how images are stored.
"""

import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final

from mlopsproj_core.errors import ConfigError
from sqlalchemy import ColumnElement, Connection, Delete, Select, delete, false, select, tuple_

from mlopsproj_records.database import Database
from mlopsproj_records.schema import drift_check, feedback, prediction

ROWS_AT_ONCE: Final = 500

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Pruned:
    """What has gone.

    Attributes:
        predictions: rows.
        feedback: rows.
        images: URLs that `delete_images` was given.
        finished: whether nothing was left that should have gone too.
        drift_checks: rows.
    """

    predictions: int
    feedback: int
    images: int
    finished: bool
    drift_checks: int = 0


def prune(
    database: Database,
    *,
    max_age_days: float | None = None,
    max_count: int | None = None,
    delete_images: Callable[[Sequence[str]], None] | None = None,
    max_rows: int | None = None,
    now: datetime | None = None,
) -> Pruned:
    """Delete the oldest predictions, with their feedback, until both limits hold.

    Several processes may do it at once. Feedback without a prediction goes when it is older than
    every prediction that may be kept.

    Args:
        database: to delete from.
        max_age_days: keep no prediction, and no check for drift, that is older; None keeps them
            for ever.
        max_count: keep this many of the newest, shadows included; None keeps all.
        delete_images: is given, before their rows go, the URLs that no other row uses: an image
            whose deletion fails is thus met again. If it raises, its rows stay. An image that is
            sent again at that very moment may be lost.
        max_rows: stop after about this many predictions, with more to be deleted by the next call.
        now: the time that age is counted from.

    Raises:
        ConfigError: if a limit is no positive number.
        DatabaseAwayError: if the database cannot be reached; what has gone has gone.
        MigrationError: if its schema is not this release's.
    """
    oldest = _oldest_time(max_age_days, now or datetime.now(UTC))
    limit = _limit(database, oldest, max_age_days, max_count)
    if limit is None:
        return Pruned(0, 0, 0, finished=True)
    predictions = said = images = 0
    while max_rows is None or predictions < max_rows:
        batch = database.run(partial(_oldest, limit))
        if not batch:
            gone, finished = _delete_all(database, _orphans(limit[0]), max_rows)
            checks, checked = _delete_all(database, _checks(oldest), max_rows)
            return Pruned(predictions, said + gone, images, finished and checked, checks)
        began = time.monotonic()
        ids = [row.id for row in batch]
        if delete_images is not None:
            urls = database.run(partial(_unused_images, ids, {row.image_url for row in batch}))
            if urls:
                delete_images(urls)
            images += len(urls)
        counts = database.run(partial(_delete, ids), writes=True)
        predictions, said = predictions + counts[0], said + counts[1]
        # As long again, so that others come to write to SQLite, which lets nobody queue.
        time.sleep(min(1.0, time.monotonic() - began))
    return Pruned(predictions, said, images, finished=False)


Limit = tuple[datetime, str]
"""Time and id: what sorts before it goes."""


def _oldest_time(max_age_days: float | None, now: datetime) -> datetime | None:
    """Of what is kept; None if age does not count."""
    if max_age_days is not None:
        with suppress(OverflowError, ValueError):  # before the year 1, or no number
            return now - max_age_days * _DAY
    return None


def _limit(
    database: Database,
    oldest: datetime | None,
    max_age_days: float | None,
    max_count: int | None,
) -> Limit | None:
    for name, value in (("max_age_days", max_age_days), ("max_count", max_count)):
        if value is not None and not value > 0:
            raise ConfigError(f"{name}={value} keeps nothing: give a positive number, or none.")
    limits: list[Limit] = []
    if oldest is not None:
        limits.append((oldest, ""))
    if max_count is not None:
        newest = (
            select(prediction.c.time, prediction.c.id)
            .order_by(prediction.c.time.desc(), prediction.c.id.desc())
            .offset(max_count - 1)
            .limit(1)
        )
        limits += [(row.time, row.id) for row in database.run(partial(_all, newest))]
    return max(limits, default=None)


def _oldest(limit: Limit, connection: Connection) -> Sequence[Any]:
    return _all(
        select(prediction.c.id, prediction.c.image_url)
        .where(tuple_(prediction.c.time, prediction.c.id) < _as_tuple(limit))
        .order_by(prediction.c.time, prediction.c.id)
        .limit(ROWS_AT_ONCE),
        connection,
    )


def _unused_images(ids: list[str], urls: set[str | None], connection: Connection) -> list[str]:
    """Those of some rows' URLs that no other row has."""
    wanted = urls - {None}
    if not wanted:
        return []
    used = select(prediction.c.image_url).where(
        prediction.c.image_url.in_(wanted), prediction.c.id.not_in(ids)
    )
    return sorted(url for url in wanted - set(connection.scalars(used.distinct())) if url)


def _delete(ids: list[str], connection: Connection) -> tuple[int, int]:
    said = connection.execute(delete(feedback).where(feedback.c.prediction_id.in_(ids)))
    rows = connection.execute(delete(prediction).where(prediction.c.id.in_(ids)))
    return rows.rowcount, said.rowcount


def _orphans(before: datetime) -> Delete:
    """Some feedback older than a time whose prediction has gone, or never came."""
    said = feedback.alias("said")
    known = select(prediction.c.id).where(prediction.c.id == said.c.prediction_id).exists()
    found = select(said.c.id).where(said.c.time < before, ~known).limit(ROWS_AT_ONCE)
    return delete(feedback).where(feedback.c.id.in_(found))


def _checks(before: datetime | None) -> Delete:
    """Some checks for drift older than a time."""
    old = false() if before is None else drift_check.c.time < before
    found = select(drift_check.c.id).where(old).limit(ROWS_AT_ONCE)
    return delete(drift_check).where(drift_check.c.id.in_(found))


def _delete_all(database: Database, some: Delete, max_rows: int | None) -> tuple[int, bool]:
    """Delete some rows again and again; how many there were, and whether all have gone."""
    gone = 0
    while max_rows is None or gone < max_rows:
        began = time.monotonic()
        count = database.run(partial(_count, some), writes=True)
        if not count:
            return gone, True
        gone += count
        time.sleep(min(1.0, time.monotonic() - began))
    return gone, False


def _all(statement: Select[Any], connection: Connection) -> Sequence[Any]:
    return connection.execute(statement).all()


def _count(statement: Delete, connection: Connection) -> int:
    return connection.execute(statement).rowcount


def _as_tuple(limit: Limit) -> ColumnElement[Any]:
    return tuple_(*limit, types=[prediction.c.time.type, prediction.c.id.type])
