import errno
import threading

import msgspec
import pytest
from mlopsproj_core.errors import NotDurableError
from mlopsproj_records import Database, upgrade
from mlopsproj_records.counts import Counts
from mlopsproj_records.frames import scan
from mlopsproj_records.images import SpooledImage
from mlopsproj_records.record import Record
from mlopsproj_records.spool import Spool
from mlopsproj_records.writer import Writer


class Answers:
    """What the callers were told."""

    def __init__(self):
        self.told, self.threads = [], set()
        self.changed = threading.Condition()

    def done(self, error):
        with self.changed:
            self.told.append(error)
            self.threads.add(threading.current_thread().name)
            self.changed.notify_all()

    def wait(self, count):
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.told) >= count, 30)
        return self.told


@pytest.fixture
def url(tmp_path):
    url = f"sqlite:///{tmp_path}/log.db"
    upgrade(url)
    return url


class Rig:
    def __init__(self, tmp_path, url):
        self.folder = tmp_path / "spool"
        self.spool, self.counts, self.answers = (
            Spool(self.folder, 1 << 22, database="here"),
            Counts(),
            Answers(),
        )
        self.database, self.wakes, self.told = Database(url), [], []
        self.writer = Writer(
            self.spool,
            self.database,
            self.counts,
            written=self.wakes.append,
            told=self.told.append,
        )

    def append(self, record, image=None):
        self.writer.append(record, self.answers.done, image)

    def written(self, kind="records", type_=Record):
        return [
            msgspec.msgpack.decode(item.payload, type=type_)
            for segment in getattr(self.spool.lanes[0], kind).unmoved()
            for item in scan(segment.path.read_bytes(), segment.name.marker).frames
        ]


@pytest.fixture
def rig(tmp_path, url):
    rig = Rig(tmp_path, url)
    yield rig
    assert rig.writer.stop(30)
    rig.spool.close()
    rig.database.close()


@pytest.fixture
def broken_spool(rig, monkeypatch):
    """A spool that takes nothing, until the test says that it does."""
    write = rig.spool.write
    broken = threading.Event()
    broken.set()

    def failing(kind, data, count):
        if broken.is_set():
            raise OSError(errno.ENOSPC, "No space left on device")
        write(kind, data, count)

    monkeypatch.setattr(rig.spool, "write", failing)
    return broken


def test_who_is_told_finds_the_record_in_the_spool(rig, predicted, said):
    answer = predicted()
    records = [answer, said(answer)]
    found = []
    rig.writer.start()
    for record in records:
        rig.writer.append(
            record, lambda error: (found.append(rig.written()), rig.answers.done(error)), None
        )
    assert rig.answers.wait(2) == [None, None]
    assert answer in found[0]
    assert found[1] == rig.written() == records
    assert rig.answers.threads == {"records-writer"}
    assert rig.counts.appended == 2
    assert set(rig.wakes) == {"records"}


def test_what_arrives_meanwhile_is_written_at_once(rig, predicted, monkeypatch):
    sizes = []
    write = rig.spool.write
    monkeypatch.setattr(
        rig.spool, "write", lambda kind, data, n: (sizes.append(n), write(kind, data, n))
    )
    for _ in range(100):
        rig.append(predicted())
    rig.writer.start()  # they have arrived before it begins
    assert rig.answers.wait(100) == [None] * 100
    assert sizes == [100]


def test_a_record_that_cannot_be_encoded_is_the_callers_matter(rig, predicted):
    rig.writer.start()
    with pytest.raises(TypeError):
        rig.append(predicted(statistics={"width": object()}))
    rig.append(predicted())
    assert rig.answers.wait(1) == [None]


def test_a_caller_that_fails_harms_nobody(rig, predicted, caplog):
    def fail(_):
        raise ValueError("who cares")

    rig.writer.append(predicted(), fail, None)
    rig.append(predicted())
    rig.writer.start()
    assert rig.answers.wait(1) == [None]
    assert "failed when told" in caplog.text
    assert rig.counts.appended == 2


def test_without_space_records_go_to_the_database_and_come_back_to_the_spool(
    rig, predicted, broken_spool
):
    rig.writer.start()
    direct = [predicted() for _ in range(5)]
    for record in direct:
        rig.append(record)
    assert rig.answers.wait(5) == [None] * 5
    assert str(rig.told[-1]) == "[Errno 28] No space left on device"
    assert all(rig.database.prediction(record.id) for record in direct)
    broken_spool.clear()
    later = predicted()
    rig.append(later)
    assert rig.answers.wait(6) == [None] * 6
    assert rig.told[-1] is None
    assert rig.written() == [later]
    assert rig.database.prediction(later.id) is None
    assert (rig.counts.direct, rig.counts.appended, rig.counts.refused) == (5, 1, 0)


def test_without_space_and_database_nothing_is_said_to_be_durable(
    rig, predicted, broken_spool, tmp_path
):
    rig.database._engine.dispose()
    for file in tmp_path.glob("log.db*"):
        file.unlink()
    (tmp_path / "log.db").mkdir()
    rig.writer.start()
    rig.append(predicted())
    (error,) = rig.answers.wait(1)
    assert isinstance(error, NotDurableError)
    assert "No space left on device" in str(error)
    assert "log.db cannot be used" in str(error)
    rig.append(predicted())  # the database is not asked at every turn
    assert "away a moment ago" in str(rig.answers.wait(2)[1])
    assert (rig.counts.refused, rig.counts.appended, rig.counts.direct) == (2, 0, 0)
    broken_spool.clear()
    rig.append(predicted())
    assert rig.answers.wait(3)[2] is None


def test_without_space_a_record_that_the_database_refuses_is_not_durable_but_its_neighbours_are(
    rig, predicted, broken_spool
):
    good = [predicted(), predicted()]
    for record in (good[0], predicted(version=1 << 63), good[1]):
        rig.append(record)
    rig.writer.start()
    first, bad, last = rig.answers.wait(3)
    assert (first, last) == (None, None)
    assert "the database refuses it" in str(bad)
    assert all(rig.database.prediction(record.id) for record in good)
    assert (rig.counts.direct, rig.counts.refused) == (2, 1)


def test_an_error_that_nobody_foresaw_is_told_and_the_thread_goes_on(rig, predicted, monkeypatch):
    write = rig.spool.write
    monkeypatch.setattr(rig.spool, "write", lambda *_: 1 / 0)
    rig.writer.start()
    rig.append(predicted())
    (error,) = rig.answers.wait(1)
    assert "division by zero" in str(error)
    monkeypatch.setattr(rig.spool, "write", write)
    rig.append(predicted())
    assert rig.answers.wait(2)[1] is None


def test_an_image_follows_its_record_and_may_be_left_out(rig, predicted):
    rig.writer.start()
    small, large = predicted(image_sha256="aa" * 32), predicted(image_sha256="bb" * 32)
    rig.append(large, bytes(3 << 20))  # more than half of the spool
    rig.append(small, b"image")
    assert rig.answers.wait(2) == [None, None]
    assert rig.writer.pass_through(30)
    assert rig.written() == [large, small]
    assert rig.written("images", SpooledImage) == [SpooledImage(small.id, "aa" * 32, b"image")]
    assert rig.counts.images_left_out == 1
    assert rig.wakes[-1] == "images"


def test_no_image_is_kept_of_a_record_that_is_not(rig, predicted, broken_spool, monkeypatch):
    monkeypatch.setattr(rig.database, "insert", lambda records: (_ for _ in ()).throw(OSError("x")))
    rig.writer.start()
    rig.append(predicted(), b"image")
    (error,) = rig.answers.wait(1)
    assert isinstance(error, NotDurableError)
    assert rig.writer.pass_through(30)
    assert rig.counts.images_left_out == 0


def test_what_was_appended_before_the_end_is_written_and_nothing_after(rig, predicted):
    for _ in range(10):
        rig.append(predicted())
    rig.writer.start()
    assert rig.writer.stop(30)
    rig.append(predicted())
    told = rig.answers.wait(11)
    assert told[:10] == [None] * 10
    assert "the log is closed" in str(told[10])
    assert rig.writer.pass_through(1)


def test_everybody_is_told_once_however_the_end_comes(rig, predicted):
    rig.writer.start()
    records = [predicted() for _ in range(400)]
    halfway = threading.Barrier(5)

    def append(part):
        for number, record in enumerate(part):
            if number == 50:
                halfway.wait()
            rig.append(record)

    threads = [threading.Thread(target=append, args=(records[n::4],)) for n in range(4)]
    for thread in threads:
        thread.start()
    halfway.wait()
    assert rig.writer.stop(30)
    for thread in threads:
        thread.join()
    told = rig.answers.wait(400)
    assert len(told) == 400
    assert sum(error is None for error in told) == rig.counts.appended == len(rig.written())
    assert rig.counts.appended >= 200
