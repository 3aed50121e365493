import sqlite3
import threading

import pytest
from mlopsproj_records import Database
from mlopsproj_records.database_url import read_url
from mlopsproj_records.engine import open_engine, transaction
from mlopsproj_records.failures import refuses_row
from sqlalchemy import text
from sqlalchemy.exc import OperationalError


def test_sqlite_logs_ahead_and_syncs_every_commit(tmp_path):
    engine = open_engine(read_url(f"sqlite:///{tmp_path}/log.db"))
    with transaction(engine) as connection:
        pragmas = {
            name: connection.execute(text(f"PRAGMA {name}")).scalar_one()
            for name in ("journal_mode", "synchronous", "busy_timeout")
        }
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "busy_timeout": 5000}
    engine.dispose()


def test_a_process_that_just_makes_the_same_file_is_waited_for(tmp_path):
    # SQLite itself does not wait, here as in a race of two that turn a file to a log ahead.
    engine = open_engine(read_url(f"sqlite:///{tmp_path}/log.db?timeout=0"))
    other = sqlite3.connect(tmp_path / "log.db", check_same_thread=False)
    other.execute("BEGIN EXCLUSIVE")
    ends = threading.Timer(0.3, other.rollback)
    ends.start()
    with transaction(engine) as connection:
        assert connection.execute(text("PRAGMA journal_mode")).scalar_one() == "wal"
    ends.join()
    other.close()
    engine.dispose()


def test_what_an_error_leaves_is_rolled_back(empty_url):
    engine = open_engine(read_url(empty_url))
    with transaction(engine, writes=True) as connection:
        connection.execute(text("CREATE TABLE t (x INTEGER)"))
    with pytest.raises(ZeroDivisionError), transaction(engine, writes=True) as connection:  # noqa: PT012 (an error in the middle)
        connection.execute(text("INSERT INTO t VALUES (1)"))
        _ = 1 / 0
    with transaction(engine) as connection:
        assert connection.execute(text("SELECT count(*) FROM t")).scalar_one() == 0
    engine.dispose()


def test_a_server_that_does_not_answer_is_cut_off(postgresql):
    engine = open_engine(read_url(postgresql))
    with (
        pytest.raises(OperationalError) as caught,
        transaction(engine, timeout_seconds=0.2) as connection,
    ):
        connection.execute(text("SELECT pg_sleep(250)"))
    assert caught.value.connection_invalidated
    assert not refuses_row(caught.value)
    with transaction(engine, timeout_seconds=20) as connection:
        assert connection.execute(text("SELECT 1")).scalar_one() == 1
    engine.dispose()


def test_a_file_that_was_deleted_is_not_written_to(tmp_path, said, predicted):
    path = tmp_path / "log.db"
    with Database(f"sqlite:///{path}") as database:
        assert database.insert([predicted()]) == []
        for name in ("log.db", "log.db-wal", "log.db-shm"):
            (tmp_path / name).unlink(missing_ok=True)
        later = predicted()
        for _ in range(2):
            try:
                assert database.insert([later]) == []
            except Exception as error:  # noqa: BLE001 (the second time it must not fail)
                first = error
                continue
            break
        else:
            raise first
    with sqlite3.connect(path) as connection:
        assert connection.execute("SELECT id FROM prediction").fetchall() == [(later.id,)]
    connection.close()
