from datetime import UTC, datetime, timedelta, timezone

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from mlopsproj_records import schema
from sqlalchemy import insert, select
from sqlalchemy.dialects import postgresql, sqlite

EAST = timezone(timedelta(hours=9))


def test_the_migrations_make_what_the_schema_says(database):
    def differences(connection):
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return compare_metadata(context, schema.metadata)

    assert database.run(differences) == []


def test_times_come_back_in_utc(database):
    time = datetime(2026, 3, 1, 8, 30, 0, 123456, tzinfo=EAST)
    row = {"id": "f", "prediction_id": "p", "label": "l", "actor": "a", "time": time}
    database.run(lambda connection: connection.execute(insert(schema.feedback), row), writes=True)
    column = schema.feedback.c.time
    for condition in (column == time, column >= time, column < time + timedelta(microseconds=1)):
        statement = select(column).where(condition)
        (found,) = database.run(lambda c, s=statement: c.scalars(s).all())
        assert found == time
        assert found.utcoffset() == timedelta(0)


@pytest.mark.parametrize("dialect", [sqlite.dialect(), postgresql.dialect()])
def test_no_time_is_no_time(dialect):
    time = schema.UtcTime()
    assert time.process_bind_param(None, dialect) is None
    assert time.process_result_value(None, dialect) is None


def test_ids_sort_byte_by_byte(database):
    rows = [
        {"id": id_, "prediction_id": "p", "label": "l", "actor": "a", "time": datetime.now(UTC)}
        for id_ in ("a-b", "ab", "B", "a_b", "é")
    ]
    database.run(lambda connection: connection.execute(insert(schema.feedback), rows), writes=True)
    found = database.run(
        lambda connection: connection.scalars(
            select(schema.feedback.c.id).order_by(schema.feedback.c.id)
        ).all()
    )
    assert found == sorted(row["id"] for row in rows)
