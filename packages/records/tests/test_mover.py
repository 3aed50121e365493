from datetime import UTC, datetime

import msgspec
import pytest
from mlopsproj_core.errors import DatabaseAwayError
from mlopsproj_records import mover as mover_module
from mlopsproj_records.counts import Counts
from mlopsproj_records.frames import frame, scan
from mlopsproj_records.mover import Mover
from mlopsproj_records.spool import QUARANTINE, Spool


class Rig:
    def __init__(self, folder, database):
        self.folder, self.database = folder, database
        self.spool, self.counts, self.sealed = Spool(folder, 1 << 24, database="here"), Counts(), []
        self.mover = Mover(
            self.spool,
            database,
            self.counts,
            seal_moved=lambda: self.sealed.append(None),
            check=lambda: None,
        )

    def write(self, *records):
        for record in records:
            payload = record if isinstance(record, bytes) else msgspec.msgpack.encode(record)
            self.spool.write("records", frame(self.spool.marker, payload), 1)

    @property
    def waiting(self):
        return sum(lane.records.waiting_frames for lane in self.spool.lanes)

    def ids(self):
        return [stored.record.id for stored in self.database.predictions()]


@pytest.fixture
def rig(tmp_path, database):
    rig = Rig(tmp_path / "spool", database)
    yield rig
    rig.spool.close()


def test_each_record_is_in_the_database_once(rig, predicted, said, monkeypatch):
    monkeypatch.setattr(mover_module, "BATCH_RECORDS", 7)
    records = [predicted() for _ in range(20)]
    rig.write(*records, said(records[3], "cat"))
    rig.mover.move()
    rig.mover.move()
    assert rig.ids() == [record.id for record in records]
    assert rig.database.prediction(records[3].id).feedback.label == "cat"
    assert rig.database.prediction(records[0].id).record == records[0]
    assert (rig.counts.moved, rig.counts.rejected, rig.waiting) == (21, 0, 0)


def test_what_was_moved_before_a_crash_is_moved_once(rig, predicted):
    records = [predicted() for _ in range(5)]
    rig.write(*records)
    rig.mover.move()
    rig.write(predicted())
    rig.spool.close()  # nothing of what was moved is noted on the disk
    heir = Rig(rig.folder, rig.database)
    heir.mover.move()
    assert rig.ids()[:5] == [record.id for record in records]
    assert len(rig.ids()) == 6
    assert list(rig.folder.glob("*.records")) == []
    heir.spool.close()


def test_while_the_database_is_away_everything_waits(rig, predicted, monkeypatch):
    insert = rig.database.insert
    rig.write(*(predicted() for _ in range(5)))

    def away(_):
        raise DatabaseAwayError("away")

    monkeypatch.setattr(rig.database, "insert", away)
    for _ in range(3):
        with pytest.raises(DatabaseAwayError):
            rig.mover.move()
    assert (rig.waiting, rig.counts.moved) == (5, 0)
    monkeypatch.setattr(rig.database, "insert", insert)
    rig.mover.move()
    assert (rig.waiting, rig.counts.moved) == (0, 5)
    assert len(rig.ids()) == 5


def test_what_nobody_will_ever_take_is_put_aside_and_its_neighbours_are_not(rig, predicted, caplog):
    good = [predicted(), predicted()]
    odd = predicted(version=1 << 63)
    newer = msgspec.msgpack.encode({"type": "from a newer release"})
    rig.write(good[0], odd, newer, b"\xc1 no msgpack", good[1])
    rig.mover.move()
    assert rig.ids() == [record.id for record in good]
    assert (rig.counts.moved, rig.counts.rejected, rig.waiting) == (2, 3, 0)
    (file,) = (rig.folder / QUARANTINE).iterdir()
    payloads = [item.payload for item in scan(file.read_bytes(), rig.spool.marker).frames]
    assert newer in payloads
    assert msgspec.msgpack.encode(odd) in payloads
    assert "of another release" in caplog.text
    assert "refuses a record for ever" in caplog.text


def test_the_spool_of_the_dead_is_moved_too(rig, predicted):
    dead = Rig(rig.folder, rig.database)
    dead.write(predicted(), predicted())
    dead.spool.close()
    rig.mover.move()
    assert len(rig.ids()) == 2
    rig.mover._looked_around = None  # some seconds later
    rig.mover.move()
    assert list(rig.folder.iterdir()) == []


def test_a_segment_that_has_had_its_time_is_let_go(rig, predicted, monkeypatch):
    rig.write(predicted())
    rig.mover.move()
    assert rig.sealed == []
    monkeypatch.setattr("mlopsproj_records.lane.RETIRED_AFTER_SECONDS", 0)
    rig.mover.move()
    assert rig.sealed == [None]


def test_what_an_earlier_release_left_in_the_spool_is_moved(rig):
    # As 0.1.0 wrote it: never changed, only followed by other formats.
    made = datetime(2026, 11, 25, 4, 18, 1, tzinfo=UTC)
    prediction = {
        "type": "prediction",
        "id": "01a210ec-c3d1-7658-828a-5a3316ea894f",
        "time": made,
        "model": "animals",
        "version": 3,
        "top_k": [["cat", 0.75]],
        "probabilities": b"\0\0@?",
        "embedding": b"\0<",
        "ood_score": 1.5,
        "statistics": {"width": 640, "mode": "RGB"},
        "latency_ms": {"infer": 2.0},
        "request_id": "r1",
        "image_sha256": "ab" * 32,
    }
    feedback = {
        "type": "feedback",
        "id": "01a210ec-c3d1-7658-828a-5a3316ea8950",
        "prediction_id": prediction["id"],
        "label": "dog",
        "actor": "ann",
        "time": made,
    }
    rig.write(msgspec.msgpack.encode(prediction), msgspec.msgpack.encode(feedback))
    rig.mover.move()
    stored = rig.database.prediction(prediction["id"])
    assert (stored.record.time, stored.record.top_k) == (made, (("cat", 0.75),))
    assert stored.feedback.label == "dog"
