import contextlib
import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
import threading
import time
from pathlib import Path

import msgspec
import pytest
from mlopsproj_core.errors import ConfigError, DatabaseAwayError, NotDurableError, RecordsError
from mlopsproj_records import Database, upgrade, uuid7
from mlopsproj_records import log as log_module
from mlopsproj_records.frames import frame
from mlopsproj_records.log import LogConfig, PredictionLog
from mlopsproj_records.spool import Spool

OLD_ID = "01900000-0000-7000-8000-000000000001"  # of 2024
PROCESS = Path(__file__).with_name("logging_process.py")


def wait_until(holds, seconds=60):
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it does not come to that"
        time.sleep(0.02)


def append(log, *records, image=None):
    """Append, wait, and give what was told."""
    told, changed = [], threading.Condition()

    def done(error):
        with changed:
            told.append(error)
            changed.notify_all()

    for record in records:
        log.append(record, done, image=image)
    with changed:
        assert changed.wait_for(lambda: len(told) == len(records), 60)
    return told


def held(url):
    with Database(url) as database:
        return [stored.record.id for stored in database.predictions()]


@pytest.fixture
def config(empty_url, tmp_path):
    upgrade(empty_url)
    return LogConfig(database_url=empty_url, spool_dir=tmp_path / "spool")


@pytest.fixture
def sqlite(tmp_path):
    return LogConfig(database_url=f"sqlite:///{tmp_path}/log.db", spool_dir=tmp_path / "spool")


def change(config, **changes):
    import dataclasses

    return dataclasses.replace(config, **changes)


def test_what_is_appended_can_be_read(config, predicted, said):
    with PredictionLog(config) as log:
        first, second = predicted(), predicted()
        assert append(log, first, second, said(first, "cat"), said(first, "dog")) == [None] * 4
        assert log.prediction(first.id).record == first
        assert log.prediction(first.id).feedback.label == "dog"
        assert append(log, said(second, "cat")) == [None]
        assert log.prediction(second.id).feedback.label == "cat"
        assert log.flush(30)
        state = log.state()
        assert (state.appended, state.moved, state.spooled_records) == (5, 5, 0)
        assert (state.database_up, state.spool_up, state.last_error) == (True, True, None)
    assert list(config.spool_dir.iterdir()) == []


def test_what_another_process_was_told_is_durable_can_be_read(sqlite, predicted):
    with PredictionLog(sqlite) as writing, PredictionLog(sqlite) as reading:
        for _ in range(5):
            record = predicted()
            assert append(writing, record) == [None]
            assert reading.prediction(record.id).record == record


@contextlib.contextmanager
def slow_to_take(config, seconds):
    """A database that can be read, and takes nothing until some time has passed."""
    path = config.database_url.removeprefix("sqlite:///")
    begun, enough = threading.Event(), threading.Event()

    def hold():
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as writer:
            writer.execute("BEGIN IMMEDIATE")
            begun.set()
            enough.wait(seconds)
            writer.execute("ROLLBACK")

    holding = threading.Thread(target=hold)
    holding.start()
    assert begun.wait(10)
    yield
    enough.set()
    holding.join()


@pytest.mark.parametrize("elsewhere", [False, True])
def test_what_is_long_on_its_way_is_waited_for(sqlite, predicted, elsewhere):
    upgrade(sqlite.database_url)
    with PredictionLog(sqlite) as log, PredictionLog(sqlite) as other:
        record = predicted()
        with slow_to_take(sqlite, 1.5):
            assert append(log, record) == [None]
            assert (other if elsewhere else log).prediction(record.id).record == record


def test_what_there_never_was_is_not_said_to_be_on_its_way(sqlite, predicted):
    upgrade(sqlite.database_url)
    with PredictionLog(sqlite) as log, slow_to_take(sqlite, 1.5):
        assert append(log, predicted()) == [None]
        assert log.prediction(OLD_ID) is None


def test_what_does_not_arrive_is_not_said_to_be_missing(sqlite, predicted):
    upgrade(sqlite.database_url)
    with PredictionLog(sqlite) as log:
        record = predicted()
        with slow_to_take(sqlite, 60):
            assert append(log, record) == [None]
            with pytest.raises(DatabaseAwayError, match="on its way"):
                log.prediction(record.id)
        wait_until(lambda: log.prediction(record.id) is not None)


def test_what_a_dead_process_left_is_not_said_to_be_missing(sqlite, predicted):
    upgrade(sqlite.database_url)
    record = predicted(id=OLD_ID)
    with Database(sqlite.database_url) as database:
        dead = Spool(sqlite.spool_dir, 1 << 20, database=database.identity)
    dead.write("records", frame(dead.marker, msgspec.msgpack.encode(record)), 1)
    dead.close()
    with contextlib.ExitStack() as slow:
        slow.enter_context(slow_to_take(sqlite, 60))
        with PredictionLog(sqlite) as heir:
            wait_until(lambda: len(heir._spool.lanes) == 1)
            with pytest.raises(DatabaseAwayError, match="on its way"):
                heir.prediction(record.id)
            slow.close()


def test_an_id_that_names_nothing(sqlite):
    with PredictionLog(sqlite) as log:
        assert log.prediction("nonsense") is None
        assert log.prediction("01900000-0000-7000-8000-000000000000") is None  # of 2024
        assert log.prediction(uuid7()) is None


@pytest.mark.parametrize(
    "changes",
    [
        {"image_share": 1.5},
        {"image_share": -0.1},
        {"max_spool_bytes": 0},
        {"retention_days": 0},
        {"retention_count": -1},
    ],
)
def test_a_setting_that_cannot_be_is_named(changes):
    with pytest.raises(ConfigError, match=next(iter(changes))):
        LogConfig(**changes)


def test_urls_that_cannot_be_are_refused_at_once(sqlite):
    with pytest.raises(ConfigError):
        PredictionLog(change(sqlite, database_url="nonsense"))
    with pytest.raises(RecordsError, match="nonsense"):
        PredictionLog(change(sqlite, image_url="nonsense://x"))


def test_after_the_end_nothing_is_said_to_be_durable(sqlite, predicted):
    log = PredictionLog(sqlite)
    record = predicted()
    append(log, record)
    log.close()
    log.close()
    (error,) = append(log, predicted())
    assert isinstance(error, NotDurableError)
    assert held(sqlite.database_url) == [record.id]


def test_no_thread_is_left(sqlite, predicted, tmp_path):
    before = set(threading.enumerate())
    with PredictionLog(change(sqlite, image_url=str(tmp_path / "images"))) as log:
        append(log, predicted(), image=b"image")
        own = {thread.name for thread in set(threading.enumerate()) - before}
        assert own >= {"records-writer", "records-mover", "records-images"}
    left = set(threading.enumerate()) - before
    assert not [thread for thread in left if thread.name.startswith("records-")]


# Images.


def test_images_are_kept_of_the_share_that_is_chosen(config, predicted, tmp_path):
    config = change(config, image_url=str(tmp_path / "images"), image_share=0.5)
    images = [b"image %d" % number for number in range(40)]
    records = [predicted(image_sha256=hashlib.sha256(image).hexdigest()) for image in images]
    with PredictionLog(config) as log:
        for record, image in zip(records, images, strict=True):
            assert append(log, record, image=image) == [None]
        assert log.flush(30)
        chosen = {record.id for record in records if log.keeps_image(record.image_sha256)}
        assert 0 < len(chosen) < 40
        for record, image in zip(records, images, strict=True):
            url = log.prediction(record.id).record.image_url
            assert (url is not None) == (record.id in chosen)
            assert url is None or Path(url).read_bytes() == image
        state = log.state()
        assert (state.images_stored, state.spooled_images, state.images_up) == (
            len(chosen),
            0,
            True,
        )


def test_an_image_store_that_is_away_holds_up_no_record(sqlite, predicted, tmp_path):
    (tmp_path / "images").write_text("no folder")
    config = change(sqlite, image_url=str(tmp_path / "images"))
    with PredictionLog(config) as log:
        record = predicted()
        assert append(log, record, image=b"image") == [None]
        assert log.prediction(record.id).record == record
        wait_until(lambda: not log.state().images_up)
        assert log.state().spooled_images == 1
        assert log.state().database_up
        assert "image store" in log.state().last_error
    # It comes back while nobody runs.
    (tmp_path / "images").unlink()
    with PredictionLog(config) as log:
        wait_until(lambda: log.prediction(record.id).record.image_url is not None)


def test_images_reach_an_object_store_that_was_silent(sqlite, predicted, emulator):
    config = change(sqlite, image_url=emulator.new_prefix())
    with PredictionLog(config) as log:
        record = predicted()
        with emulator.hanging():
            assert append(log, record, image=b"image") == [None]
            assert log.prediction(record.id).record == record
        assert log.flush(60)
        assert log.prediction(record.id).record.image_url.startswith("gs://")


def test_without_a_store_no_image_enters_the_spool(sqlite, predicted):
    with PredictionLog(sqlite) as log:
        append(log, predicted(), image=b"image")
        assert log.flush(30)
        assert log.state().images_failed == log.state().images_left_out == 0


# Retention.


def test_what_is_too_much_goes_by_itself(config, predicted, tmp_path):
    config = change(config, retention_count=3, image_url=str(tmp_path / "images"))
    with PredictionLog(config) as log:
        append(log, *(predicted() for _ in range(10)), image=b"image")
        assert log.flush(30)
        os.utime(config.spool_dir / "retention.lock", (0, 0))  # a minute later
        log._upkeep.hurry()
        wait_until(lambda: log.state().expired == 7)
    assert len(held(config.database_url)) == 3


# The database away.


def test_answers_go_on_while_the_database_is_away(tmp_path, predicted):
    url = f"sqlite:///{tmp_path}/sub/log.db"
    (tmp_path / "sub").write_text("no folder")
    config = LogConfig(database_url=url, spool_dir=tmp_path / "spool")
    records = [predicted() for _ in range(20)]
    with PredictionLog(config) as log:
        assert append(log, *records) == [None] * 20
        wait_until(lambda: not log.state().database_up)
        assert log.state().spooled_records == 20
        assert log.state().spool_bytes > 0
        with pytest.raises(DatabaseAwayError):
            log.prediction(records[0].id)
        (tmp_path / "sub").unlink()
        assert log.flush(60)
        assert log.state().database_up
    assert held(url) == [record.id for record in records]


def test_what_was_not_moved_is_moved_by_the_next_process(tmp_path, predicted, monkeypatch):
    monkeypatch.setattr(log_module, "CLOSING_SECONDS", 0.2)
    url = f"sqlite:///{tmp_path}/sub/log.db"
    (tmp_path / "sub").write_text("no folder")
    config = LogConfig(database_url=url, spool_dir=tmp_path / "spool")
    record = predicted()
    with PredictionLog(config) as log:
        assert append(log, record) == [None]
    (tmp_path / "sub").unlink()
    with PredictionLog(config) as log:
        wait_until(lambda: held(url) == [record.id])


def test_a_full_spool_leaves_images_out_first_and_then_refuses(tmp_path, predicted):
    (tmp_path / "sub").write_text("no folder")
    config = LogConfig(
        database_url=f"sqlite:///{tmp_path}/sub/log.db",
        spool_dir=tmp_path / "spool",
        image_url=str(tmp_path / "images"),
        max_spool_bytes=20_000,
    )
    with PredictionLog(config) as log:
        told = [error for _ in range(100) for error in append(log, predicted(), image=bytes(4000))]
        refused = [error for error in told if error is not None]
        state = log.state()
        assert 0 < len(refused) < 100
        assert all(isinstance(error, NotDurableError) for error in refused)
        assert "limit of 20000 bytes" in str(refused[0])
        assert (state.refused, state.appended) == (len(refused), 100 - len(refused))
        assert state.images_left_out > 0
        assert not state.spool_up
        (tmp_path / "sub").unlink()
        assert log.flush(60)
        assert append(log, predicted()) == [None]
        assert log.state().spool_up
        assert log.flush(60)
    assert len(held(config.database_url)) == 101 - len(refused)


# Processes that are killed.


@contextlib.contextmanager
def logging_process(config, threads=4, segment_bytes=20_000, **more):
    """Small segments, so that many are begun and removed before the end comes."""
    command = [sys.executable, PROCESS, config.database_url, config.spool_dir]
    command += [str(threads), str(segment_bytes)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, **more)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def lines(process):
    """What it has said until now and will say until its end."""
    return process.stdout.read().decode().split("\n")[:-1]


def finish(process):
    """End it in good order, and give what it says until then."""
    process.stdin.close()
    said = lines(process)
    assert process.wait(60) == 0
    return said


def first_line(process):
    return process.stdout.readline().decode().rstrip("\n")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such end")
def test_a_killed_process_loses_nothing_that_it_acknowledged(config):
    acknowledged = []
    for number in range(3):
        with logging_process(config) as process:
            acknowledged.append(first_line(process))
            time.sleep(0.05 * number)
            process.kill()
            acknowledged += lines(process)
    with PredictionLog(config) as log:
        wait_until(lambda: not list(config.spool_dir.glob("*.records")))
        assert log.state().damaged == log.state().rejected == 0
    found = held(config.database_url)
    assert len(found) == len(set(found))
    assert set(acknowledged) <= set(found)
    assert len(acknowledged) > 4


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such end")
def test_processes_killed_again_and_again_beside_others_that_live(config):
    acknowledged = []
    with logging_process(config, threads=2) as living:
        for number in range(12):
            with logging_process(config) as one, logging_process(config) as other:
                acknowledged += [first_line(one), first_line(other)]
                time.sleep(0.01 * (number % 7))
                one.kill()
                other.kill()
                acknowledged += lines(one) + lines(other)
        # The living one adopts what the dead have left.
        acknowledged += finish(living)
    with PredictionLog(config) as log:
        wait_until(lambda: not list(config.spool_dir.glob("*.records")))
        assert log.state().damaged == log.state().rejected == 0
    found = held(config.database_url)
    assert len(found) == len(set(found))
    assert set(acknowledged) <= set(found)


def test_a_process_that_ends_in_good_order_leaves_nothing_behind(sqlite):
    with logging_process(sqlite) as process:
        acknowledged = [first_line(process), *finish(process)]
    assert sorted(held(sqlite.database_url)) == sorted(acknowledged)
    assert list(sqlite.spool_dir.iterdir()) == []


def test_a_living_process_adopts_a_dead_one(sqlite):
    with PredictionLog(sqlite) as log, logging_process(sqlite) as process:
        first_line(process)
        process.kill()
        acknowledged = lines(process)
        wait_until(lambda: not list(sqlite.spool_dir.glob("*.records")))
        assert log.state().appended == 0
        assert set(acknowledged) <= set(held(sqlite.database_url))


def test_a_spool_that_somebody_removes_is_made_again(sqlite, predicted):
    with PredictionLog(sqlite) as log:
        assert append(log, predicted()) == [None]
        assert log.flush(30)
        shutil.rmtree(sqlite.spool_dir)
        wait_until(lambda: append(log, predicted()) == [None] and sqlite.spool_dir.exists())
        assert log.flush(30)
        record = predicted()
        assert append(log, record) == [None]
        assert log.prediction(record.id).record == record


# A PostgreSQL that is killed.


def test_a_server_that_is_killed_under_load_loses_nothing(postgresql_server, postgresql, tmp_path):
    upgrade(postgresql)
    config = LogConfig(database_url=postgresql, spool_dir=tmp_path / "spool")
    with logging_process(config) as process:
        acknowledged = [first_line(process)]
        for end in (postgresql_server.kill, postgresql_server.stop):
            time.sleep(0.3)
            end()
            time.sleep(0.3)
            acknowledged.append(first_line(process))
            postgresql_server.start()
        acknowledged += finish(process)
    with PredictionLog(config):
        wait_until(lambda: not list(config.spool_dir.glob("*.records")))
    found = held(postgresql)
    assert not [line for line in acknowledged if line.startswith("!")]
    assert len(found) == len(set(found))
    assert set(acknowledged) == set(found)


# A disk that is full.


@pytest.fixture
def tiny_disk(tmp_path):
    """A file system of one megabyte."""
    folder = tmp_path / "tiny"
    folder.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", folder]
    try:
        subprocess.run(command, check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        pytest.skip(f"no file system can be mounted here: {error}")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_full_disk_sends_records_to_the_database_until_there_is_space(
    tiny_disk, config, predicted
):
    config = change(config, spool_dir=tiny_disk / "spool")
    ballast = tiny_disk / "ballast"
    with PredictionLog(config) as log:
        before = [predicted(embedding=os.urandom(2560)) for _ in range(10)]
        assert append(log, *before) == [None] * 10
        during = [predicted(embedding=os.urandom(2560)) for _ in range(50)]
        with ballast.open("wb", buffering=0) as file:
            for record in during:
                # Again and again: the spool lets go of what has been moved.
                with contextlib.suppress(OSError):
                    while True:
                        file.write(bytes(4096))
                assert append(log, record) == [None]
        assert log.state().direct > 0
        assert not log.state().spool_up
        assert "No space left" in log.state().last_error
        ballast.unlink()
        after = [predicted() for _ in range(10)]
        assert append(log, *after) == [None] * 10
        assert log.state().spool_up
        assert log.flush(30)
        assert log.state().damaged == 0
    assert held(config.database_url) == [record.id for record in (*before, *during, *after)]
    assert list(config.spool_dir.iterdir()) == []


def test_a_disk_that_is_full_and_a_database_that_is_away_refuse(tiny_disk, tmp_path, predicted):
    (tmp_path / "sub").write_text("no folder")
    config = LogConfig(
        database_url=f"sqlite:///{tmp_path}/sub/log.db", spool_dir=tiny_disk / "spool"
    )
    told, records = [], [predicted(embedding=os.urandom(25_600)) for _ in range(60)]
    with PredictionLog(config) as log:
        for record in records:
            told += append(log, record)
        kept = [record.id for record, error in zip(records, told, strict=True) if error is None]
        assert 10 < len(kept) < 60
        assert all(isinstance(error, NotDurableError) for error in told if error)
        (tmp_path / "sub").unlink()
        assert log.flush(60)
        assert append(log, predicted()) == [None]
    assert held(config.database_url)[:-1] == kept


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")
def test_a_limit_on_files_is_met_by_the_next_file(postgresql, tmp_path):
    # Without root: no file may grow beyond 100 KB, in the middle of a frame.
    import resource

    upgrade(postgresql)
    config = LogConfig(database_url=postgresql, spool_dir=tmp_path / "spool")

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))

    with logging_process(config, segment_bytes=1 << 20, preexec_fn=limit) as process:
        acknowledged = [first_line(process) for _ in range(1000)]
        process.kill()
        acknowledged += lines(process)
    with PredictionLog(config) as log:
        wait_until(lambda: not list(config.spool_dir.glob("*.records")))
        assert log.state().damaged == 0
    found = held(postgresql)
    assert not [line for line in acknowledged if line.startswith("!")]
    assert len(found) == len(set(found))
    assert set(acknowledged) <= set(found)


def test_a_spool_that_is_a_file_sends_records_to_the_database(sqlite, predicted):
    sqlite.spool_dir.write_text("no folder")
    with PredictionLog(sqlite) as log:
        record = predicted()
        assert append(log, record) == [None]
        assert (log.state().direct, log.state().spool_up) == (1, False)
        assert log.prediction(record.id).record == record
        sqlite.spool_dir.unlink()
        assert append(log, predicted()) == [None]
        assert log.state().spool_up
