import msgspec
import pytest
from mlopsproj_core.errors import RecordsError
from mlopsproj_records import Database, LogConfig, PredictionLog, unmoved, upgrade
from mlopsproj_records.database_url import identity, read_url
from mlopsproj_records.frames import frame
from mlopsproj_records.segments import SegmentName
from mlopsproj_records.spool import Spool
from mlopsproj_records.unmoved import count_unmoved


def spooled(folder, records, url):
    """As a process leaves them that was killed before it moved them."""
    spool = Spool(folder, 1 << 20, database=identity(read_url(url)))
    encode = msgspec.msgpack.Encoder().encode
    data = b"".join(frame(spool.marker, encode(record)) for record in records)
    spool.write("records", data, len(records))


def test_counts_what_the_database_does_not_hold(empty_url, predicted, said, tmp_path):
    upgrade(empty_url)
    assert count_unmoved(tmp_path / "spool", empty_url) == 0
    assert not (tmp_path / "spool").exists()
    records = [predicted() for _ in range(600)]
    records += [said(record) for record in records[:3]]
    spooled(tmp_path / "spool", records[:300], empty_url)
    spooled(tmp_path / "spool", records[300:], empty_url)
    assert count_unmoved(tmp_path / "spool", empty_url) == 603
    with Database(empty_url) as database:
        database.insert(records[:590])
    assert count_unmoved(tmp_path / "spool", empty_url) == 13


def test_what_a_service_has_moved_does_not_wait(empty_url, predicted, tmp_path):
    upgrade(empty_url)
    config = LogConfig(database_url=empty_url, spool_dir=tmp_path / "spool")
    with PredictionLog(config) as log:
        log.append(predicted(), lambda error: None)
        assert log.flush(30)
        assert count_unmoved(tmp_path / "spool", empty_url) == 0


def test_a_record_of_another_release_waits(empty_url, tmp_path):
    upgrade(empty_url)
    spool = Spool(tmp_path / "spool", 1 << 20, database=identity(read_url(empty_url)))
    spool.write("records", frame(spool.marker, b"\xc1"), 1)
    (tmp_path / "spool" / str(SegmentName("ab" * 8, 1, "images"))).write_bytes(b"no record")
    assert count_unmoved(tmp_path / "spool", empty_url) == 1


def test_a_spool_that_cannot_be_read_is_told(empty_url, tmp_path):
    (tmp_path / "spool").touch()
    with pytest.raises(RecordsError, match=r"The spool .* cannot be read"):
        count_unmoved(tmp_path / "spool", empty_url)


def test_records_of_another_database_are_not_of_this_one(empty_url, predicted, tmp_path):
    upgrade(empty_url)
    spooled(tmp_path / "spool", [predicted() for _ in range(3)], "sqlite:////elsewhere.db")
    assert count_unmoved(tmp_path / "spool", empty_url) == 0
    spooled(tmp_path / "spool", [predicted() for _ in range(2)], empty_url)
    assert count_unmoved(tmp_path / "spool", empty_url) == 2
    for lock in (tmp_path / "spool").glob("*.lock"):
        lock.unlink()
    assert count_unmoved(tmp_path / "spool", empty_url) == 5, "nobody says what they are for"


def test_one_segment_is_read_at_a_time(empty_url, predicted, tmp_path, monkeypatch):
    upgrade(empty_url)
    for _ in range(3):
        spooled(tmp_path / "spool", [predicted()], empty_url)
    steps = []
    for name in ("_payloads", "_held"):
        really = getattr(unmoved, name)
        monkeypatch.setattr(
            unmoved,
            name,
            lambda *given, name=name, really=really: (steps.append(name), really(*given))[1],
        )
    assert count_unmoved(tmp_path / "spool", empty_url) == 3
    assert steps == ["_payloads", "_held", "_held"] * 3
