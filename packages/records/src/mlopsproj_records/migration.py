"""Brings a database to the schema of this release, and says whether it has it.

SQLite is migrated when it is opened, by whichever process comes first; PostgreSQL by an explicit
call. Knows what revisions there are, not what they change: see `migrations`.
"""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from mlopsproj_core.errors import MigrationError
from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import DBAPIError, SQLAlchemyError

from mlopsproj_records.database_url import read_url, shown
from mlopsproj_records.engine import open_engine, transaction
from mlopsproj_records.failures import away
from mlopsproj_records.schema import REVISIONS

HEAD: Final = REVISIONS[-1]
"""The revision that this release reads and writes."""

COMMAND: Final = "uv run api migrate"
BACKUP_COMMAND: Final = "uv run api backup"
_BUSY_MILLISECONDS = 60_000
_LOCK = 0x6D6C6F70  # of PostgreSQL's advisory locks: "mlop"
_in_this_process = threading.Lock()  # Alembic keeps what it is doing in its module


def current(url: str) -> str | None:
    """The revision that a database has; None for one without tables.

    Raises:
        ConfigError: if the URL cannot be used.
        DatabaseAwayError: if it cannot be reached.
    """
    engine = open_engine(read_url(url))
    try:
        with transaction(engine) as connection:
            return revision_of(connection)
    except (SQLAlchemyError, OSError) as error:
        raise away(engine.url, error) from error
    finally:
        engine.dispose()


def check(url: str) -> None:
    """Return if a database has this release's schema.

    Raises:
        ConfigError: if the URL cannot be used.
        DatabaseAwayError: if it cannot be reached.
        MigrationError: if it has not; says which command mends it.
    """
    revision = current(url)
    if revision != HEAD:
        raise _mismatch(shown(read_url(url)), revision)


def upgrade(url: str) -> str | None:
    """Bring a database to this release's schema, wholly or not at all.

    Several processes may call it at once: the first migrates, the others wait for it.

    Returns:
        the revision that it had before.

    Raises:
        ConfigError: if the URL cannot be used.
        DatabaseAwayError: if it cannot be reached.
        MigrationError: if its schema is newer than this release, or no release made it.
    """
    engine = open_engine(read_url(url))
    try:
        return _upgrade(engine)
    except (SQLAlchemyError, OSError) as error:
        raise away(engine.url, error) from error
    finally:
        engine.dispose()


def prepare(engine: Engine) -> None:
    """See that a database can be used: migrate SQLite, check PostgreSQL.

    Raises:
        MigrationError: if it has another schema, and is not to be migrated here.
        SQLAlchemyError: if it cannot be reached.
    """
    with transaction(engine, timeout_seconds=10) as connection:
        revision = revision_of(connection)
    if revision == HEAD:
        return
    if engine.dialect.name != "sqlite":
        raise _mismatch(shown(engine.url), revision)
    _upgrade(engine)


def revision_of(connection: Connection) -> str | None:
    """The revision of the database at the other end; None for one without tables.

    Raises:
        MigrationError: if it has several.
        SQLAlchemyError: if it cannot be reached.
    """
    if not inspect(connection).has_table("alembic_version"):
        return None
    found = connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all()
    if len(found) > 1:
        raise _mismatch(shown(connection.engine.url), ", ".join(sorted(found)))
    return found[0] if found else None


@contextmanager
def exclusively(engine: Engine) -> Iterator[Connection]:
    """A transaction in which no other process migrates the same database.

    Raises:
        SQLAlchemyError: if it cannot be reached.
    """
    if engine.dialect.name == "sqlite":
        with engine.connect() as connection:
            connection.execute(text(f"PRAGMA busy_timeout = {_BUSY_MILLISECONDS}"))
    with _in_this_process, transaction(engine, writes=True) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK})
        yield connection


def known_revision(connection: Connection) -> str | None:
    """The revision of a database that is known to this release; None for one without tables.

    Raises:
        MigrationError: if its schema is newer than this release, or no release made it.
    """
    revision = revision_of(connection)
    if revision not in {None, *REVISIONS}:
        raise _mismatch(shown(connection.engine.url), revision)
    return revision


def bring_to(connection: Connection, revision: str) -> None:
    """Bring a database from an earlier revision to a later one, in its transaction.

    Raises:
        MigrationError: if that cannot be.
    """
    if known_revision(connection) != revision:
        _run_alembic(connection, revision)


def _upgrade(engine: Engine) -> str | None:
    with exclusively(engine) as connection:
        before = known_revision(connection)
        bring_to(connection, HEAD)
    return before


def _run_alembic(connection: Connection, revision: str) -> None:
    # Not on top: it takes longer to import than most databases take to be opened.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config(attributes={"connection": connection})
    config.set_main_option(
        "script_location", str(Path(__file__).with_name("migrations")).replace("%", "%%")
    )
    try:
        command.upgrade(config, revision)
    except (CommandError, DBAPIError) as error:
        if isinstance(error, DBAPIError) and error.connection_invalidated:
            raise
        reason = " ".join(str(getattr(error, "orig", error)).split())
        raise MigrationError(
            f"The database {shown(connection.engine.url)} cannot be migrated to {revision}"
            f" ({reason}); it was left as it was. Is it another program's?"
        ) from error


def _mismatch(database: str, revision: str | None) -> MigrationError:
    if revision is None:
        return MigrationError(f"The database {database} has no tables yet: run `{COMMAND}`.")
    if revision in REVISIONS:
        return MigrationError(
            f"The database {database} has the schema {revision} of an older release, not {HEAD}:"
            f" make a backup (`{BACKUP_COMMAND} FOLDER`) and run `{COMMAND}`."
        )
    return MigrationError(
        f"The database {database} has the schema {revision}, which this release does not know (its"
        f" newest is {HEAD}): use the newer release that wrote it, or another database."
    )
