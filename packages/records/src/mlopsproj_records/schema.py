"""The tables of the prediction log and of its monitoring, the same in SQLite and in PostgreSQL.

How values are kept: times as SQLAlchemy does (text in UTC in SQLite); structures as JSON text,
where a number that JSON does not know is the text "NaN", "Infinity" or "-Infinity"; an OOD score
that is no number as NULL, since SQLite knows no NaN (nor the sign of zero). Knows nothing of
connections and migrations.
"""

from datetime import UTC, datetime
from typing import Final

from sqlalchemy import (
    JSON,
    Column,
    DateTime,
    Dialect,
    Double,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    TypeDecorator,
)

REVISIONS: Final = ("0001", "0002")
"""The schema's revisions, oldest first, each a file in `migrations/versions`."""

_NEW_TABLES: Final = {
    "0001": ("feedback", "prediction"),
    "0002": ("retraining", "outbox", "drift_check"),
}


class UtcTime(TypeDecorator[datetime]):
    """An aware time; SQLite, which knows no zones, is given UTC."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To the driver."""
        if value is None:
            return None
        value = value.astimezone(UTC)
        return value.replace(tzinfo=None) if dialect.name == "sqlite" else value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """From the driver."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


# Ids sort byte by byte in both databases, as `uuid7` makes them to.
_Id = Text().with_variant(Text(collation="C"), "postgresql")

metadata = MetaData()

prediction: Final = Table(
    "prediction",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("time", UtcTime, nullable=False),
    Column("model", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("top_k", JSON, nullable=False),
    Column("probabilities", LargeBinary, nullable=False),
    Column("embedding", LargeBinary, nullable=False),
    Column("ood_score", Double),
    Column("statistics", JSON, nullable=False),
    Column("latency_ms", JSON, nullable=False),
    Column("request_id", Text, nullable=False),
    Column("image_sha256", Text, nullable=False),
    Column("image_url", Text),
    Column("shadow_of", _Id),
    Index("prediction_by_time", "time", "id"),
    Index("prediction_by_model", "model", "version", "time", "id"),
)
# Of the images that there are: the migration says so. Said here, it would import the whole dialect
# of PostgreSQL, a twentieth of what a service takes to start.
Index("prediction_by_image", prediction.c.image_url)

feedback: Final = Table(
    "feedback",
    metadata,
    Column("id", _Id, primary_key=True),
    # No foreign key: feedback may reach the database before its prediction does.
    Column("prediction_id", _Id, nullable=False),
    Column("label", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("time", UtcTime, nullable=False),
    Index("feedback_by_prediction", "prediction_id", "time", "id"),
    Index("feedback_by_time", "time"),
)

drift_check: Final = Table(
    "drift_check",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("time", UtcTime, nullable=False),
    Column("model", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("verdict", Text, nullable=False),
    Column("p_value", Double),
    Column("images", Integer, nullable=False),
    Column("since", UtcTime),
    Column("until", UtcTime),
    Column("document", JSON, nullable=False),
    Index("drift_check_by_model", "model", "version", "time", "id"),
    Index("drift_check_by_time", "time", "id"),
)

outbox: Final = Table(
    "outbox",
    metadata,
    Column("id", _Id, primary_key=True),  # of the event
    Column("time", UtcTime, nullable=False),
    Column("type", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("cooldown_from", UtcTime, nullable=False),
    Column("model", Text),
    Column("version", Integer),
    Column("document", JSON, nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt", UtcTime),  # while one is made: when another may be
    Column("delivered", UtcTime),
    Column("last_error", Text),
    Index("outbox_by_key", "key", "cooldown_from"),
    Index("outbox_by_state", "state", "time", "id"),
)

retraining: Final = Table(
    "retraining",
    metadata,
    Column("id", _Id, primary_key=True),
    Column("event_id", _Id, nullable=False),
    Column("time", UtcTime, nullable=False),
    Column("model", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("how", Text, nullable=False),
    Column("state", Text, nullable=False),
    Column("actor", Text),
    Column("reason", Text),
    Column("decided", UtcTime),
    Column("attempts", Integer, nullable=False),
    Column("next_attempt", UtcTime),
    Column("place", Text),  # where the files of a command lie
    Column("started", UtcTime),
    Column("finished", UtcTime),
    Column("detail", Text),
    Index("retraining_by_model", "model", "time", "id"),
    Index("retraining_by_state", "state", "time", "id"),
)


def tables_of(revision: str) -> tuple[str, ...]:
    """The tables that a revision of the schema has, those that refer to others before these."""
    until = REVISIONS[: REVISIONS.index(revision) + 1]
    return tuple(name for step in reversed(until) for name in _NEW_TABLES.get(step, ()))
