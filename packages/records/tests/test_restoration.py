import math
import pickle
import shutil
import signal
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import msgspec
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from mlopsproj_core.errors import MigrationError, RecordsError
from mlopsproj_core.events import Event
from mlopsproj_records import (
    Database,
    DriftCheckRecord,
    DriftHistory,
    RetrainingRequest,
    migration,
    schema,
    upgrade,
    uuid7,
)
from mlopsproj_records import backup as backup_module
from mlopsproj_records import restoration as restoration_module
from mlopsproj_records.backup import back_up
from mlopsproj_records.backup_format import BACKUP, sha256_of
from mlopsproj_records.database_url import read_url
from mlopsproj_records.engine import open_engine, transaction
from mlopsproj_records.restoration import restore
from sqlalchemy import inspect, text

START = datetime(2026, 1, 1, 12, 30, 15, 123456, tzinfo=UTC)

DIE = """
import os, signal, sys
from mlopsproj_records.restoration import restore
def die(done, of):
    if done > of / 2:
        os.kill(os.getpid(), signal.SIGKILL)
restore(sys.argv[1], sys.argv[2], die)
"""

RESTORE = """
import sys
from mlopsproj_core.errors import RecordsError
from mlopsproj_records.restoration import restore
try:
    restore(sys.argv[1], sys.argv[2])
except RecordsError as error:
    print(error)
"""


@pytest.fixture
def records(predicted, said):
    """Two thousand predictions, every field of some of them odd, and what was said of them."""
    made = [predicted(time=START + timedelta(seconds=n), ood_score=n / 7) for n in range(2000)]
    made += [
        predicted(
            model="ünï\n'\"\\ 佐藤 😀",
            version=2**31 - 1,
            top_k=(("a'b", math.nan), ("", math.inf)),
            probabilities=b"",
            embedding=bytes(range(256)),
            ood_score=math.nan,
            statistics={"width": 2**40, "mode": "RGB", "ratio": -math.inf},
            latency_ms={},
            image_url="gs://bucket/ü.jpg",
            shadow_of=made[0].id,
        )
    ]
    return [*made, *(said(made[n % 3], f"label {n}") for n in range(7))]


@pytest.fixture
def source(empty_url, records):
    """A database of either kind with these records."""
    upgrade(empty_url)
    with Database(empty_url) as database:
        assert database.insert(records) == []
        _monitor(database)
    return empty_url


def _monitor(database):
    """Keep checks, one with its event and a retraining."""
    history = DriftHistory(database)
    for verdict, p_value, time in (("drift", 1e-9, START), ("not enough data", None, None)):
        id_ = uuid7()
        event = Event(id=UUID(id_), type="drift-detected", time=START, source="tést")
        history.record(
            DriftCheckRecord(
                id=id_,
                time=START,
                model="animals",
                version=3,
                verdict=verdict,
                p_value=p_value,
                images=7,
                since=time,
                until=time,
                document={"ü": [math.nan, 1, None]},
            ),
            event=event if time else None,
            key="animals",
            retraining=RetrainingRequest(uuid7(), "command: train", approved_by="ann"),
        )


@pytest.fixture
def folder(source, tmp_path):
    """A backup of it."""
    return back_up(source, tmp_path / "backup").path


@pytest.fixture(params=["sqlite", "postgresql"])
def target(request, folder, tmp_path, postgresql_server):
    """An empty database of either kind, made after the backup."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/restored.db"
    return postgresql_server.empty_database()


@pytest.fixture
def small(tmp_path, predicted, said):
    """A backup of SQLite with 30 predictions."""
    url = f"sqlite:///{tmp_path}/small.db"
    with Database(url) as database:
        made = [predicted() for _ in range(30)]
        database.insert([*made, said(made[0])])
    return back_up(url, tmp_path / "small").path


def content(url):
    """Every row of every table, as SQLAlchemy gives it; structures as their text."""
    engine = open_engine(read_url(url))
    with transaction(engine) as connection:
        rows = {
            name: connection.execute(
                text(f"SELECT * FROM {name} ORDER BY id")  # noqa: S608 (a table of ours)
                if engine.dialect.name == "sqlite"
                else backup_module.select(*backup_module.selected(table)).order_by(table.c.id)
            ).all()
            for name, table in schema.metadata.tables.items()
        }
    engine.dispose()
    return rows


def tables(url):
    engine = open_engine(read_url(url))
    with transaction(engine) as connection:
        found = set(inspect(connection).get_table_names())
    engine.dispose()
    return found


def execute(url, statement):
    engine = open_engine(read_url(url))
    with transaction(engine, writes=True) as connection:
        connection.execute(text(statement))
    engine.dispose()


def test_every_record_comes_back_in_either_database(records, folder, target, tmp_path):
    told = []
    manifest = restore(target, folder, lambda done, of: told.append((done, of)))
    assert manifest.tables["prediction"].rows == 2001
    assert told[-1] == (2012, 2012)
    assert migration.current(target) == migration.HEAD
    with Database(target) as database:
        found = {stored.record.id: stored for stored in database.predictions()}
        for record in records[:2001]:
            # NaN is not itself: compared as written
            assert repr(found[record.id].record) == repr(record)
        assert found[records[0].id].feedback == records[2007]
        assert database.insert(records) == []
    rows = {name: part.rows for name, part in manifest.tables.items()}
    assert (rows["drift_check"], rows["outbox"], rows["retraining"]) == (2, 1, 1)
    # Bit by bit: a backup of what was restored holds the same.
    again = back_up(target, tmp_path / "again")
    for name in manifest.tables:
        first, second = (pq.read_table(p / f"{name}.parquet") for p in (folder, again.path))
        assert first.equals(second, check_metadata=True)


def test_sqlite_holds_the_very_same_values(small, tmp_path):
    restore(f"sqlite:///{tmp_path}/restored.db", small)
    assert content(f"sqlite:///{tmp_path}/restored.db") == content(f"sqlite:///{tmp_path}/small.db")


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=st.text(st.characters(exclude_categories=["Cs"])),
    data=st.binary(max_size=50),
    score=st.floats(),
    number=st.integers(-(2**63), 2**63 - 1),
    time=st.datetimes(timezones=st.just(UTC)),
)
def test_whatever_a_row_holds_comes_back(predicted, said, tmp_path_factory, name, data, **values):
    folder = tmp_path_factory.mktemp("backup")
    source, target = (f"sqlite:///{folder}/{kind}.db" for kind in ("source", "target"))
    record = predicted(
        model=name,
        version=values["number"],
        time=values["time"],
        probabilities=data,
        ood_score=values["score"],
        statistics={name: name},
        request_id=name,
        image_url=name,
    )
    with Database(source) as database:
        assert database.insert([record, said(record, name, actor=name)]) == []
    back_up(source, folder / "backup")
    restore(target, folder / "backup")
    assert repr(content(target)) == repr(content(source))


@pytest.mark.parametrize("empty", ["tables of this release", "nothing"])
def test_a_database_that_holds_rows_is_refused_and_kept(small, empty_url, predicted, empty):
    if empty != "nothing":
        upgrade(empty_url)
    restore(empty_url, small)
    before = content(empty_url)
    with pytest.raises(RecordsError, match=r"holds 1 rows of feedback already: restore into an em"):
        restore(empty_url, small)
    assert content(empty_url) == before


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGKILL there")
@pytest.mark.parametrize("empty", ["tables of this release", "nothing"])
def test_killed_it_leaves_an_empty_database_and_the_next_restores_all(
    small, empty_url, monkeypatch, empty
):
    if empty != "nothing":
        upgrade(empty_url)
    before = tables(empty_url)
    killed = subprocess.run([sys.executable, "-c", DIE, empty_url, small], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert tables(empty_url) == before
    if before:
        assert not any(content(empty_url).values())
    restore(empty_url, small)
    held = {name: len(rows) for name, rows in content(empty_url).items() if rows}
    assert held == {"prediction": 30, "feedback": 1}


def test_two_at_once_restore_it_once(small, empty_url):
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", RESTORE, empty_url, small], stdout=subprocess.PIPE, text=True
        )
        for _ in range(3)
    ]
    said = sorted(process.communicate(timeout=600)[0] for process in processes)
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert said[0] == ""
    assert all("restore into an empty one" in text for text in said[1:])
    assert len(content(empty_url)["prediction"]) == 30


def test_what_is_damaged_is_refused_before_anything_is_made(small, empty_url):
    path = small / "prediction.parquet"
    data = path.read_bytes()
    for damaged in (data[:-1], data[:100] + b"\0" + data[101:], b""):
        path.write_bytes(damaged)
        with pytest.raises(RecordsError, match=r"prediction\.parquet is damaged: its sha256 is"):
            restore(empty_url, small)
    path.unlink()
    with pytest.raises(RecordsError, match=r"prediction\.parquet cannot be read \(No such file"):
        restore(empty_url, small)
    assert tables(empty_url) == set()


def rewrite(folder, **values):
    """Change what a backup says of itself."""
    manifest = msgspec.json.decode((folder / BACKUP).read_bytes())
    (folder / BACKUP).write_bytes(msgspec.json.encode(manifest | values))


def test_a_count_that_differs_undoes_all(small, empty_url):
    parts = msgspec.json.decode((small / BACKUP).read_bytes())["tables"]
    parts["prediction"]["rows"] = 31
    rewrite(small, tables=parts)
    with pytest.raises(RecordsError, match="gave 30 rows, and not 31 as the backup says"):
        restore(empty_url, small)
    assert tables(empty_url) == set()


@pytest.mark.parametrize(
    ("values", "error", "told"),
    [
        ({"format": 2}, RecordsError, "of format 2; this release reads format 1"),
        ({"revision": "0999"}, MigrationError, "schema 0999, which this release does not know"),
        ({"tables": []}, RecordsError, "cannot be read"),
        ({"tables": {}}, RecordsError, "names the tables , and not drift_check and feedback"),
    ],
)
def test_a_backup_of_another_release_is_told(small, tmp_path, values, error, told):
    rewrite(small, **values)
    with pytest.raises(error, match=told):
        restore(f"sqlite:///{tmp_path}/restored.db", small)
    assert not (tmp_path / "restored.db").exists()


@pytest.mark.parametrize("name", ["../prediction", 'prediction" --', "alembic_version"])
@pytest.mark.parametrize("instead", [True, False])
def test_a_table_that_is_not_of_the_log_is_refused_before_anything_is_written(
    small, empty_url, name, instead
):
    parts = msgspec.json.decode((small / BACKUP).read_bytes())["tables"]
    parts[name] = parts.pop("prediction") if instead else parts["prediction"]
    rewrite(small, tables=parts)
    with pytest.raises(
        RecordsError, match=r"and not drift_check and feedback and .* and retraining: use"
    ):
        restore(empty_url, small)
    assert tables(empty_url) == set()


@pytest.mark.parametrize("column", ['label") VALUES (1) --', "label%s", "later"])
def test_a_column_that_is_not_of_the_log_is_refused(small, empty_url, column):
    path = small / "feedback.parquet"
    table = pq.read_table(path)
    names = [column if name == "label" else name for name in table.column_names]
    pq.write_table(table.rename_columns(names), path)
    parts = msgspec.json.decode((small / BACKUP).read_bytes())["tables"]
    parts["feedback"]["sha256"] = sha256_of(path)
    rewrite(small, tables=parts)
    with pytest.raises(RecordsError, match=r"feedback\.parquet has other columns than feedback"):
        restore(empty_url, small)
    assert tables(empty_url) == set()


def test_what_is_no_backup_is_told(tmp_path):
    for folder in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(RecordsError, match=r"holds no backup .*backup\.json: No such file"):
            restore(f"sqlite:///{tmp_path}/restored.db", folder)
    (tmp_path / BACKUP).write_bytes(b"{")
    with pytest.raises(RecordsError, match=r"backup\.json cannot be read"):
        restore(f"sqlite:///{tmp_path}/restored.db", tmp_path)


def test_a_value_that_postgresql_refuses_undoes_all(postgresql, predicted, tmp_path):
    url = f"sqlite:///{tmp_path}/log.db"
    with Database(url) as database:
        database.insert([predicted(), predicted(request_id="a\0b")])
    back_up(url, tmp_path / "backup")
    with pytest.raises(RecordsError, match=r"refuses a value of .*nothing was restored"):
        restore(postgresql, tmp_path / "backup")
    assert tables(postgresql) == set()


def test_a_database_of_another_program_is_left(small, empty_url):
    execute(empty_url, "CREATE TABLE feedback (of_another_program INTEGER)")
    with pytest.raises(MigrationError, match="it was left as it was"):
        restore(empty_url, small)
    assert tables(empty_url) == {"feedback"}


INSERT = """
import pickle, sys, time
from mlopsproj_core.errors import DatabaseAwayError
from mlopsproj_records import Database
record, end = pickle.load(sys.stdin.buffer), time.monotonic() + 120
with Database(sys.argv[1]) as database:
    print("begin", flush=True)
    while True:
        try:
            assert database.insert([record]) == []
            break
        except DatabaseAwayError:
            assert time.monotonic() < end
            time.sleep(0.05)
print("done", flush=True)
"""


def test_a_service_that_writes_meanwhile_waits_and_loses_nothing(small, empty_url, predicted):
    """As a service does: its insert is tried again until the database takes it."""
    upgrade(empty_url)
    record = predicted()
    with subprocess.Popen(
        [sys.executable, "-c", INSERT, empty_url], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:

        def insert_beside(done, of):
            if not process.stdin.closed:
                process.stdin.write(pickle.dumps(record))
                process.stdin.close()
                assert process.stdout.readline() == b"begin\n"
                # It cannot end while the tables are held, however long it is given.
                with pytest.raises(subprocess.TimeoutExpired):
                    process.wait(0.5)

        try:
            restore(empty_url, small, insert_beside)
            assert process.stdout.readline() == b"done\n"
            assert process.wait(60) == 0
        finally:
            process.kill()
    assert len(content(empty_url)["prediction"]) == 31


NEXT = '''"""A column that a later release may add."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("prediction", sa.Column("region", sa.Text, server_default="unknown"))
'''


@pytest.fixture
def later_release(tmp_path, monkeypatch):
    """A release with one more revision, which these sources do not have yet."""
    migrations = tmp_path / "later" / "migrations"
    shutil.copytree(Path(migration.__file__).with_name("migrations"), migrations)
    (migrations / "versions" / "0003_region.py").write_text(NEXT)

    def begin():
        monkeypatch.setattr(migration, "__file__", str(tmp_path / "later" / "migration.py"))
        for module in (migration, restoration_module, schema):
            monkeypatch.setattr(module, "REVISIONS", ("0001", "0002", "0003"))
            monkeypatch.setattr(module, "HEAD", "0003", raising=False)

    return begin


def test_a_later_release_restores_a_backup_and_brings_it_to_its_schema(
    small, empty_url, later_release
):
    later_release()
    restore(empty_url, small)
    assert migration.current(empty_url) == "0003"
    engine = open_engine(read_url(empty_url))
    with transaction(engine) as connection:
        found = connection.execute(text("SELECT region, count(*) FROM prediction GROUP BY region"))
        assert [tuple(row) for row in found] == [("unknown", 30)]
    engine.dispose()


def test_a_later_release_backs_up_what_it_has_not_migrated_yet(
    small, empty_url, later_release, tmp_path
):
    restore(empty_url, small)
    later_release()
    made = back_up(empty_url, tmp_path / "before")
    assert made.manifest.revision == "0002"
    assert migration.current(empty_url) == "0002", "it was not migrated by that"
    migration.upgrade(empty_url)
    made = back_up(empty_url, tmp_path / "after")
    assert made.manifest.revision == "0003"
    assert set(pq.read_table(made.path / "prediction.parquet")["region"].to_pylist()) == {"unknown"}
    execute(empty_url, "DELETE FROM prediction")
    execute(empty_url, "DELETE FROM feedback")
    with pytest.raises(RecordsError, match=r"tables of the schema 0003 already, and .* of 0002"):
        restore(empty_url, tmp_path / "before")
    restore(empty_url, tmp_path / "after")


def test_an_earlier_release_refuses_the_backup_of_a_later_one(
    small, later_release, tmp_path, monkeypatch
):
    later_release()
    url = f"sqlite:///{tmp_path}/later.db"
    restore(url, small)
    back_up(url, tmp_path / "later-backup")
    monkeypatch.undo()
    with pytest.raises(MigrationError, match="has the schema 0003, which this release does not"):
        restore(f"sqlite:///{tmp_path}/earlier.db", tmp_path / "later-backup")


@pytest.mark.parametrize("kind", [None, b"shape", b"time"])
def test_a_column_of_an_unknown_kind_is_refused(small, tmp_path, kind):
    path = small / "feedback.parquet"
    table = pq.read_table(path)
    label = table.schema.field("label").with_metadata({b"kind": kind} if kind else {})
    index = table.schema.get_field_index("label")
    pq.write_table(table.cast(table.schema.set(index, label)), path)
    parts = msgspec.json.decode((small / BACKUP).read_bytes())["tables"]
    parts["feedback"]["sha256"] = sha256_of(path)
    rewrite(small, tables=parts)
    with pytest.raises(RecordsError, match=r"The column label of feedback .* does not know"):
        restore(f"sqlite:///{tmp_path}/restored.db", small)
