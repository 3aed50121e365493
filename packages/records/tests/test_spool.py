import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from mlopsproj_core.file_lock import try_lock
from mlopsproj_records.frames import frame, scan
from mlopsproj_records.spool import QUARANTINE, Spool

MIB = 1 << 20


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "a" / "spool"


def move_all(spool):
    for lane in spool.lanes:
        for track in (lane.records, lane.images):
            for segment in track.unmoved():
                segment.moved, segment.frames_moved = segment.end, segment.frames
            track.remove_moved()


def content(spool):
    """Payloads that wait, of every lane, by kind."""
    return {
        kind: sorted(
            item.payload
            for lane in spool.lanes
            for segment in getattr(lane, kind).unmoved()
            for item in scan(segment.path.read_bytes(), segment.name.marker).frames
        )
        for kind in ("records", "images")
    }


def test_nothing_is_made_before_it_is_needed(folder):
    spool = Spool(folder, MIB, database="here")
    spool.look_around()
    assert spool.lanes == ()
    assert spool.waiting_bytes == 0
    spool.close()
    assert not folder.exists()


def test_nothing_is_left_once_everything_is_moved(folder):
    spool = Spool(folder, MIB, database="here")
    spool.write("records", frame(spool.marker, b"one"), 1)
    spool.write("images", frame(spool.marker, b"image"), 1)
    assert content(spool) == {"records": [b"one"], "images": [b"image"]}
    move_all(spool)
    spool.close()
    assert list(folder.iterdir()) == []


def test_what_a_closed_spool_holds_is_adopted(folder):
    first = Spool(folder, MIB, database="here")
    first.write("records", frame(first.marker, b"one"), 1)
    first.write("images", frame(first.marker, b"image"), 1)
    second = Spool(folder, MIB, database="here")
    second.look_around()
    assert second.lanes == ()  # its owner lives
    assert second.waiting_bytes == first.waiting_bytes
    first.close()
    second.look_around()
    assert content(second) == {"records": [b"one"], "images": [b"image"]}
    second.look_around()
    assert len(second.lanes) == 1
    move_all(second)
    second.look_around()
    assert second.lanes == ()
    assert second.waiting_bytes == 0
    assert list(folder.iterdir()) == []
    second.close()


DYING = """
import os, sys
from pathlib import Path
from mlopsproj_records.frames import frame
from mlopsproj_records.spool import Spool
spool = Spool(Path(sys.argv[1]), 1 << 20, database="here")
spool.write("records", frame(spool.marker, b"last words"), 1)
os._exit(9)
"""


def test_of_several_that_look_one_adopts_a_dead_process(folder):
    subprocess.run([sys.executable, "-c", DYING, folder], check=False)
    spools = [Spool(folder, MIB, database="here") for _ in range(8)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(Spool.look_around, spools))
    assert sorted(len(spool.lanes) for spool in spools) == [0] * 7 + [1]
    (adopter,) = (spool for spool in spools if spool.lanes)
    assert content(adopter)["records"] == [b"last words"]
    # The adopter dies too, in a manner of speaking.
    adopter.close()
    heir = next(spool for spool in spools if spool is not adopter)
    heir.look_around()
    assert content(heir)["records"] == [b"last words"]
    heir.close()


def test_a_lock_that_belongs_to_nothing_is_removed(folder):
    try_lock(folder / "00112233445566ff.lock").close()
    (folder / "notes.txt").write_text("somebody else's")
    (folder / "retention.lock").touch()
    spool = Spool(folder, MIB, database="here")
    spool.look_around()
    assert sorted(path.name for path in folder.iterdir()) == ["notes.txt", "retention.lock"]


def test_records_stop_at_the_limit_and_images_at_half_of_it(folder):
    spool = Spool(folder, 1000, database="here")
    spool.write("images", frame(spool.marker, bytes(400)), 1)
    with pytest.raises(OSError, match="limit of 1000 bytes"):
        spool.write("images", frame(spool.marker, bytes(100)), 1)
    spool.write("records", frame(spool.marker, bytes(400)), 1)
    with pytest.raises(OSError, match="limit of 1000 bytes"):
        spool.write("records", frame(spool.marker, bytes(400)), 1)
    move_all(spool)
    spool.write("records", frame(spool.marker, bytes(900)), 1)
    spool.close()


def test_what_others_hold_counts_for_the_limit(folder):
    other = Spool(folder, 1000, database="here")
    other.write("records", frame(other.marker, bytes(900)), 1)
    spool = Spool(folder, 1000, database="here")
    spool.look_around()
    with pytest.raises(OSError, match="limit"):
        spool.write("records", frame(spool.marker, bytes(200)), 1)
    move_all(other)
    other.close()
    spool.look_around()
    spool.write("records", frame(spool.marker, bytes(200)), 1)
    spool.close()


def test_quarantined_frames_are_read_again_once_they_are_moved_back(folder):
    spool = Spool(folder, MIB, database="here")
    spool.write("records", frame(spool.marker, b"odd"), 1)
    (segment,) = spool.lanes[0].records.unmoved()
    spool.quarantine(segment, frame(spool.marker, b"odd"))
    spool.quarantine(segment, b"rubbish", damaged_at=24)
    move_all(spool)
    spool.close()
    quarantine = folder / QUARANTINE
    assert sorted(path.name for path in quarantine.iterdir()) == [
        str(segment.name),
        f"{segment.name}.24.damaged",
    ]
    for path in quarantine.iterdir():
        path.rename(folder / path.name)
    again = Spool(folder, MIB, database="here")
    again.look_around()
    assert content(again)["records"] == [b"odd"]
    again.close()


def test_a_lane_that_cannot_be_locked_is_told_of_once(folder, caplog):
    (folder / "00112233445566ff.lock").mkdir(parents=True)  # nobody can open it for writing
    spool = Spool(folder, MIB, database="here")
    spool.look_around()
    spool.look_around()
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "is not adopted" in caplog.text


def test_what_is_for_another_database_is_left_to_it(folder, caplog):
    first = Spool(folder, MIB, database="production")
    first.write("records", frame(first.marker, b"one"), 1)
    (lock,) = folder.glob("*.lock")
    first.close()
    other = Spool(folder, MIB, database="staging")
    other.look_around()
    other.look_around()
    assert other.lanes == ()
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    assert "for production, and not for staging. They are moved" in caplog.text
    same = Spool(folder, MIB, database="production")
    same.look_around()
    assert content(same)["records"] == [b"one"]
    same.close()
    lock.unlink()  # as the message says
    other.look_around()
    assert content(other)["records"] == [b"one"]
    other.close()


def test_a_lock_that_says_nothing_is_anybodys(folder):
    subprocess.run([sys.executable, "-c", DYING, folder], check=False)
    (lock,) = folder.glob("*.lock")
    lock.write_bytes(b"")  # the machine went down before the word was on the disk
    spool = Spool(folder, MIB, database="another")
    spool.look_around()
    assert content(spool)["records"] == [b"last words"]
    spool.close()
