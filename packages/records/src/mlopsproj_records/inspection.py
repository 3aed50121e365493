"""Which database is there, and of which schema, told without making or changing anything.

SQLite makes a file, and others beside it, wherever it is asked in the ordinary way; here it is not.
Knows nothing of what is to be done about it.
"""

import sqlite3
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import quote

from sqlalchemy import URL, Engine, create_engine, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.pool import NullPool

from mlopsproj_records.database_url import read_url
from mlopsproj_records.engine import open_engine, transaction
from mlopsproj_records.failures import away
from mlopsproj_records.migration import revision_of

_ANSWER_SECONDS: Final = 4.0


@dataclass(frozen=True, slots=True)
class DatabaseFacts:
    """What a database says of itself.

    Attributes:
        kind: "SQLite" or "PostgreSQL".
        version: of the server; of the library for SQLite.
        revision: of the schema; None for one without tables.
        is_complete: False if SQLite's latest commits lie in a log that only its next user can
            read, so that the revision may be an older one.
    """

    kind: str
    version: str
    revision: str | None
    is_complete: bool = True


def inspect_database(url: str) -> DatabaseFacts | None:
    """What there is under a URL; None where SQLite's file does not exist yet.

    Raises:
        ConfigError: if the URL cannot be used.
        DatabaseAwayError: if it cannot be reached, or does not answer within seconds.
        MigrationError: if its schema has several revisions.
    """
    parsed = read_url(url)
    if parsed.get_backend_name() != "sqlite":
        return _ask(open_engine(parsed), parsed, "PostgreSQL", "SHOW server_version")
    path = sqlite_file(parsed)
    if not path.exists():
        return None
    has_index = _beside(path, "-shm").exists()
    log = _beside(path, "-wal")
    is_complete = has_index or not log.exists() or log.stat().st_size == 0
    # The index of the log is read as it is. Where there is none, SQLite would make one.
    how = "readonly_shm=1" if has_index else "immutable=1"
    address = f"file:{quote(str(path.absolute()))}?mode=ro&{how}"
    engine = create_engine(
        "sqlite://",
        creator=lambda: sqlite3.connect(address, uri=True, timeout=_ANSWER_SECONDS),
        poolclass=NullPool,
    )
    return _ask(engine, parsed, "SQLite", "SELECT sqlite_version()", is_complete=is_complete)


def sqlite_file(url: URL) -> Path:
    """Where SQLite's file is, or would be."""
    database = url.database or ""
    if database.startswith("file:"):
        return Path(database.removeprefix("file:").partition("?")[0])
    return Path(database)


def _ask(
    engine: Engine, url: URL, kind: str, version: str, *, is_complete: bool = True
) -> DatabaseFacts:
    try:
        with transaction(engine, timeout_seconds=_ANSWER_SECONDS) as connection:
            told = str(connection.execute(text(version)).scalar_one())
            return DatabaseFacts(
                kind, told.split(maxsplit=1)[0], revision_of(connection), is_complete
            )
    except (SQLAlchemyError, OSError, UnicodeError) as error:
        raise away(url, error) from error
    finally:
        engine.dispose()


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)
