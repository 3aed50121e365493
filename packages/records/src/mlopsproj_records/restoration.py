"""A backup of the prediction log put into an empty database, of either kind: all of it or nothing.

One transaction makes the tables of the backup's revision, fills them, counts them, and brings them
to this release's schema. Knows nothing of how a backup is made.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq
from mlopsproj_core.errors import MigrationError, RecordsError
from sqlalchemy import Connection, Table, func, inspect, select, text
from sqlalchemy.exc import SQLAlchemyError

from mlopsproj_records.backup_format import (
    BackupManifest,
    parquet_of,
    read_backup,
    table_of,
    verify_backup,
)
from mlopsproj_records.database_url import read_url, shown
from mlopsproj_records.engine import open_engine
from mlopsproj_records.failures import away, reason, refuses_row
from mlopsproj_records.insertion import insert_rows
from mlopsproj_records.migration import HEAD, bring_to, exclusively, known_revision
from mlopsproj_records.rows import time_value
from mlopsproj_records.schema import REVISIONS, UtcTime

Progress = Callable[[int, int], None]
"""Told of rows that are done, and of all."""

_PAGE: Final = 1000


def restore(url: str, folder: str | Path, progress: Progress | None = None) -> BackupManifest:
    """Put every row of a backup into a database that has none.

    A process that is killed leaves the database as it was. Services that write to it meanwhile
    wait, with their records in the spool.

    Args:
        url: of the database.
        folder: of the backup.
        progress: told how far it is.

    Returns:
        what the backup says of itself.

    Raises:
        ConfigError: if the URL cannot be used.
        DatabaseAwayError: if the database cannot be reached.
        MigrationError: if the database's or the backup's schema is not known to this release.
        RecordsError: if the backup is damaged, or the database holds anything.
    """
    folder = Path(folder)
    manifest = read_backup(folder)
    if manifest.revision not in REVISIONS:
        raise MigrationError(
            f"{folder} has the schema {manifest.revision}, which this release does not know (its"
            f" newest is {HEAD}): use the release that made it, or a newer one."
        )
    verify_backup(folder, manifest)
    engine = open_engine(read_url(url))
    try:
        with exclusively(engine) as connection:
            _make_tables(connection, folder, manifest)
            _fill(connection, folder, manifest, progress)
            bring_to(connection, HEAD)
    except (SQLAlchemyError, OSError) as error:
        if refuses_row(error):
            raise RecordsError(
                f"The database {shown(engine.url)} refuses a value of {folder} ({reason(error)}):"
                " nothing was restored."
            ) from error
        raise away(engine.url, error) from error
    finally:
        engine.dispose()
    return manifest


def _make_tables(connection: Connection, folder: Path, manifest: BackupManifest) -> None:
    """See that the tables of the backup's revision are there, and that they are empty."""
    database = shown(connection.engine.url)
    revision = known_revision(connection)
    if revision is None:
        bring_to(connection, manifest.revision)
        return
    if revision != manifest.revision:
        raise RecordsError(
            f"The database {database} has tables of the schema {revision} already, and {folder} is"
            f" of {manifest.revision}: restore into a database without tables."
        )
    if connection.dialect.name == "postgresql":
        names = ", ".join(f'"{name}"' for name in sorted(manifest.tables))
        connection.execute(text(f"LOCK TABLE {names} IN EXCLUSIVE MODE"))
    for name in manifest.tables:
        if rows := _count(connection, name):
            raise RecordsError(
                f"The database {database} holds {rows:,} rows of {name} already: restore into an"
                " empty one, so that each is there once."
            )


def _fill(
    connection: Connection, folder: Path, manifest: BackupManifest, progress: Progress | None
) -> None:
    done, rows = 0, sum(part.rows for part in manifest.tables.values())
    for name, part in manifest.tables.items():
        path = parquet_of(folder, name)
        _check_columns(connection, path, name)
        for table, page in _pages(path, name, times_as_text=connection.dialect.name == "sqlite"):
            insert_rows(connection, table, page)
            done += len(page)
            if progress:
                progress(done, rows)
        if (found := _count(connection, name)) != part.rows:
            raise RecordsError(
                f"{path} gave {found:,} rows, and not {part.rows:,} as the backup says: nothing was"
                " restored. Use another backup."
            )


def _check_columns(connection: Connection, path: Path, name: str) -> None:
    """See that a file names columns of its table only: they will stand in a statement."""
    known = {column["name"] for column in inspect(connection).get_columns(name)}
    try:
        found = set(pq.read_schema(path).names)
    except (OSError, pa.ArrowException) as error:
        raise RecordsError(f"{path} cannot be read ({error}): use another backup.") from error
    if found != known:
        raise RecordsError(
            f"{path} has other columns than {name}"
            f" ({', '.join(map(repr, sorted(found ^ known)))}): use another backup."
        )


def _pages(
    path: Path, name: str, *, times_as_text: bool
) -> Iterator[tuple[Table, list[tuple[Any, ...]]]]:
    try:
        with pq.ParquetFile(path) as file:
            table = table_of(name, file.schema_arrow)
            for batch in file.iter_batches(batch_size=_PAGE):
                columns = [
                    [time_value(time, times_as_text=True) for time in values.to_pylist()]
                    if times_as_text and isinstance(column.type, UtcTime)
                    else values.to_pylist()
                    for column, values in zip(table.columns, batch.columns, strict=True)
                ]
                yield table, list(zip(*columns, strict=True))
    except (OSError, pa.ArrowException) as error:
        raise RecordsError(f"{path} cannot be read ({error}): use another backup.") from error


def _count(connection: Connection, name: str) -> int:
    return int(connection.execute(select(func.count()).select_from(text(f'"{name}"'))).scalar_one())
