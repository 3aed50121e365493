import errno
import os
import sys

import pytest
from mlopsproj_records.segments import SegmentName, SegmentWriter

LANE = "00112233445566ff"


def test_a_name_says_what_a_file_holds():
    name = SegmentName(LANE, 7, "records")
    assert str(name) == f"{LANE}-00000007.records"
    assert SegmentName.parse(str(name)) == name
    assert name.marker == bytes.fromhex(LANE)
    assert SegmentName.parse(str(SegmentName(LANE, 123_456_789, "images"))).number == 123_456_789


@pytest.mark.parametrize(
    "name", [f"{LANE}.lock", f"{LANE}-7.records", f"{LANE}-00000007.else", "quarantine", "x", ""]
)
def test_other_files_are_no_segments(name):
    assert SegmentName.parse(name) is None


@pytest.mark.parametrize("durable", [True, False])
def test_appends_whole(tmp_path, durable):
    writer = SegmentWriter(tmp_path / "segment", durable=durable)
    writer.append(b"one\r\n")
    writer.append(b"two\n")
    writer.close()
    writer.close()  # says nothing
    assert writer.size_bytes == 9
    assert (tmp_path / "segment").read_bytes() == b"one\r\ntwo\n"


def test_an_existing_file_is_nobody_elses(tmp_path):
    (tmp_path / "segment").write_bytes(b"x")
    with pytest.raises(FileExistsError):
        SegmentWriter(tmp_path / "segment", durable=True)


def test_a_write_that_stops_half_way_leaves_nothing_of_itself(tmp_path, monkeypatch):
    writer = SegmentWriter(tmp_path / "segment", durable=True)
    writer.append(b"whole")
    write, calls = os.write, []

    def full_disk(handle, data):
        if calls:
            raise OSError(errno.ENOSPC, "No space left on device")
        calls.append(handle)
        return write(handle, bytes(data)[:2])

    monkeypatch.setattr(os, "write", full_disk)
    with pytest.raises(OSError, match="No space"):
        writer.append(b"torn")
    assert writer.size_bytes == 5
    assert (tmp_path / "segment").read_bytes() == b"whole"


def test_a_system_without_synchronous_files_is_asked_to_sync(tmp_path, monkeypatch):
    import mlopsproj_records.segments as module

    synced = []
    monkeypatch.setattr(module, "_DURABLE", 0)
    monkeypatch.setattr(module, "_sync", synced.append)
    writer = SegmentWriter(tmp_path / "one", durable=True)
    writer.append(b"x")
    assert len(synced) == 1
    images = SegmentWriter(tmp_path / "two", durable=False)
    images.append(b"x")
    assert len(synced) == 1
    writer.close()
    images.close()


@pytest.mark.skipif(not hasattr(os, "O_DSYNC"), reason="this system has no synchronous files")
def test_every_append_is_on_the_disk_when_it_returns(tmp_path):
    import fcntl

    writer = SegmentWriter(tmp_path / "one", durable=True)
    assert fcntl.fcntl(writer._handle, fcntl.F_GETFL) & os.O_DSYNC
    writer.close()


def test_its_name_is_on_the_disk_before_anything_is_appended(tmp_path, monkeypatch):
    synced = []
    monkeypatch.setattr("mlopsproj_records.segments.sync_folder", synced.append)
    SegmentWriter(tmp_path / "one", durable=True).close()
    assert synced == [tmp_path]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such modes")
def test_nobody_else_may_read_what_clients_sent(tmp_path):
    SegmentWriter(tmp_path / "one", durable=True).close()
    assert (tmp_path / "one").stat().st_mode & 0o077 == 0
