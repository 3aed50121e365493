import shutil
import socket
import sqlite3
import subprocess
import sys

import pytest
from mlopsproj_core.errors import ConfigError, DatabaseAwayError, MigrationError
from mlopsproj_records import upgrade
from mlopsproj_records.database import Database
from mlopsproj_records.database_url import read_url
from mlopsproj_records.inspection import inspect_database
from mlopsproj_records.migration import HEAD


def content(folder):
    """Every file and folder, with what it holds and when it was changed."""
    return {
        path.relative_to(folder).as_posix(): (
            path.stat().st_mtime_ns,
            path.read_bytes() if path.is_file() else None,
        )
        for path in sorted(folder.rglob("*"))
    }


@pytest.fixture
def unchanged(tmp_path):
    """Inspects, and shows that nothing was made or changed by it."""

    def inspect(url):
        before = content(tmp_path)
        try:
            return inspect_database(url)
        finally:
            assert content(tmp_path) == before

    return inspect


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/log.db"


def test_a_file_that_is_not_there_is_not_made(unchanged, tmp_path):
    assert unchanged(f"sqlite:///{tmp_path}/log.db") is None
    assert unchanged(f"sqlite:///{tmp_path}/no/such/folder/log.db") is None


def test_tells_kind_version_and_revision(unchanged, url):
    upgrade(url)
    facts = unchanged(url)
    assert (facts.kind, facts.version, facts.revision, facts.is_complete) == (
        "SQLite",
        sqlite3.sqlite_version,
        HEAD,
        True,
    )


def test_a_database_that_another_process_uses_is_told_with_its_latest_commits(
    url, tmp_path, predicted
):
    ask = "import sys; from mlopsproj_records.inspection import inspect_database as ask;"
    ask += "print(ask(sys.argv[1]).revision)"
    with Database(url) as database:
        database.insert([predicted()])
        assert (tmp_path / "log.db-wal").stat().st_size
        before = content(tmp_path)
        command = [sys.executable, "-c", ask, url]
        asked = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
        assert asked.stdout.strip() == HEAD
        assert content(tmp_path) == before
        database.insert([predicted()])


def test_what_a_killed_process_has_left_is_told_as_far_as_it_can_be_read(
    unchanged, url, tmp_path, predicted
):
    with Database(url) as database:
        database.insert([predicted()])
        left = tmp_path / "left"
        left.mkdir()
        for ending in ("", "-wal", "-shm"):
            shutil.copy(tmp_path / f"log.db{ending}", left / f"log.db{ending}")
    facts = unchanged(f"sqlite:///{left}/log.db")
    assert (facts.revision, facts.is_complete) == (HEAD, True)
    (left / "log.db-shm").unlink()  # as a backup of the other two has it
    facts = unchanged(f"sqlite:///{left}/log.db")
    assert not facts.is_complete
    with Database(f"sqlite:///{left}/log.db") as database:
        database.ping()
    assert unchanged(f"sqlite:///{left}/log.db").is_complete


def test_an_empty_file_has_no_tables(unchanged, url, tmp_path):
    (tmp_path / "log.db").touch()
    assert unchanged(url).revision is None


@pytest.mark.parametrize("name", ["a b.db", "50%.db", "#1.db", "ä.db"])
def test_any_name_of_a_file(unchanged, tmp_path, name):
    connection = sqlite3.connect(tmp_path / name)
    connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
    connection.execute("INSERT INTO alembic_version VALUES ('0000')")
    connection.commit()
    connection.close()
    url = read_url("sqlite:///x.db").set(database=str(tmp_path / name))
    assert unchanged(url.render_as_string()).revision == "0000"


def test_a_file_that_is_given_as_a_uri(unchanged, url, tmp_path):
    upgrade(url)
    assert unchanged(f"sqlite:///file:{tmp_path}/log.db?uri=true").revision == HEAD
    assert unchanged(f"sqlite:///file:{tmp_path}/none.db?uri=true") is None


def test_a_file_of_something_else_is_refused(unchanged, url, tmp_path):
    (tmp_path / "log.db").write_bytes(b"no database" * 1000)
    with pytest.raises(DatabaseAwayError, match=r"log\.db"):
        unchanged(url)


def test_several_revisions_are_refused(unchanged, url, tmp_path):
    connection = sqlite3.connect(tmp_path / "log.db")
    connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
    connection.execute("INSERT INTO alembic_version VALUES ('0001'), ('0002')")
    connection.commit()
    connection.close()
    with pytest.raises(MigrationError, match="0001, 0002"):
        unchanged(url)


def test_no_url_of_a_database_is_refused(unchanged):
    for url in ("", "mysql://host/name", "sqlite://", "nonsense"):
        with pytest.raises(ConfigError):
            unchanged(url)


def test_a_server_that_is_away_is_told_without_the_password():
    pytest.importorskip("psycopg", reason="the driver psycopg is not installed")
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))  # listens to nobody
        port = closed.getsockname()[1]
        with pytest.raises(DatabaseAwayError) as raised:
            inspect_database(f"postgresql://app:hunter2hunter2@127.0.0.1:{port}/log")
    assert "hunter2" not in str(raised.value)
    assert str(port) in str(raised.value)


def test_postgresql_tells_its_version(postgresql):
    facts = inspect_database(postgresql)
    assert (facts.kind, facts.revision) == ("PostgreSQL", None)
    assert int(facts.version.partition(".")[0]) >= 9
    upgrade(postgresql)
    assert inspect_database(postgresql).revision == HEAD
