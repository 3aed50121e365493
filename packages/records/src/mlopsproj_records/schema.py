"""The tables of the prediction log, the same in SQLite and in PostgreSQL.

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

REVISIONS: Final = ("0001",)
"""The schema's revisions, oldest first, each a file in `migrations/versions`."""


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
