"""Connections to SQLite and PostgreSQL, and transactions over them.

A database that does not answer is noticed within seconds, whatever it does instead of answering.
Knows nothing of tables and records.
"""

import logging
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

from mlopsproj_core.errors import ConfigError
from sqlalchemy import URL, Connection, Engine, create_engine, event, text
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import ConnectionPoolEntry

from mlopsproj_records.database_url import shown

logger = logging.getLogger(__name__)

CONNECT_SECONDS: Final = 3
"""How long PostgreSQL may take to accept a connection."""

BUSY_SECONDS: Final = 5.0
"""How long another process's transaction on the same SQLite file is waited for."""

_WRITES = "mlopsproj_writes"
_NAMED_LOCKS = 0x6D6C6F70  # of PostgreSQL's advisory locks with two keys: "mlop"
_POSTGRESQL: dict[str, Any] = {
    "connect_timeout": CONNECT_SECONDS,
    "application_name": "mlopsproj",
    # A server whose machine went away: noticed while it is being told, and while it is silent.
    "tcp_user_timeout": 5000,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
}


def open_engine(url: URL) -> Engine:
    """An engine; it connects when it is first used.

    SQLite: write-ahead log, every commit synced to disk. Connections may be used by any thread,
    one at a time, but not by a forked process.

    Raises:
        ConfigError: if the driver is not installed.
    """
    if url.get_backend_name() == "sqlite":
        waits = {} if "timeout" in url.query else {"timeout": BUSY_SECONDS}
        engine = create_engine(url, connect_args=waits, hide_parameters=True)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        path = _file(url)
        if path is not None:
            event.listen(engine, "connect", partial(_remember_file, path))
            event.listen(engine, "checkout", partial(_same_file, path))
        return engine
    settings = {key: value for key, value in _POSTGRESQL.items() if key not in url.query}
    try:
        return create_engine(url, connect_args=settings, hide_parameters=True)
    except ImportError as error:
        raise ConfigError(
            f"{shown(url)} needs the driver psycopg: install mlopsproj-records[postgresql]."
        ) from error


@contextmanager
def transaction(
    engine: Engine, *, writes: bool = False, timeout_seconds: float | None = None
) -> Iterator[Connection]:
    """A transaction, committed at the end unless an error leaves the block.

    Args:
        engine: of `open_engine`.
        writes: SQLite's other writers are waited for at the beginning; a transaction that reads
            first and writes later would be refused instead.
        timeout_seconds: in which PostgreSQL must have answered everything; the connection is
            cut after that.
    """
    if engine.dialect.name == "sqlite":
        path = _file(engine.url)
        if path is not None:
            Path(path).parent.mkdir(parents=True, exist_ok=True)
    with (
        engine.connect() as connection,
        _deadline(connection, timeout_seconds),
        connection.execution_options(**{_WRITES: writes}).begin(),
    ):
        yield connection


def alone(connection: Connection, name: str) -> None:
    """Wait until no other transaction has called this for the same name; until this one ends.

    Args:
        connection: in a transaction that writes: SQLite has one of these at a time anyway.
        name: of what is looked at and changed.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(
            text("SELECT pg_advisory_xact_lock(:space, hashtext(:name))"),
            {"space": _NAMED_LOCKS, "name": name},
        )


def _file(url: URL) -> str | None:
    """The path of SQLite's file; None if it is given as a URI, whose author knows what he does."""
    return None if not url.database or url.database.startswith("file:") else url.database


def _prepare_sqlite(connection: Any, _: object) -> None:
    connection.isolation_level = None  # `_begin_sqlite` says when a transaction begins
    end = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
            break
        except connection.OperationalError:
            # Of several processes that turn a new file to it at once, SQLite lets all but one
            # fail without waiting.
            if time.monotonic() > end:
                raise
            time.sleep(0.01)
    if mode != "wal":
        logger.warning("SQLite keeps no write-ahead log here (%s): readers and writers wait.", mode)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute(f"PRAGMA journal_size_limit = {64 * 1024 * 1024}")


def _remember_file(path: str, _: object, record: ConnectionPoolEntry) -> None:
    record.info["file"] = _identity(path)


def _same_file(path: str, _: object, record: ConnectionPoolEntry, __: object) -> None:
    """Have another connection made if the file was deleted or replaced.

    What this one writes, nobody would find.
    """
    if _identity(path) != record.info["file"]:
        raise DisconnectionError


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = Path(path).stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def _deadline(connection: Connection, timeout_seconds: float | None) -> Iterator[None]:
    """Cut a connection to PostgreSQL, so that whoever waits for it gets an error, after a time.

    A server that was stopped in its tracks still acknowledges what it is sent, so that neither
    TCP's nor its own time-outs help.
    """
    if timeout_seconds is None or connection.dialect.name == "sqlite":
        yield
        return
    driver_connection: Any = connection.connection.driver_connection
    # Another handle of the same socket: whatever is closed meanwhile, it means this connection. On
    # Windows a socket is no file, that `os.dup` would know; -1 is whatever kind it is.
    with socket.fromfd(driver_connection.fileno(), -1, -1) as handle:
        timer = threading.Timer(timeout_seconds, _cut, [handle])
        timer.daemon = True
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            timer.join()


def _cut(handle: socket.socket) -> None:
    try:
        handle.shutdown(socket.SHUT_RDWR)
    except OSError:
        logger.debug("the connection had ended by itself")
