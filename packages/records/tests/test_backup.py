import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from mlopsproj_core.errors import DatabaseAwayError, MigrationError, RecordsError
from mlopsproj_records import Database, backup, upgrade
from mlopsproj_records.backup import back_up
from mlopsproj_records.backup_format import BACKUP, sha256_of
from mlopsproj_records.schema import REVISIONS
from sqlalchemy import event, text

START = datetime(2026, 1, 1, tzinfo=UTC)

DIE = """
import os, signal, sys
from mlopsproj_records.backup import back_up
back_up(sys.argv[1], sys.argv[2], lambda done: os.kill(os.getpid(), signal.SIGKILL))
"""


@pytest.fixture
def filled(database, predicted, said):
    """A database with 25 predictions, of which the first was spoken of twice."""
    records = [predicted(time=START + timedelta(days=n)) for n in range(25)]
    told = [said(records[0], label) for label in ("dog", "bird")]
    database.insert([*records, *told])
    return database


@pytest.fixture
def url(filled):
    return filled._engine.url.render_as_string(hide_password=False).replace("+psycopg", "")


def test_a_backup_is_a_folder_that_says_what_it_holds(filled, url, tmp_path):
    told = []
    folder = tmp_path / "new folder" / "backup"
    before = datetime.now(UTC)
    made = back_up(url, folder, told.append)
    assert made.path == folder
    assert sorted(path.name for path in folder.iterdir()) == [
        *(BACKUP, "drift_check.parquet", "feedback.parquet", "outbox.parquet"),
        *("prediction.parquet", "retraining.parquet"),
    ]
    assert sorted(path.name for path in folder.parent.iterdir()) == ["backup"]
    said = msgspec.json.decode((folder / BACKUP).read_bytes())
    assert (said["format"], said["revision"]) == (1, REVISIONS[-1])
    assert before <= made.manifest.time <= datetime.now(UTC)
    for table, rows in (("prediction", 25), ("feedback", 2)):
        path = folder / f"{table}.parquet"
        part = made.manifest.tables[table]
        assert (part.rows, part.bytes, part.sha256) == (rows, path.stat().st_size, sha256_of(path))
        ids = pq.read_table(path)["id"].to_pylist()
        assert len(ids) == rows
        assert ids == sorted(ids)
    assert made.bytes == sum(path.stat().st_size for path in folder.glob("*.parquet"))
    assert told == [2, 27]


def test_a_file_can_be_read_without_this_project(filled, url, tmp_path):
    back_up(url, tmp_path / "backup")
    schema = pq.read_schema(tmp_path / "backup" / "prediction.parquet")
    types = {name: schema.field(name).type for name in ("time", "top_k", "embedding", "version")}
    assert types == {
        "time": pa.timestamp("us", tz="UTC"),
        "top_k": pa.string(),
        "embedding": pa.binary(),
        "version": pa.int64(),
    }
    row = pq.read_table(tmp_path / "backup" / "prediction.parquet").to_pylist()[0]
    assert row["time"] == START
    assert msgspec.json.decode(row["top_k"]) == [["cat", 0.75], ["dog", 0.25]]


def test_an_empty_log_is_backed_up_too(empty_url, tmp_path):
    upgrade(empty_url)
    made = back_up(empty_url, tmp_path / "backup")
    assert {name: part.rows for name, part in made.manifest.tables.items()} == {
        "prediction": 0,
        "feedback": 0,
        "drift_check": 0,
        "outbox": 0,
        "retraining": 0,
    }


def test_a_folder_that_is_there_is_not_overwritten(filled, url, tmp_path):
    folder = tmp_path / "backup"
    back_up(url, folder)
    before = {path: path.read_bytes() for path in folder.iterdir()}
    with pytest.raises(RecordsError, match="is there already, and is not overwritten"):
        back_up(url, folder)
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_a_folder_that_somebody_made_meanwhile_is_left(filled, url, tmp_path):
    folder = tmp_path / "backup"
    with pytest.raises(RecordsError, match="was made by somebody else meanwhile"):
        back_up(url, folder, lambda done: folder.mkdir(exist_ok=True))
    assert [path.name for path in tmp_path.iterdir() if "backup" in path.name] == ["backup"]
    assert not list(folder.iterdir())


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL there")
def test_a_backup_that_is_killed_is_none_and_the_next_is_whole(filled, url, tmp_path):
    folder = tmp_path / "backup"
    killed = subprocess.run([sys.executable, "-c", DIE, url, folder], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not folder.exists()
    assert list(tmp_path.glob(".backup.*.draft"))
    assert back_up(url, folder).manifest.tables["prediction"].rows == 25
    assert not list(tmp_path.glob(".backup.*"))


def test_a_database_that_is_not_there_is_not_made(tmp_path):
    with pytest.raises(RecordsError, match=r"There is no database sqlite:///.*log\.db"):
        back_up(f"sqlite:///{tmp_path}/log.db", tmp_path / "backup")
    with pytest.raises(DatabaseAwayError):
        back_up("postgresql://me@127.0.0.1:1/log", tmp_path / "backup")
    assert list(tmp_path.iterdir()) == []


def test_a_database_without_tables_is_told(postgresql, tmp_path):
    with pytest.raises(RecordsError, match="has no tables: nothing to back up"):
        back_up(postgresql, tmp_path / "backup")
    assert list(tmp_path.iterdir()) == []


def test_a_newer_schema_is_refused(filled, url, tmp_path):
    change = text("UPDATE alembic_version SET version_num = '0999'")
    filled.run(lambda connection: connection.execute(change), writes=True)
    with pytest.raises(MigrationError, match="0999, which this release does not know"):
        back_up(url, tmp_path / "backup")
    assert not list(tmp_path.glob("*backup*"))


def test_what_cannot_be_written_is_told(filled, url, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(RecordsError, match=r"cannot be written .*: name another folder"):
        back_up(url, tmp_path / "file" / "backup")


def test_rows_that_come_and_go_meanwhile_disturb_none(
    filled, url, predicted, tmp_path, monkeypatch
):
    """The service writes, and old records expire, between any two pages."""
    monkeypatch.setattr(backup, "_PAGE", 10)
    ids = sorted(stored.record.id for stored in filled.predictions())
    remove = text("DELETE FROM prediction WHERE id = :id")
    new = []

    def meanwhile(done):
        new.append(predicted(time=START))
        filled.insert([new[-1]])
        if done > 2:  # past the feedback
            monkeypatch.undo()

    with Database(url) as other:
        other.run(lambda connection: connection.execute(remove, {"id": ids[3]}), writes=True)
        made = back_up(url, tmp_path / "backup", meanwhile)
    found = pq.read_table(tmp_path / "backup" / "prediction.parquet")["id"].to_pylist()
    assert len(found) == len(set(found)) == made.manifest.tables["prediction"].rows
    assert set(ids) - {ids[3]} <= set(found) <= {*ids, *(record.id for record in new)}


def test_a_service_that_writes_is_not_disturbed_and_nothing_that_was_there_lacks(
    empty_url, tmp_path
):
    upgrade(empty_url)
    writer = Path(__file__).with_name("logging_process.py")
    process = subprocess.Popen(
        [sys.executable, writer, empty_url, tmp_path / "spool", "4", str(1 << 20)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with Database(empty_url) as database:
        acknowledged = {process.stdout.readline().strip() for _ in range(3000)}
        while True:
            held = {stored.record.id for stored in database.predictions()}
            if len(held) >= 2000:
                break
        made = back_up(empty_url, tmp_path / "backup")
        process.stdin.close()
        acknowledged |= set(process.stdout.read().split())
        assert process.wait(60) == 0
        found = pq.read_table(made.path / "prediction.parquet")["id"].to_pylist()
        assert len(found) == len(set(found))
        assert held <= set(found) <= acknowledged
        assert not any(line.startswith("!") for line in acknowledged)
        # And the service has lost none of its own.
        assert {stored.record.id for stored in database.predictions()} == acknowledged


MEMORY = """
import sys
import pyarrow as pa
from mlopsproj_records import backup
backup._ROW_GROUP_BYTES = 1_000_000
backup.back_up(sys.argv[1], sys.argv[2])
print(pa.default_memory_pool().max_memory())
"""


def test_the_memory_is_that_of_a_few_pages(predicted, tmp_path):
    """Of Arrow, which keeps what is written, in a process of its own for each size."""
    url, peaks = f"sqlite:///{tmp_path}/log.db", []
    with Database(url) as database:
        for size in (2, 2, 6):
            database.insert([predicted(embedding=os.urandom(2048)) for _ in range(size * 1000)])
            command = [sys.executable, "-c", MEMORY, url, tmp_path / f"backup-{len(peaks)}"]
            peaks.append(int(subprocess.check_output(command)))
    assert peaks[0] > 1_000_000
    assert peaks[2] < 1.5 * peaks[1]


def test_no_row_is_counted(filled, url, tmp_path, monkeypatch):
    """PostgreSQL reads every one for that: a large log would take it longer than it is given."""
    asked = []
    begin = backup.transaction

    @contextmanager
    def listening(engine, **settings):
        with begin(engine, **settings) as connection:
            event.listen(
                connection, "before_cursor_execute", lambda *told: asked.append(told[2].lower())
            )
            yield connection

    monkeypatch.setattr(backup, "transaction", listening)
    back_up(url, tmp_path / "backup")
    assert any("from prediction" in statement for statement in asked)
    assert not any("count(" in statement for statement in asked)


def test_two_backups_to_one_folder_leave_each_other_s_draft(filled, url, tmp_path, monkeypatch):
    """Between its last word and its name, a draft is still somebody's."""
    folder = tmp_path / "backup"
    sync, others = backup.sync_folder, []

    def sync_and_begin_another(path):
        sync(path)
        if path.suffix == ".draft":
            code = (
                "import sys\nfrom pathlib import Path\nfrom mlopsproj_records import backup\n"
                "with backup._whole(Path(sys.argv[1])): raise SystemExit(7)"
            )
            others.append(subprocess.run([sys.executable, "-c", code, folder], check=False))

    monkeypatch.setattr(backup, "sync_folder", sync_and_begin_another)
    made = back_up(url, folder)
    assert [other.returncode for other in others] == [7]
    assert made.manifest.tables["prediction"].rows == 25
    assert sorted(path.name for path in tmp_path.iterdir() if "backup" in path.name) == ["backup"]


def test_a_file_that_is_named_by_a_uri_is_found(predicted, tmp_path):
    with Database(f"sqlite:///{tmp_path}/log.db") as database:
        database.insert([predicted()])
    made = back_up(f"sqlite:///file:{tmp_path}/log.db?uri=true", tmp_path / "backup")
    assert made.manifest.tables["prediction"].rows == 1
    with pytest.raises(RecordsError, match="There is no database"):
        back_up(f"sqlite:///file:{tmp_path}/other.db?uri=true", tmp_path / "other")
