import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from mlopsproj_core.errors import DatabaseAwayError, MigrationError
from mlopsproj_records import Database, migration, schema
from mlopsproj_records.database_url import read_url
from mlopsproj_records.engine import open_engine, transaction
from sqlalchemy import inspect, text

SCRIPTS = {"script_location": "mlopsproj_records:migrations"}

# Forked, so that the processes are let go in the same instant with everything imported.
OPEN = """
import os, sys, traceback
import alembic.command, alembic.config
from mlopsproj_records import Database, FeedbackRecord, upgrade, uuid7
from datetime import datetime, UTC

def use(url, name):
    if url.startswith("postgresql"):
        upgrade(url)
    with Database(url) as database:
        time = datetime.now(UTC)
        records = [FeedbackRecord(uuid7(), "p", "cat", name, time) for _ in range(20)]
        assert database.insert(records) == []

hold, go = os.pipe()
for name in sys.argv[2:]:
    if not os.fork():
        try:
            os.close(go)
            os.read(hold, 1)
            use(sys.argv[1], name)
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
os.close(go)
sys.exit(any(os.wait()[1] for _ in sys.argv[2:]))
"""

DIE = """
import os, signal, sys
from mlopsproj_records import migration, upgrade
run = migration._run_alembic
def run_and_die(connection, revision):
    run(connection, revision)
    os.kill(os.getpid(), signal.SIGKILL)
migration._run_alembic = run_and_die
upgrade(sys.argv[1])
"""


def execute(url, *statements):
    engine = open_engine(read_url(url))
    with transaction(engine, writes=True) as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def tables(url):
    engine = open_engine(read_url(url))
    with transaction(engine) as connection:
        found = set(inspect(connection).get_table_names())
    engine.dispose()
    return found


def reach(url, revision):
    """Make the database of the release whose newest revision this was."""
    engine = open_engine(read_url(url))
    with transaction(engine, writes=True) as connection:
        migration._run_alembic(connection, revision)
    engine.dispose()


def test_the_revisions_are_those_of_alembic_one_after_the_other():
    config = Config()
    for name, value in SCRIPTS.items():
        config.set_main_option(name, value)
    scripts = list(ScriptDirectory.from_config(config).walk_revisions())
    assert tuple(script.revision for script in reversed(scripts)) == schema.REVISIONS
    assert [script.down_revision for script in reversed(scripts)] == [None, *schema.REVISIONS[:-1]]


@pytest.mark.parametrize("revision", [None, *schema.REVISIONS])
def test_every_earlier_state_is_brought_up(empty_url, revision, predicted, said):
    if revision is not None:
        reach(empty_url, revision)
    assert migration.current(empty_url) == revision
    assert migration.upgrade(empty_url) == revision
    assert migration.current(empty_url) == migration.HEAD
    migration.check(empty_url)
    prediction = predicted()
    with Database(empty_url) as database:
        assert database.insert([prediction, said(prediction)]) == []
    assert migration.upgrade(empty_url) == migration.HEAD
    with Database(empty_url) as database:
        assert database.prediction(prediction.id).record == prediction


def test_sqlite_migrates_itself_when_it_is_opened(tmp_path):
    url = f"sqlite:///{tmp_path}/new folder/100%/log.db"
    with Database(url) as database:
        database.ping()
    assert migration.current(url) == migration.HEAD


def test_postgresql_is_migrated_by_a_command_only(postgresql, predicted):
    with Database(postgresql) as database:
        for use in (database.ping, lambda: database.insert([predicted()])):
            with pytest.raises(MigrationError, match="has no tables yet: run `uv run api migrate`"):
                use()
        with pytest.raises(MigrationError):
            migration.check(postgresql)
        assert tables(postgresql) == set()
        assert migration.upgrade(postgresql) is None
        database.ping()


def test_postgresql_of_an_older_release_is_not_touched(postgresql, monkeypatch):
    migration.upgrade(postgresql)
    execute(postgresql, "UPDATE alembic_version SET version_num = '0000'")
    monkeypatch.setattr(migration, "REVISIONS", ("0000", migration.HEAD))
    with (
        Database(postgresql) as database,
        pytest.raises(MigrationError, match="schema 0000 of an older release, not 0002: make a"),
    ):
        database.ping()


def test_a_schema_that_is_newer_is_refused(empty_url, predicted):
    migration.upgrade(empty_url)
    execute(empty_url, "UPDATE alembic_version SET version_num = '0999'")
    with Database(empty_url) as database:
        for use in (
            database.ping,
            lambda: database.insert([predicted()]),
            lambda: database.prediction("p"),
            lambda: migration.upgrade(empty_url),
            lambda: migration.check(empty_url),
        ):
            with pytest.raises(MigrationError, match="0999, which this release does not know"):
                use()
    assert migration.current(empty_url) == "0999"


def test_two_revisions_at_once_are_refused(empty_url):
    migration.upgrade(empty_url)
    execute(empty_url, "INSERT INTO alembic_version VALUES ('0000')")
    with pytest.raises(MigrationError, match="0000, 0002"):
        migration.check(empty_url)


def test_a_migration_that_fails_leaves_no_trace(empty_url):
    execute(empty_url, "CREATE TABLE feedback (of_another_program INTEGER)")
    with pytest.raises(MigrationError, match=r"already exists.*it was left as it was"):
        migration.upgrade(empty_url)
    assert tables(empty_url) == {"feedback"}


def test_a_migration_that_is_killed_leaves_no_trace(empty_url, predicted):
    killed = subprocess.run([sys.executable, "-c", DIE, empty_url], check=False)
    assert killed.returncode == -9
    assert migration.current(empty_url) is None
    assert migration.upgrade(empty_url) is None
    with Database(empty_url) as database:
        assert database.insert([predicted()]) == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_many_processes_open_a_new_database_at_once(empty_url):
    names = [f"process{number}" for number in range(8)]
    opened = subprocess.run(
        [sys.executable, "-c", OPEN, empty_url, *names],
        stderr=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert opened.returncode == 0, opened.stderr
    with Database(empty_url) as database:
        rows = database.run(
            lambda c: c.execute(
                text("SELECT actor, count(*) FROM feedback GROUP BY actor ORDER BY actor")
            ).all()
        )
    assert [tuple(row) for row in rows] == [(name, 20) for name in names]


def test_threads_of_one_process_open_a_new_database_at_once(tmp_path):
    url = f"sqlite:///{tmp_path}/log.db"

    def use(_):
        with Database(url) as database:
            database.ping()

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(use, range(8)))
    assert tables(url) == {"alembic_version", *schema.metadata.tables}


@pytest.mark.parametrize("use", [migration.current, migration.check, migration.upgrade])
def test_a_database_that_is_not_there_is_told(use):
    pytest.importorskip("psycopg", reason="the driver psycopg is not installed")
    with pytest.raises(DatabaseAwayError) as caught:
        use("postgresql://me:secret@127.0.0.1:1/log")
    assert "postgresql://me:***@127.0.0.1:1/log" in str(caught.value)
    assert "secret" not in str(caught.value)


def test_a_file_that_is_no_database_is_told_and_kept(tmp_path):
    path = tmp_path / "photo.jpg"
    path.write_bytes(b"\xff\xd8 no database, whatever its name" * 100)
    before = path.read_bytes()
    with pytest.raises(DatabaseAwayError, match="file is not a database"):
        migration.upgrade(f"sqlite:///{path}")
    assert path.read_bytes() == before
