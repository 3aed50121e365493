"""The log's database away, locked, killed or full: answers go on, and nothing answered is lost."""

import contextlib
import os
import shutil
import sqlite3
import subprocess
import tempfile
from pathlib import Path

import pytest
from serving.load import Ask, Load
from serving.log_rows import prediction_ids
from serving.metrics_page import metric
from serving.pictures import jpeg
from serving.postgresql import PostgreSql
from serving.server import BIN

JPEGS = [jpeg(100, 100, seed=seed) for seed in range(8)]


def ask(number: int) -> Ask:
    return Ask(JPEGS[number % len(JPEGS)])


def logged_once_each(api, load) -> bool:
    """Whether all that was answered before is in the database now."""
    answered = load.ids()
    found = prediction_ids(api)
    assert len(found) == len(set(found))
    return set(answered) <= set(found)


@pytest.fixture
def postgresql():
    with tempfile.TemporaryDirectory() as folder:
        server = PostgreSql(Path(folder))
        try:
            server.start()
            yield server
        finally:
            server.kill()


def migrate(api):
    done = subprocess.run(
        [BIN / "api", "migrate"],
        cwd=api.folder,
        env={**os.environ, **api.environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_a_database_server_killed_and_restarted_under_load_loses_nothing(
    make_api, postgresql, workers
):
    api = make_api(MLOPSPROJ_DATABASE_URL=postgresql.url, MLOPSPROJ_API_WORKERS=str(workers))
    migrate(api)
    api.start()
    with Load(api.port, ask, clients=8) as load:
        for _ in range(2):
            load.wait_for(200)
            postgresql.kill()
            load.wait_for(400)
            api.wait_until(lambda: metric(api, "log_database_up") == 0, "does not notice")
            assert metric(api, "log_spooled_records") > 0
            postgresql.start()
        load.wait_for(200)
    assert {answer.status for answer in load.answers} == {200}, load.summary()
    api.wait_until(lambda: logged_once_each(api, load), "lost predictions that were answered")
    api.wait_until(lambda: metric(api, "log_spooled_records") == 0, "keeps records in its spool")
    assert metric(api, "log_records_total", result="moved") == len(load.ids())
    assert metric(api, "log_records_total", result="rejected") == 0


@pytest.mark.slow
def test_a_database_that_is_away_from_the_start_is_filled_when_it_comes(make_api, postgresql):
    api = make_api(MLOPSPROJ_DATABASE_URL=postgresql.url)
    migrate(api)
    postgresql.kill()
    api.start()
    with Load(api.port, ask, clients=4) as load:
        load.wait_for(100)
    assert {answer.status for answer in load.answers} == {200}, load.summary()
    away = api.client.get(f"/v1/predictions/{load.ids()[0]}")
    assert away.status_code == 503
    assert away.json()["detail"]
    # Ended and started again meanwhile: the spool stays.
    assert api.terminate() == 0
    api.start()
    postgresql.start()
    api.wait_until(lambda: logged_once_each(api, load), "lost predictions that were answered")


def test_a_locked_sqlite_database_delays_no_answer(make_api):
    api = make_api().start()
    with Load(api.port, ask, clients=4) as load:
        load.wait_for(50)
        api.wait_until(lambda: len(prediction_ids(api)) >= 50, "moves nothing")
        with contextlib.closing(sqlite3.connect(api.folder / "mlopsproj.db")) as other:
            other.execute("BEGIN IMMEDIATE")
            before = len(prediction_ids(api))
            load.wait_for(200)
            assert len(prediction_ids(api)) == before
            other.rollback()
    assert {answer.status for answer in load.answers} == {200}, load.summary()
    api.wait_until(lambda: logged_once_each(api, load), "lost predictions that were answered")


@pytest.fixture
def small_disk(tmp_path):
    """A disk of 4 MB."""
    folder = tmp_path / "disk"
    folder.mkdir()
    mounted = (
        subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=4m", "tmpfs", folder],
            capture_output=True,
            text=True,
            check=False,
        )
        if shutil.which("mount")
        else None
    )
    if mounted is None or mounted.returncode:
        pytest.skip("a small disk can be mounted by root only, where mounting is allowed")
    yield folder
    subprocess.run(["umount", "--lazy", folder], check=True)


def fill(disk) -> None:
    """Leave no byte."""
    with (disk / "filler").open("ab", buffering=0) as file, contextlib.suppress(OSError):
        while True:
            file.write(bytes(4096))


@pytest.mark.slow
def test_a_full_disk_of_the_spool_sends_records_to_the_database(make_api, small_disk):
    api = make_api(MLOPSPROJ_SPOOL_DIR=str(small_disk / "spool")).start()
    with Load(api.port, ask, clients=4) as load:
        load.wait_for(50)
        fill(small_disk)
        load.wait_for(200)
        (small_disk / "filler").unlink()
        load.wait_for(100)
    assert {answer.status for answer in load.answers} == {200}, load.summary()
    api.wait_until(lambda: logged_once_each(api, load), "lost predictions that were answered")
    assert "Traceback" not in api.stderr()


@pytest.mark.slow
def test_nowhere_to_keep_an_answer_is_said_and_passes(make_api, small_disk):
    api = make_api(
        MLOPSPROJ_SPOOL_DIR=str(small_disk / "spool"),
        MLOPSPROJ_DATABASE_URL=f"sqlite:///{small_disk / 'log.db'}",
    ).start()
    with Load(api.port, ask, clients=4) as load:
        load.wait_for(50)
        api.wait_until(lambda: len(prediction_ids(api)) >= 50, "moves nothing")
        fill(small_disk)
        load.wait_for(20, status=503)
        (small_disk / "filler").unlink()
        load.wait_for(100)
    refused = load.of_status(503)
    assert len(refused) + len(load.of_status(200)) == len(load.answers), load.summary()
    assert all(int(answer.headers["retry-after"]) >= 1 for answer in refused)
    assert all(answer.json["detail"] for answer in refused)
    api.wait_until(lambda: logged_once_each(api, load), "lost predictions that were answered")
