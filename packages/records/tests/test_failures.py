import sqlite3
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from mlopsproj_core.errors import DatabaseAwayError
from mlopsproj_records.database_url import read_url
from mlopsproj_records.engine import open_engine, transaction
from mlopsproj_records.failures import away, may_be_repeated, refuses_row
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError


def test_a_database_that_is_away_is_told_without_its_password():
    url = read_url("postgresql://me:s%40cret@db.example/log")
    told = away(url, OSError("password s@cret is wrong\nfor 'me'"))
    assert isinstance(told, DatabaseAwayError)
    assert str(told) == (
        "The database postgresql://me:***@db.example/log cannot be used (OSError: password ***"
        " is wrong for 'me'): see that it runs and that MLOPSPROJ_DATABASE_URL names it."
    )


def caught_from(engine, statement, parameters=()):
    with pytest.raises(Exception) as caught, transaction(engine, writes=True) as connection:
        connection.exec_driver_sql(statement, parameters)
    return caught.value


@pytest.mark.parametrize(
    ("statement", "parameters", "row"),
    [
        ("INSERT INTO t (id) VALUES ('a'), ('a')", (), True),
        ("INSERT INTO t (id) VALUES (NULL)", (), True),
        ("INSERT INTO t (id) VALUES (%s)", ("\ud800",), True),
        ("INSERT INTO t (id) VALUES (%s)", ("\0",), True),
        ("INSERT INTO t (id) VALUES (%s)", (object(),), True),
        ("INSERT INTO t (id, n) VALUES ('n', %s)", (2**40,), True),
        ("INSERT INTO t (id, n) VALUES ('n', 1 / 0)", (), True),
        # Too large for an index, by a value that does not compress.
        ("INSERT INTO t SELECT string_agg(md5(n::text), '') FROM generate_series(1, 999) n", (), 1),
        ("INSERT INTO nowhere VALUES (1)", (), False),
        ("INSERT INTO t (nothing) VALUES (1)", (), False),
        ("SET ROLE pg_monitor; INSERT INTO t (id) VALUES ('p')", (), False),
        ("SELECT pg_terminate_backend(pg_backend_pid())", (), False),
        ("SET statement_timeout = 1; SELECT pg_sleep(250)", (), False),
        ("SET TRANSACTION READ ONLY; INSERT INTO t (id) VALUES ('r')", (), False),
    ],
)
def test_what_postgresql_says_of_a_row_and_what_of_itself(postgresql, statement, parameters, row):
    engine = open_engine(read_url(postgresql))
    with transaction(engine) as connection:
        connection.execute(text("CREATE TABLE t (id TEXT PRIMARY KEY, n INTEGER)"))
    error = caught_from(engine, statement, parameters)
    assert refuses_row(error) == bool(row), error
    engine.dispose()


@pytest.mark.parametrize(
    ("statement", "parameters", "row"),
    [
        ("INSERT INTO t (id) VALUES ('a'), ('a')", (), True),
        ("INSERT INTO t (id) VALUES (NULL)", (), True),
        ("INSERT INTO t (id) VALUES (?)", ("\ud800",), True),
        ("INSERT INTO t (id) VALUES (?)", (object(),), True),
        ("INSERT INTO t (id, n) VALUES ('n', ?)", (2**64,), True),
        ("INSERT INTO t (id) VALUES (zeroblob(2000000000))", (), True),
        ("INSERT INTO nowhere VALUES (1)", (), False),
        ("INSERT INTO t (nothing) VALUES (1)", (), False),
    ],
)
def test_what_sqlite_says_of_a_row_and_what_of_itself(tmp_path, statement, parameters, row):
    engine = open_engine(read_url(f"sqlite:///{tmp_path}/log.db"))
    with transaction(engine, writes=True) as connection:
        connection.execute(text("CREATE TABLE t (id TEXT NOT NULL PRIMARY KEY, n INTEGER)"))
    error = caught_from(engine, statement, parameters)
    assert refuses_row(error) == row, error
    engine.dispose()


def test_a_full_disk_and_a_lock_are_no_fault_of_a_row(tmp_path):
    path = tmp_path / "log.db"
    engine = open_engine(read_url(f"sqlite:///{path}?timeout=0.05"))
    with transaction(engine, writes=True) as connection:
        connection.execute(text("CREATE TABLE t (x BLOB)"))
        # To SQLite, a file that may not grow is a disk that is full.
        connection.execute(text("PRAGMA max_page_count = 3"))
        with pytest.raises(DBAPIError, match="full") as full:
            connection.execute(text("INSERT INTO t VALUES (zeroblob(100000))"))
    assert not refuses_row(full.value)
    other = sqlite3.connect(path)
    other.execute("BEGIN IMMEDIATE")
    locked = caught_from(engine, "INSERT INTO t VALUES (1)")
    assert "locked" in str(locked)
    assert not refuses_row(locked)
    other.close()
    engine.dispose()


def test_two_that_wait_for_each_other_may_begin_again(postgresql):
    engine = open_engine(read_url(postgresql))
    with transaction(engine) as connection:
        connection.execute(text("CREATE TABLE t (id TEXT PRIMARY KEY, n INTEGER)"))
        connection.execute(text("INSERT INTO t VALUES ('a', 0), ('b', 0)"))
    touch = text("UPDATE t SET n = n + 1 WHERE id = :id")
    both = threading.Barrier(2)

    def update(first, second):
        try:
            with transaction(engine) as connection:
                connection.execute(touch, {"id": first})
                both.wait()
                connection.execute(touch, {"id": second})
        except DBAPIError as error:
            return error

    with ThreadPoolExecutor(2) as threads:
        (error,) = filter(None, threads.map(update, "ab", "ba"))
    assert may_be_repeated(error)
    assert not refuses_row(error)
    engine.dispose()


@pytest.mark.parametrize(
    ("statement", "again"),
    [
        ("SELECT pg_terminate_backend(pg_backend_pid())", True),
        ("SELECT * FROM nowhere", False),
        ("SELECT 1 / 0", False),
    ],
)
def test_what_may_be_repeated_at_once(postgresql, statement, again):
    engine = open_engine(read_url(postgresql))
    assert may_be_repeated(caught_from(engine, statement)) == again
    assert not may_be_repeated(OSError())
    engine.dispose()
