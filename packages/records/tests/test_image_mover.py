import hashlib
import threading
from pathlib import Path

import msgspec
import pytest
from mlopsproj_core.errors import DatabaseAwayError, RecordsError
from mlopsproj_records import Database, upgrade
from mlopsproj_records.counts import Counts
from mlopsproj_records.frames import frame
from mlopsproj_records.image_mover import ImageMover
from mlopsproj_records.images import ImageStore, SpooledImage
from mlopsproj_records.mover import Mover
from mlopsproj_records.rounds import StoppedError
from mlopsproj_records.spool import Spool


class Rig:
    def __init__(self, tmp_path, database, predicted):
        self.spool, self.counts = Spool(tmp_path / "spool", 1 << 24, database="here"), Counts()
        self.database, self.predicted = database, predicted
        self.folder = tmp_path / "images"
        self.store = ImageStore(str(self.folder))
        self.mover = Mover(
            self.spool, database, self.counts, seal_moved=lambda: None, check=lambda: None
        )
        self.stopping = threading.Event()
        self.images = self.mover_to(self.store)

    def write(self, *datas):
        """Predictions and their images, in the order in which the writer writes them."""
        records = []
        for data in datas:
            record = self.predicted(image_sha256=hashlib.sha256(data).hexdigest())
            image = SpooledImage(record.id, record.image_sha256, data)
            for kind, item in (("records", record), ("images", image)):
                payload = msgspec.msgpack.encode(item)
                self.spool.write(kind, frame(self.spool.marker, payload), 1)
            records.append(record)
        return records

    def mover_to(self, store):
        return ImageMover(
            self.spool,
            self.database,
            store,
            self.counts,
            check=lambda: None,
            is_stopping=self.stopping.is_set,
        )

    def move(self):
        self.images.move()

    @property
    def waiting(self):
        return sum(lane.images.waiting_frames for lane in self.spool.lanes)

    def url(self, record):
        return self.database.prediction(record.id).record.image_url


@pytest.fixture
def database(tmp_path):
    """Of the kind that is at hand soonest."""
    url = f"sqlite:///{tmp_path}/log.db"
    upgrade(url)
    with Database(url) as database:
        yield database


@pytest.fixture
def rig(tmp_path, database, predicted):
    rig = Rig(tmp_path, database, predicted)
    yield rig
    rig.spool.close()


def test_predictions_are_told_where_their_images_are(rig):
    datas = [b"image %d" % number for number in range(100)]
    records = rig.write(*datas)
    rig.mover.move()
    assert rig.url(records[0]) is None  # no record waits for its image
    rig.move()
    assert [Path(rig.url(record)).read_bytes() for record in records] == datas
    assert (rig.counts.images_stored, rig.waiting) == (100, 0)
    rig.move()
    assert rig.counts.images_stored == 100


def test_the_same_image_is_kept_once(rig):
    first, second = rig.write(b"same", b"same")
    rig.mover.move()
    rig.move()
    assert rig.url(first) == rig.url(second)
    assert len([path for path in rig.folder.rglob("*") if path.is_file()]) == 1


def test_an_image_that_is_faster_than_its_prediction_waits_for_it(rig):
    (record,) = rig.write(b"image")
    thread = threading.Thread(target=rig.move)
    thread.start()
    rig.mover.move()
    thread.join(30)
    assert not thread.is_alive()
    assert rig.url(record) is not None


def test_who_stops_is_not_held_up_by_a_prediction_that_does_not_come(rig):
    (record,) = rig.write(b"image")
    rig.stopping.set()
    with pytest.raises(StoppedError):
        rig.move()
    assert rig.waiting == 1
    rig.mover.move()
    rig.move()
    assert rig.url(record) is not None


def test_while_the_store_is_away_images_wait_and_records_do_not(rig):
    rig.folder.write_text("no folder")
    records = rig.write(b"one", b"two")
    rig.mover.move()
    for _ in range(3):
        with pytest.raises(RecordsError, match="The image store"):
            rig.move()
    assert rig.waiting == 2
    assert rig.url(records[0]) is None
    rig.folder.unlink()
    rig.move()
    assert all(rig.url(record) for record in records)
    assert (rig.waiting, rig.counts.images_failed) == (0, 0)


def test_while_the_database_is_away_no_image_is_forgotten(rig, monkeypatch):
    (record,) = rig.write(b"one")
    rig.mover.move()

    def away(*_, **__):
        raise DatabaseAwayError("away")

    with monkeypatch.context() as patch:
        patch.setattr(rig.database, "run", away)
        with pytest.raises(DatabaseAwayError):
            rig.move()
    rig.move()
    assert rig.url(record) is not None


def test_without_a_store_what_is_found_is_dropped_and_counted(rig, caplog):
    rig.write(b"one", b"two")
    rig.mover.move()
    rig.mover_to(None).move()
    assert (rig.counts.images_failed, rig.waiting) == (2, 0)
    assert "MLOPSPROJ_IMAGE_LOG_URL is empty" in caplog.text


def test_what_is_no_image_harms_no_other(rig):
    rig.spool.write("images", frame(rig.spool.marker, b"\xc1 no msgpack"), 1)
    (record,) = rig.write(b"one")
    rig.mover.move()
    rig.move()
    assert rig.url(record) is not None
    assert (rig.counts.images_failed, rig.counts.images_stored) == (1, 1)


def test_an_image_whose_prediction_has_gone_is_not_kept(rig):
    payload = msgspec.msgpack.encode(SpooledImage("nobody", "00" * 32, b"x"))
    rig.spool.write("images", frame(rig.spool.marker, payload), 1)
    rig.move()
    assert (rig.waiting, rig.counts.images_failed) == (0, 1)
    assert not rig.folder.exists()


def test_images_go_to_an_object_store(rig, emulator):
    rig.images = rig.mover_to(ImageStore(emulator.new_prefix()))
    records = rig.write(*(b"image %d" % number for number in range(30)))
    rig.mover.move()
    rig.move()
    import fsspec

    for number, record in enumerate(records):
        assert rig.url(record).startswith("gs://")
        with fsspec.open(rig.url(record)) as file:
            assert file.read() == b"image %d" % number
