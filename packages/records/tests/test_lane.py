import errno
import os
import shutil
from pathlib import Path

import pytest
from mlopsproj_core.file_lock import try_lock
from mlopsproj_records import lane as lane_module
from mlopsproj_records.frames import frame, scan
from mlopsproj_records.lane import Lane, Track

LANE = "00112233445566ff"


def framed(payload):
    return frame(bytes.fromhex(LANE), payload)


@pytest.fixture
def track(tmp_path):
    return Track(tmp_path, LANE, "records")


def move_all(track):
    for segment in track.unmoved():
        segment.moved, segment.frames_moved = segment.end, segment.frames


def files(folder):
    return sorted(path.name for path in Path(folder).iterdir())


def test_what_is_written_waits_until_it_is_moved(track, tmp_path):
    assert track.is_empty
    track.write(framed(b"one") + framed(b"two"), 2)
    (segment,) = track.unmoved()
    assert [f.payload for f in scan(segment.path.read_bytes(), segment.name.marker).frames] == [
        b"one",
        b"two",
    ]
    assert (track.waiting_frames, track.waiting_bytes) == (2, segment.end)
    move_all(track)
    assert (track.waiting_frames, track.waiting_bytes) == (0, 0)
    track.remove_moved()
    assert not track.is_empty  # its writer may go on
    track.seal_if_moved()
    track.remove_moved()
    assert track.is_empty
    assert files(tmp_path) == []


def test_what_is_not_moved_is_not_sealed_away(track):
    track.write(framed(b"one"), 1)
    track.seal_if_moved()
    track.write(framed(b"two"), 1)
    assert len(track.unmoved()) == 1


def test_a_large_segment_is_followed_by_another(track, monkeypatch):
    monkeypatch.setattr(lane_module, "SEGMENT_BYTES", 100)
    for _ in range(4):
        track.write(framed(b"x" * 60), 1)
    assert [segment.name.number for segment in track.unmoved()] == [1, 2]
    assert [segment.sealed for segment in track.unmoved()] == [True, False]
    move_all(track)
    track.remove_moved()
    track.write(framed(b"x" * 60), 1)
    assert [segment.name.number for segment in track.unmoved()] == [3]


def test_a_mark_is_moved_when_all_before_it_is(track):
    empty = track.end
    track.write(framed(b"one"), 1)
    mark = track.end
    track.write(framed(b"two"), 1)
    assert empty.is_moved
    assert not mark.is_moved
    (segment,) = track.unmoved()
    segment.moved = len(framed(b"one"))
    assert mark.is_moved
    assert not track.end.is_moved


def test_a_failed_write_ends_its_segment(track, monkeypatch):
    track.write(framed(b"one"), 1)
    write = os.write

    def broken_disk(*_):
        raise OSError(errno.EIO, "broken")

    monkeypatch.setattr(os, "write", broken_disk)
    with pytest.raises(OSError, match="broken"):
        track.write(framed(b"two"), 1)
    monkeypatch.setattr(os, "write", write)
    track.write(framed(b"three"), 1)
    first, second = track.unmoved()
    assert (first.sealed, first.frames, first.end) == (True, 1, len(framed(b"one")))
    assert first.path.read_bytes() == framed(b"one")
    assert second.path.read_bytes() == framed(b"three")


def test_a_disk_that_stays_full_leaves_no_empty_files(track, tmp_path, monkeypatch):
    def full_disk(*_):
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(os, "write", full_disk)
    for _ in range(3):
        with pytest.raises(OSError, match="full"):
            track.write(framed(b"one"), 1)
    assert files(tmp_path) == []
    assert track.is_empty


def test_a_segment_that_somebody_removed_is_written_no_more(track):
    track.write(framed(b"one"), 1)
    (segment,) = track.unmoved()
    segment.path.unlink()
    segment.moved, segment.lost = segment.end, True
    track.write(framed(b"two"), 1)
    (segment,) = track.unmoved()
    assert segment.path.read_bytes() == framed(b"two")


def test_a_segment_is_retired_once_it_is_old_and_moved(track, monkeypatch):
    assert not track.is_retirable
    track.write(framed(b"one"), 1)
    move_all(track)
    assert not track.is_retirable
    monkeypatch.setattr(lane_module, "RETIRED_AFTER_SECONDS", 0)
    assert track.is_retirable
    track.write(framed(b"two"), 1)
    assert not track.is_retirable


def test_adopted_segments_come_in_their_order(tmp_path):
    dead = Track(tmp_path, LANE, "records")
    for number in range(3):
        dead.write(framed(b"%d" % number), 1)
        dead.seal()
    track = Track(tmp_path, LANE, "records")
    track.adopt(segment.name for segment in reversed(dead.unmoved()))
    assert [segment.name.number for segment in track.unmoved()] == [1, 2, 3]
    assert all(segment.sealed for segment in track.unmoved())


def test_an_empty_lane_leaves_no_lock(tmp_path):
    lock = tmp_path / f"{LANE}.lock"
    lane = Lane(tmp_path, LANE, try_lock(lock), database="here", is_own=True)
    assert lane.is_empty
    lane.release()
    assert files(tmp_path) == []


def test_a_lane_that_holds_something_can_be_adopted_once_it_is_released(tmp_path):
    lock = tmp_path / f"{LANE}.lock"
    lane = Lane(tmp_path, LANE, try_lock(lock), database="here", is_own=True)
    lane.images.write(framed(b"one"), 1)
    assert try_lock(lock) is None
    lane.images.seal()
    lane.release()
    assert lock.exists()
    try_lock(lock).close()


def test_a_lock_that_somebody_removed_is_taken_again(tmp_path):
    folder = tmp_path / "spool"
    lock = folder / f"{LANE}.lock"
    lane = Lane(folder, LANE, try_lock(lock), database="here", is_own=True)
    lane.records.write(framed(b"one"), 1)
    shutil.rmtree(folder)
    lane.records.seal()
    lane.records.write(framed(b"two"), 1)
    assert try_lock(lock) is None
    first, second = lane.records.unmoved()
    assert not first.path.exists()
    assert second.path.read_bytes() == framed(b"two")
    lane.records.seal()
    lane.release()


def test_a_lane_that_somebody_else_has_taken_is_written_no_more(tmp_path):
    lock = tmp_path / f"{LANE}.lock"
    lane = Lane(tmp_path, LANE, try_lock(lock), database="here", is_own=True)
    lock.unlink()
    other = try_lock(lock)
    with pytest.raises(OSError, match="held by another process"):
        lane.records.write(framed(b"one"), 1)
    other.close()
    lane.records.write(framed(b"one"), 1)
    lane.records.seal()
    lane.release()
