"""What drift starts: each retraining from its request to its end, with who decided and why.

    waiting ── approved ── started ── done | failed
       └──────────┴── declined

One at a time for each model: a request while another waits, is approved or runs adds none. Every
step is one transaction that happens only from the state before it, so that of several processes
one takes it. Knows nothing of how a retraining is started.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

import msgspec
from mlopsproj_core.errors import RecordsError
from sqlalchemy import Connection, func, select, update

from mlopsproj_records.database import Database
from mlopsproj_records.engine import alone
from mlopsproj_records.insertion import insert_rows
from mlopsproj_records.outbox import LEASE_SECONDS, Clock, is_due, pause_seconds, utc_now
from mlopsproj_records.rows import time_value
from mlopsproj_records.schema import retraining

WAITING: Final = "waiting"
APPROVED: Final = "approved"
DECLINED: Final = "declined"
STARTED: Final = "started"
DONE: Final = "done"
FAILED: Final = "failed"

STATES: Final = (WAITING, APPROVED, DECLINED, STARTED, DONE, FAILED)
OPEN: Final = (WAITING, APPROVED, STARTED)
"""A model that has one of these gets no other."""


@dataclass(frozen=True, slots=True)
class RetrainingRequest:
    """That a model be trained again.

    Attributes:
        id: uuid7, of the retraining.
        how: what will be done, as a person is shown it, without secrets.
        approved_by: who approved of it beforehand; None where a person must.
    """

    id: str
    how: str
    approved_by: str | None = None


class Retraining(msgspec.Struct, frozen=True):
    """One retraining, as far as it has come.

    Attributes:
        id: uuid7.
        event_id: of the event that it follows from, in the outbox.
        time: UTC, when it was requested.
        model: that drifted.
        version: that drifted.
        how: what is done, without secrets.
        state: one of `STATES`.
        actor: who decided; None before.
        reason: that was given; None for none.
        decided: when; None before.
        attempts: to start it.
        next_attempt: when the next may be made; None for at once.
        place: where a command's files lie; None for what runs elsewhere.
        started: when; None before.
        finished: when; None before.
        detail: what is to be said of it: an exit code, an error; None for nothing.
    """

    id: str
    event_id: str
    time: datetime
    model: str
    version: int
    how: str
    state: str
    actor: str | None
    reason: str | None
    decided: datetime | None
    attempts: int
    next_attempt: datetime | None
    place: str | None
    started: datetime | None
    finished: datetime | None
    detail: str | None


def put_request(
    connection: Connection,
    request: RetrainingRequest,
    *,
    event_id: str,
    about: tuple[str, int],
    now: datetime,
) -> bool:
    """Request a retraining in a transaction that has other work besides; it may be repeated.

    Args:
        connection: in a transaction that writes.
        request: what is wished.
        event_id: of the event that it follows from.
        about: model and version that drifted.
        now: the time.

    Returns:
        Whether it was requested, by this call or an earlier one; False if the model has another.
    """
    model, version = about
    alone(connection, f"retraining {model}")
    if connection.scalar(select(retraining.c.id).where(retraining.c.id == request.id)) is not None:
        return True
    others = select(retraining.c.id).where(
        retraining.c.model == model, retraining.c.state.in_(OPEN)
    )
    if connection.scalar(others.limit(1)) is not None:
        return False
    time = time_value(now, times_as_text=connection.dialect.name == "sqlite")
    is_approved = request.approved_by is not None
    row = (
        *(request.id, event_id, time, model, version, request.how),
        *(APPROVED if is_approved else WAITING, request.approved_by, None),
        *(time if is_approved else None, 0, None, None, None, None, None),
    )
    insert_rows(connection, retraining, [row])
    return True


class Retrainings:
    """The retrainings of a database; several processes may use it at once.

    Every method raises `DatabaseAwayError` if the database cannot be reached, and
    `MigrationError` if its schema is not this release's.
    """

    def __init__(self, database: Database, *, clock: Clock = utc_now) -> None:
        """Start nothing.

        Args:
            database: that holds them.
            clock: tells the time, aware.
        """
        self._database, self._clock = database, clock

    def request(
        self, request: RetrainingRequest, *, event_id: str, model: str, version: int
    ) -> bool:
        """Request a retraining, unless the model has one that is not at its end.

        Returns:
            Whether it was requested, by this call or an earlier one of the same id.
        """

        def work(connection: Connection) -> bool:
            return put_request(
                connection, request, event_id=event_id, about=(model, version), now=self._clock()
            )

        return self._database.run(work, writes=True)

    def find(self, id: str) -> Retraining | None:  # noqa: A002 (the record's field)
        """One retraining; None if there is none of that id."""
        if not id.isprintable():
            return None  # PostgreSQL would refuse to look for a NUL
        return self._database.run(partial(_find, id))

    def recent(
        self,
        *,
        model: str | None = None,
        states: Collection[str] | None = None,
        limit: int = 100,
    ) -> list[Retraining]:
        """The latest, newest first.

        Args:
            model: only of this one.
            states: only in one of these.
            limit: so many at most.
        """
        statement = select(retraining).order_by(retraining.c.time.desc(), retraining.c.id.desc())
        if model is not None:
            statement = statement.where(retraining.c.model == model)
        if states is not None:
            statement = statement.where(retraining.c.state.in_(states))
        rows = self._database.run(lambda c: c.execute(statement.limit(limit)).all())
        return [Retraining(*row) for row in rows]

    def counts(self) -> dict[str, int]:
        """How many are in each state, those that none is in included."""
        statement = select(retraining.c.state, func.count()).group_by(retraining.c.state)
        found = self._database.run(lambda connection: connection.execute(statement).all())
        return dict.fromkeys(STATES, 0) | {row[0]: row[1] for row in found}

    def approve(self, id: str, *, actor: str, reason: str | None = None) -> Retraining:  # noqa: A002 (the record's field)
        """Let one that waits be started; one that is approved stays as it is.

        Raises:
            RecordsError: if there is none of that id, or it does not wait.
        """
        return self._decide(id, APPROVED, (WAITING,), actor, reason)

    def decline(self, id: str, *, actor: str, reason: str | None = None) -> Retraining:  # noqa: A002 (the record's field)
        """Have one not started that waits, or is approved but has not started yet.

        One that has started is given up: it counts as failed, and the model may get another. What
        runs is not ended by that.

        Raises:
            RecordsError: if there is none of that id, or it is at its end.
        """
        given_up = f"given up by {actor}{f': {reason}' if reason else ''}"
        if self._move(id, (STARTED,), state=FAILED, finished=self._clock(), detail=given_up) and (
            found := self.find(id)
        ):
            return found
        return self._decide(id, DECLINED, (WAITING, APPROVED), actor, reason)

    def start(self, id: str, *, how: str, place: str | None) -> bool:  # noqa: A002 (the record's field)
        """Say that one that is approved is started now, by this process and no other.

        Args:
            id: of the retraining.
            how: what is done, without secrets.
            place: where its files lie.

        Returns:
            Whether this call has moved it: who is told False starts nothing.
        """
        values = {"state": STARTED, "how": how, "place": place, "started": self._clock()}
        return self._move(id, (APPROVED,), attempts=retraining.c.attempts + 1, **values)

    def attempt(self, id: str, *, how: str) -> int | None:  # noqa: A002 (the record's field)
        """Take one that is approved and due for `LEASE_SECONDS`, in which no other process does.

        Returns:
            Which attempt it is, from 1; None if another process is at it, or it is not due.
        """

        def work(connection: Connection) -> int | None:
            now = self._clock()
            taken = connection.execute(
                update(retraining)
                .where(
                    retraining.c.id == id,
                    retraining.c.state == APPROVED,
                    is_due(retraining.c.next_attempt, now),
                )
                .values(
                    attempts=retraining.c.attempts + 1,
                    next_attempt=now + timedelta(seconds=LEASE_SECONDS),
                    how=how,
                )
            )
            if not taken.rowcount:
                return None
            return connection.scalar(select(retraining.c.attempts).where(retraining.c.id == id))

        return self._database.run(work, writes=True)

    def postpone(self, id: str, attempts: int, detail: str) -> None:  # noqa: A002 (the record's field)
        """Say that an attempt failed, and that another is to be made after a pause.

        Args:
            id: of the retraining.
            attempts: which attempt it was: if another one is made meanwhile, nothing changes.
            detail: why it failed.
        """
        after = self._clock() + timedelta(seconds=pause_seconds(attempts))
        statement = (
            update(retraining)
            .where(
                retraining.c.id == id,
                retraining.c.state == APPROVED,
                retraining.c.attempts == attempts,
            )
            .values(next_attempt=after, detail=detail)
        )
        self._database.run(lambda connection: connection.execute(statement), writes=True)

    def finish(self, id: str, *, succeeded: bool, detail: str) -> bool:  # noqa: A002 (the record's field)
        """Say how one ended that was approved or started.

        Returns:
            Whether this call has moved it.
        """
        now = self._clock()
        return self._move(
            id,
            (APPROVED, STARTED),
            state=DONE if succeeded else FAILED,
            started=func.coalesce(retraining.c.started, now),
            finished=now,
            next_attempt=None,
            detail=detail,
        )

    def _decide(
        self,
        id_: str,
        state: str,
        before: tuple[str, ...],
        actor: str,
        reason: str | None,
    ) -> Retraining:
        self._move(
            id_,
            before,
            state=state,
            actor=actor,
            reason=reason,
            decided=self._clock(),
            **({"finished": self._clock()} if state == DECLINED else {}),
        )
        found = self.find(id_)
        if found is None:
            raise RecordsError(f"There is no retraining {id_}: see which ones wait.")
        if found.state != state:
            by = f" by {found.actor}" if found.actor else ""
            raise RecordsError(
                f"The retraining {id_} is {found.state} already{by}: it cannot be {state} any more."
            )
        return found

    def _move(self, id_: str, before: tuple[str, ...], **values: Any) -> bool:
        statement = (
            update(retraining)
            .where(retraining.c.id == id_, retraining.c.state.in_(before))
            .values(**values)
        )
        moved = self._database.run(lambda c: c.execute(statement).rowcount, writes=True)
        return moved > 0


def _find(id_: str, connection: Connection) -> Retraining | None:
    row = connection.execute(select(retraining).where(retraining.c.id == id_)).one_or_none()
    return None if row is None else Retraining(*row)
