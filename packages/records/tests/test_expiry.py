import os
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from mlopsproj_core.errors import RecordsError
from mlopsproj_core.file_lock import try_lock
from mlopsproj_records import Database, upgrade
from mlopsproj_records import expiry as expiry_module
from mlopsproj_records.counts import Counts
from mlopsproj_records.expiry import Expiry
from mlopsproj_records.images import ImageStore

OLD = datetime.now(UTC) - timedelta(days=3)


@pytest.fixture
def database(tmp_path):
    """Of the kind that is at hand soonest."""
    url = f"sqlite:///{tmp_path}/log.db"
    upgrade(url)
    with Database(url) as database:
        yield database


@pytest.fixture
def images(tmp_path):
    return ImageStore(str(tmp_path / "images"))


@pytest.fixture
def make(tmp_path, database, images):
    def make(**limits):
        limits = {"max_age_days": None, "max_count": None} | limits
        return Expiry(tmp_path / "spool", database, images, Counts(), **limits)

    return make


def held(database):
    return [stored.record.id for stored in database.predictions()]


def test_what_is_too_old_goes_with_its_image(make, database, predicted, images):
    url = images.keep("ab" * 32, b"image")
    old, new = predicted(time=OLD, image_url=url), predicted()
    database.insert([old, new])
    expiry = make(max_age_days=2)
    assert not expiry.step()
    assert held(database) == [new.id]
    assert not Path(url).exists()
    assert expiry._counts.expired == 1


def test_without_limits_nothing_is_asked(make, tmp_path):
    assert not make().step()
    assert not (tmp_path / "spool").exists()


def test_what_one_process_did_a_moment_ago_no_other_does(make, database, predicted, tmp_path):
    make(max_count=1).step()
    database.insert([predicted(), predicted()])
    make(max_count=1).step()
    assert len(held(database)) == 2
    ago = time.time() - expiry_module.EVERY_SECONDS - 1
    os.utime(tmp_path / "spool" / "retention.lock", (ago, ago))
    make(max_count=1).step()
    assert len(held(database)) == 1


def test_one_process_at_a_time(make, database, predicted, tmp_path):
    database.insert([predicted(), predicted()])
    lock = try_lock(tmp_path / "spool" / "retention.lock")
    os.utime(lock.name, (0, 0))
    assert not make(max_count=1).step()
    assert len(held(database)) == 2
    lock.close()
    make(max_count=1).step()
    assert len(held(database)) == 1


def test_what_is_left_over_goes_at_once(make, database, predicted, monkeypatch):
    monkeypatch.setattr(expiry_module, "_ROWS_AT_ONCE", 1)
    monkeypatch.setattr("mlopsproj_records.retention.ROWS_AT_ONCE", 1)
    database.insert([predicted() for _ in range(4)])
    expiry = make(max_count=1)
    steps = 0
    while expiry.step():
        steps += 1
        assert steps < 10
    assert len(held(database)) == 1
    assert steps >= 2


def test_rows_whose_images_cannot_be_deleted_stay(make, database, predicted, images, tmp_path):
    url = images.keep("ab" * 32, b"image")
    database.insert([predicted(time=OLD, image_url=url)])
    folder = Path(url).parent
    Path(url).unlink()
    folder.rmdir()
    folder.write_text("no folder")
    with pytest.raises(RecordsError, match="image store"):
        make(max_age_days=2).step()
    assert len(held(database)) == 1


def test_what_could_not_expire_is_tried_again_at_once(make, database, predicted, monkeypatch):
    url = make()._store.keep("ab" * 32, b"image")
    database.insert([predicted(time=OLD, image_url=url)])
    expiry = make(max_age_days=2)

    def forbidden(_):
        raise RecordsError("the bucket lets nothing be deleted")

    with monkeypatch.context() as patch:
        patch.setattr(ImageStore, "delete", lambda _, url: forbidden(url))
        for _ in range(2):
            with pytest.raises(RecordsError, match="bucket"):
                expiry.step()
    assert not expiry.step()
    assert held(database) == []
