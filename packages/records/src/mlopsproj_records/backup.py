"""The prediction log written to a folder, while services go on to write to the database.

Reads a page at a time, with no transaction between two of them, so that neither database keeps what
it could clear. A row that was there at the beginning, and is not deleted meanwhile, is in it once;
a row that came since may be. Knows nothing of how a backup is restored.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
from mlopsproj_core.errors import RecordsError
from mlopsproj_core.file_lock import try_lock
from mlopsproj_core.local_files import put_in_place, sync_folder
from sqlalchemy import Engine, Table, func, inspect, select
from sqlalchemy.exc import SQLAlchemyError

from mlopsproj_records.backup_format import (
    BACKUP,
    FORMAT,
    BackupManifest,
    TablePart,
    canonical,
    parquet_of,
    schema_of,
    sha256_of,
)
from mlopsproj_records.database import WORK_SECONDS
from mlopsproj_records.database_url import read_url, shown
from mlopsproj_records.engine import open_engine, transaction
from mlopsproj_records.failures import away
from mlopsproj_records.inspection import sqlite_file
from mlopsproj_records.lane import remove_lock
from mlopsproj_records.migration import known_revision
from mlopsproj_records.rows import selected
from mlopsproj_records.schema import tables_of

Progress = Callable[[int], None]
"""Told of rows that are done; to count all would take a large database longer than it may."""

_PAGE = 1000
_ROW_GROUP_BYTES = 16 << 20


@dataclass(frozen=True, slots=True)
class Backup:
    """What was written.

    Attributes:
        path: of the folder.
        manifest: what it says of itself.
    """

    path: Path
    manifest: BackupManifest

    @property
    def bytes(self) -> int:
        """Size of the tables' files."""
        return sum(part.bytes for part in self.manifest.tables.values())


def back_up(url: str, folder: str | Path, progress: Progress | None = None) -> Backup:
    """Write every row of a database to a folder: whole or not at all.

    The database may have the schema of an older release, and keeps it.

    Args:
        url: of the database.
        folder: that is made.
        progress: told how far it is.

    Raises:
        ConfigError: if the URL cannot be used.
        DatabaseAwayError: if the database cannot be reached.
        MigrationError: if its schema is newer than this release.
        RecordsError: if it has no tables, or the folder is there already or cannot be written.
    """
    folder = Path(folder)
    if folder.exists():
        raise RecordsError(
            f"{folder} is there already, and is not overwritten: name another folder."
        )
    where = read_url(url)
    if where.get_backend_name() == "sqlite" and not sqlite_file(where).exists():
        raise RecordsError(f"There is no database {shown(where)}: see MLOPSPROJ_DATABASE_URL.")
    engine = open_engine(where)
    try:
        with _whole(folder) as draft:
            manifest = _write(engine, draft, progress)
    except (OSError, pa.ArrowException) as error:
        raise RecordsError(f"{folder} cannot be written ({error}): name another folder.") from error
    except SQLAlchemyError as error:
        raise away(engine.url, error) from error
    finally:
        engine.dispose()
    return Backup(folder, manifest)


def _write(engine: Engine, folder: Path, progress: Progress | None) -> BackupManifest:
    begun = datetime.now(UTC)
    revision, tables = _look(engine)
    done = 0
    parts: dict[str, TablePart] = {}
    for table in tables:
        path, written = parquet_of(folder, table.name), 0
        columns = schema_of(table)
        with pq.ParquetWriter(path, columns, compression="zstd") as writer:
            for group in _groups(engine, table, columns):
                writer.write_table(group, row_group_size=group.num_rows)
                written += group.num_rows
                if progress:
                    progress(done + written)
        done += written
        _sync(path)
        parts[table.name] = TablePart(written, path.stat().st_size, sha256_of(path))
    manifest = BackupManifest(FORMAT, revision, begun, parts)
    text = msgspec.json.format(msgspec.json.encode(manifest), indent=2)
    (folder / BACKUP).write_bytes(text + b"\n")
    _sync(folder / BACKUP)
    return manifest


def _look(engine: Engine) -> tuple[str, list[Table]]:
    """The revision of a database, and its tables as they are."""
    with transaction(engine, timeout_seconds=WORK_SECONDS) as connection:
        revision = known_revision(connection)
        if revision is None:
            raise RecordsError(
                f"The database {shown(engine.url)} has no tables: nothing to back up."
            )
        found = inspect(connection)
        tables = [
            canonical(
                name, [(column["name"], column["type"]) for column in found.get_columns(name)]
            )
            # What was said of a prediction was said after it: read first, it is never without it.
            for name in tables_of(revision)
        ]
    return revision, tables


def _groups(engine: Engine, table: Table, columns: pa.Schema) -> Iterator[pa.Table]:
    batches: list[pa.RecordBatch] = []
    for page in _pages(engine, table):
        arrays = [
            pa.array(values, field.type)
            for values, field in zip(zip(*page, strict=True), columns, strict=True)
        ]
        batches.append(pa.RecordBatch.from_arrays(arrays, schema=columns))
        if sum(batch.nbytes for batch in batches) >= _ROW_GROUP_BYTES:
            yield pa.Table.from_batches(batches)
            batches = []
    if batches:
        yield pa.Table.from_batches(batches)


def _pages(engine: Engine, table: Table) -> Iterator[list[Any]]:
    """Rows in the order of their ids, up to the last one that there is at the beginning."""
    ids = table.c.id
    with transaction(engine, timeout_seconds=WORK_SECONDS) as connection:
        last = connection.execute(select(func.max(ids))).scalar_one()
    if last is None:
        return
    statement = select(*selected(table)).where(ids <= last).order_by(ids).limit(_PAGE)
    page_from = statement
    while True:
        with transaction(engine, timeout_seconds=WORK_SECONDS) as connection:
            page = list(connection.execute(page_from).all())
        if page:
            yield page
        if len(page) < _PAGE:
            return
        page_from = statement.where(ids > page[-1].id)


@contextmanager
def _whole(folder: Path) -> Iterator[Path]:
    """A draft beside a folder, which takes its name at the end; or goes, on an error.

    The draft of a process that was killed goes when the next one begins.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    for left in folder.parent.glob(f".{folder.name}.*.lock"):
        if lock := try_lock(left):
            shutil.rmtree(left.with_suffix(".draft"), ignore_errors=True)
            remove_lock(lock)
    draft = folder.with_name(f".{folder.name}.{os.getpid()}.draft")
    # Beside the draft, so that it is held until that has its name.
    lock = try_lock(draft.with_suffix(".lock"))
    if lock is None:
        raise RecordsError(f"{draft} is in use by another process: wait for it.")
    try:
        draft.mkdir()
        yield draft
        sync_folder(draft)
        if folder.exists():  # where a system would replace an empty folder
            raise RecordsError(
                f"{folder} was made by somebody else meanwhile: name another folder."
            )
        put_in_place(draft, folder)
        sync_folder(folder.parent)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
        remove_lock(lock)


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())
