import sqlite3
import tempfile
from pathlib import Path

import pytest
from mlopsproj_core.errors import ConfigError, DatabaseAwayError
from mlopsproj_doctor.database import (
    LATE_SECONDS,
    examine,
    examine_database,
    examine_schema,
    examine_spool,
)
from mlopsproj_doctor.findings import State
from mlopsproj_records import upgrade
from mlopsproj_records.spool import Spool

URL = "sqlite:///log.db"


def found(url=URL):
    return {finding.name: finding for finding in examine_database(url)}


def written(revision):
    connection = sqlite3.connect("log.db")
    connection.execute("CREATE TABLE alembic_version (version_num TEXT)")
    connection.execute("INSERT INTO alembic_version VALUES (?)", [revision])
    connection.commit()
    connection.close()


def test_a_database_that_is_not_there_is_not_made(folder):
    (finding,) = examine_database("sqlite:///deep/er/log.db")
    assert finding.state is State.OK
    assert not list(folder.iterdir())


def test_a_database_of_this_release(folder):
    upgrade(URL)
    findings = found()
    assert {finding.state for finding in findings.values()} == {State.OK}
    assert "SQLite" in findings["database"].text
    assert "that of this release" in findings["schema"].text


def test_a_database_of_a_newer_release_fails(folder):
    written("9999")
    finding = found()["schema"]
    assert (finding.state, "9999" in finding.text) == (State.FAIL, True)
    assert "newer release" in finding.mend


@pytest.mark.parametrize(
    ("revision", "migrates_itself", "state", "words"),
    [
        ("0002", True, State.OK, ""),
        ("0002", False, State.OK, ""),
        ("0001", True, State.WARN, "backup"),
        ("0001", False, State.FAIL, "uv run api migrate"),
        (None, True, State.OK, ""),
        (None, False, State.FAIL, "uv run api migrate"),
        ("0003", True, State.FAIL, "newer release"),
        ("0003", False, State.FAIL, "newer release"),
    ],
)
def test_schemas(revision, migrates_itself, state, words):
    finding = examine_schema(revision, ("0001", "0002"), migrates_itself=migrates_itself)
    assert finding.state is state
    assert words in finding.mend
    assert bool(words) == bool(finding.mend)


def test_what_is_no_database_is_refused(folder):
    (folder / "log.db").write_bytes(b"x" * 5000)
    with pytest.raises(DatabaseAwayError):
        found()


def test_no_url_of_a_database_is_refused(folder):
    with pytest.raises(ConfigError):
        found("nonsense")


def test_a_database_that_may_only_be_read_fails(as_nobody):
    # The folder of the tests is locked for other users.
    with tempfile.TemporaryDirectory() as name:
        upgrade(f"sqlite:///{name}/log.db")
        Path(name, "log.db").chmod(0o444)
        Path(name).chmod(0o555)
        with as_nobody():
            findings = found(f"sqlite:///{name}/log.db")
        Path(name).chmod(0o755)
    assert findings["file"].state is State.FAIL
    assert findings["schema"].state is State.OK


def test_without_a_log_nothing_is_looked_at(folder, monkeypatch):
    monkeypatch.setenv("MLOPSPROJ_API_LOG", "off")
    monkeypatch.setenv("MLOPSPROJ_DATABASE_URL", "nonsense")
    (finding,) = examine()
    assert finding.state is State.OK


def spooled(folder, database):
    spool = Spool(folder, 1 << 20, database=database)
    spool.write("records", b"x" * 100, 1)
    (segment,) = folder.glob("*.records")
    return spool, segment.stat().st_mtime


def test_an_absent_spool_is_not_made(folder):
    (finding,) = examine_spool(folder / "spool", URL, 0)
    assert (finding.state, "nothing waits" in finding.text) == (State.OK, True)
    assert not list(folder.iterdir())


def test_what_waits_is_well_for_a_while(folder):
    _spool, time = spooled(folder / "spool", f"sqlite:///{folder}/log.db")
    (finding,) = examine_spool(folder / "spool", URL, time + 1)
    assert (finding.state, "100 bytes in 1 files" in finding.text) == (State.OK, True)
    (finding,) = examine_spool(folder / "spool", URL, time + LATE_SECONDS + 1)
    assert (finding.state, "since" in finding.text) == (State.WARN, True)


def test_what_waits_for_another_database_is_a_warning(folder):
    _spool, time = spooled(folder / "spool", "postgresql://elsewhere:5432/log")
    (finding,) = examine_spool(folder / "spool", URL, time + 1)
    assert finding.state is State.WARN
    assert "postgresql://elsewhere:5432/log" in finding.text


def test_what_was_put_aside_is_a_warning(folder):
    (folder / "spool" / "quarantine").mkdir(parents=True)
    (folder / "spool" / "quarantine" / "one").touch()
    (finding,) = examine_spool(folder / "spool", URL, 0)
    assert (finding.state, "1 files" in finding.text) == (State.WARN, True)


def test_a_spool_that_is_no_folder_fails(folder):
    (folder / "spool").touch()
    (finding,) = examine_spool(folder / "spool", URL, 0)
    assert finding.state is State.FAIL
