"""Many rows into a table in one statement, as fast as the drivers do it; a known id is passed over.

SQLAlchemy writes the statement; the rows go past it, to the driver. Knows nothing of errors.
"""

from collections.abc import Sequence
from functools import cache
from typing import Any, Final

from sqlalchemy import JSON, Connection, Double, Integer, LargeBinary, Table, Text
from sqlalchemy.dialects import sqlite
from sqlalchemy.types import TypeEngine

from mlopsproj_records.rows import Row
from mlopsproj_records.schema import UtcTime

_POSTGRESQL_TYPES: Final[tuple[tuple[type[TypeEngine[Any]], str], ...]] = (
    (UtcTime, "timestamptz"),
    (JSON, "json"),
    (Text, "text"),
    (Integer, "int"),
    (Double, "float8"),
    (LargeBinary, "bytea"),
)


def insert_rows(connection: Connection, table: Table, rows: Sequence[Row]) -> None:
    """Insert rows whose ids the table does not hold.

    Args:
        connection: in a transaction.
        table: of `schema`.
        rows: of `rows.row_of`.
    """
    if not rows:
        return
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(_sqlite(table), list(rows))
    else:
        # A column is one binary array: a seventh of the client's time of one row after another,
        # and less than half of the server's.
        columns = tuple(list(column) for column in zip(*rows, strict=True))
        connection.exec_driver_sql(_postgresql(table), columns)


@cache
def _sqlite(table: Table) -> str:
    statement = sqlite.insert(table).on_conflict_do_nothing(index_elements=["id"])
    return str(statement.compile(dialect=sqlite.dialect()))


@cache
def _postgresql(table: Table) -> str:
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    arrays = ", ".join(f"%b::{_postgresql_type(column.type)}[]" for column in table.columns)
    return (
        f'INSERT INTO "{table.name}" ({names}) SELECT * FROM unnest({arrays})'  # noqa: S608 (names of our schema)
        " ON CONFLICT (id) DO NOTHING"
    )


def _postgresql_type(column_type: TypeEngine[Any]) -> str:
    return next(name for kind, name in _POSTGRESQL_TYPES if isinstance(column_type, kind))
