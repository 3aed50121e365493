"""A backup of the prediction log: a folder that no database is needed to read.

    backup.json          written last: what is in the other files, and of which schema it is
    {table}.parquet      its rows in the order of their ids

Columns are those of the table: times in UTC, structures as their JSON text, arrays as the bytes
that they are kept as. Knows nothing of how it is filled or read.
"""

import hashlib
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import msgspec
import pyarrow as pa
from mlopsproj_core.errors import RecordsError
from sqlalchemy import (
    JSON,
    Column,
    DateTime,
    Double,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
)
from sqlalchemy.types import TypeEngine

from mlopsproj_records.schema import UtcTime, tables_of

FORMAT: Final = 1
"""Written by this release; readers accept it and the one before."""

BACKUP: Final = "backup.json"

_KIND: Final = b"kind"
_KINDS: Final[dict[str, tuple[type[TypeEngine[Any]], type[TypeEngine[Any]], Any]]] = {
    # What it is in a database, what it is for us, and in the file; a JSON is a text, too.
    "json": (JSON, JSON, pa.string()),
    "time": (DateTime, UtcTime, pa.timestamp("us", tz="UTC")),
    "integer": (Integer, Integer, pa.int64()),
    "number": (Double, Double, pa.float64()),
    "bytes": (LargeBinary, LargeBinary, pa.binary()),
    "text": (String, Text, pa.string()),
}


class TablePart(msgspec.Struct, frozen=True):
    """The file of one table.

    Attributes:
        rows: that it holds.
        bytes: its size.
        sha256: of the file, hexadecimal.
    """

    rows: int
    bytes: int
    sha256: str


class BackupManifest(msgspec.Struct, frozen=True):
    """What a backup says of itself.

    Attributes:
        format: of the backup.
        revision: of the schema that the tables had.
        time: at which the backup began, UTC.
        tables: by name.
    """

    format: int
    revision: str
    time: datetime
    tables: dict[str, TablePart]


def parquet_of(folder: Path, table: str) -> Path:
    """The file of a table."""
    return folder / f"{table}.parquet"


def canonical(name: str, columns: list[tuple[str, TypeEngine[Any]]]) -> Table:
    """A table as either database has it, with the types that this member gives and takes.

    Args:
        name: of the table.
        columns: names, and the types that the database told.

    Raises:
        RecordsError: for a type that no table of ours has.
    """
    return Table(
        name, MetaData(), *(Column(column, _KINDS[_kind(kind)][1]) for column, kind in columns)
    )


def schema_of(table: Table) -> pa.Schema:
    """The columns of a table's file; the file says of each what it is in a database."""
    kinds = {column.name: _kind(column.type) for column in table.columns}
    return pa.schema(
        [pa.field(name, _KINDS[kind][2], metadata={_KIND: kind}) for name, kind in kinds.items()]
    )


def table_of(name: str, schema: pa.Schema) -> Table:
    """The table that a file holds the rows of.

    Raises:
        RecordsError: if the file was not written by `schema_of`.
    """
    columns = []
    for field in schema:
        kind = (field.metadata or {}).get(_KIND, b"").decode()
        if kind not in _KINDS or field.type != _KINDS[kind][2]:
            raise RecordsError(
                f"The column {field.name} of {name} in the backup is of a kind that this release"
                " does not know: restore it with the release that made it."
            )
        columns.append(Column(field.name, _KINDS[kind][1]))
    return Table(name, MetaData(), *columns)


def read_backup(folder: Path) -> BackupManifest:
    """What a backup says of itself; `verify_backup` reads the rest.

    Raises:
        RecordsError: if it is none, or of another release.
    """
    try:
        manifest = msgspec.json.decode((folder / BACKUP).read_bytes(), type=BackupManifest)
    except OSError as error:
        raise RecordsError(
            f"{folder} holds no backup of a prediction log ({BACKUP}: {error.strerror}): give the"
            " folder that `api backup` wrote."
        ) from error
    except msgspec.MsgspecError as error:
        raise RecordsError(
            f"{folder / BACKUP} cannot be read ({error}): use another backup."
        ) from error
    if manifest.format != FORMAT:
        raise RecordsError(
            f"{folder} is a backup of format {manifest.format}; this release reads format {FORMAT}:"
            " restore it with the release that made it."
        )
    return manifest


def verify_backup(folder: Path, manifest: BackupManifest) -> None:
    """See that a backup has the tables of its schema, and hold every file against its sha256.

    Args:
        folder: of the backup.
        manifest: what it says of itself; of a revision that this release knows.

    Raises:
        RecordsError: naming a table or a file that is missing or changed.
    """
    expected = tables_of(manifest.revision)
    if manifest.tables.keys() != set(expected):
        raise RecordsError(
            f"{folder / BACKUP} names the tables {', '.join(map(repr, sorted(manifest.tables)))},"
            f" and not {' and '.join(sorted(expected))}: use another backup."
        )
    for table, part in manifest.tables.items():
        path = parquet_of(folder, table)
        try:
            found = sha256_of(path)
        except OSError as error:
            raise RecordsError(
                f"{path} cannot be read ({error.strerror}): use another backup."
            ) from error
        if found != part.sha256:
            raise RecordsError(
                f"{path} is damaged: its sha256 is {found[:12]}…, the backup says"
                f" {part.sha256[:12]}…: use another backup."
            )


def sha256_of(path: Path) -> str:
    """Hexadecimal sha256 of a file.

    Raises:
        OSError: if it cannot be read.
    """
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _kind(told: TypeEngine[Any]) -> str:
    inner = getattr(told, "impl", told)  # of a decorated type
    for kind, (in_database, *_) in _KINDS.items():
        if isinstance(inner, in_database):
            return kind
    raise RecordsError(f"A column has the type {told}, which no table of the prediction log has.")
