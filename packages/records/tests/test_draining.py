import errno
from pathlib import Path

import pytest
from mlopsproj_records.counts import Counts
from mlopsproj_records.draining import Draining
from mlopsproj_records.frames import frame, scan
from mlopsproj_records.rounds import StoppedError
from mlopsproj_records.segments import SegmentName
from mlopsproj_records.spool import QUARANTINE, Spool


class Taker:
    """Keeps what it is given, refuses what it is told to, and fails when it is told to."""

    def __init__(self, refuses=(), fails=()):
        self.batches, self.refuses, self.fails = [], set(refuses), list(fails)

    def __call__(self, payloads):
        if self.fails and (error := self.fails.pop(0)):
            raise error
        self.batches.append(list(payloads))
        return [payload for payload in payloads if payload in self.refuses]

    @property
    def taken(self):
        return [payload for batch in self.batches for payload in batch]


class Rig:
    def __init__(self, folder):
        self.spool, self.counts = Spool(folder, 1 << 20, database="here"), Counts()
        self.folder = folder
        self.check, self.moved = lambda: None, []

    def write(self, *payloads):
        for payload in payloads:
            self.spool.write("records", frame(self.spool.marker, payload), 1)

    def drain(self, take, *, frames=100, size_bytes=1 << 20):
        draining = Draining(
            self.spool,
            self.counts,
            frames=frames,
            size_bytes=size_bytes,
            check=self.check,
            moved=lambda *numbers: self.moved.append(numbers),
        )
        for lane in self.spool.lanes:
            draining.drain(lane, lane.records, take)

    @property
    def segments(self):
        return [segment for lane in self.spool.lanes for segment in lane.records.unmoved()]

    @property
    def waiting(self):
        return sum(lane.records.waiting_frames for lane in self.spool.lanes)

    @property
    def quarantined(self):
        folder = self.folder / QUARANTINE
        if not folder.exists():
            return {}
        return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def rig(tmp_path):
    rig = Rig(tmp_path / "spool")
    yield rig
    rig.spool.close()


def test_everything_is_taken_once_in_batches(rig):
    payloads = [b"%d" % number for number in range(10)]
    rig.write(*payloads)
    take = Taker()
    rig.drain(take, frames=4)
    assert [len(batch) for batch in take.batches] == [4, 4, 2]
    assert take.taken == payloads
    rig.drain(take)
    assert take.taken == payloads
    rig.write(b"later")
    rig.drain(take)
    assert take.taken == [*payloads, b"later"]
    assert rig.waiting == 0


def test_large_frames_make_small_batches(rig):
    rig.write(*(bytes([number]) * 600 for number in range(4)))
    take = Taker()
    rig.drain(take, size_bytes=1000)
    assert [len(batch) for batch in take.batches] == [2, 2]


def test_what_failed_is_given_again_and_what_went_before_is_not(rig):
    rig.write(b"one", b"two", b"three")
    take = Taker(fails=[None, OSError("away"), None])
    with pytest.raises(OSError, match="away"):
        rig.drain(take, frames=1)
    assert take.taken == [b"one"]
    assert rig.waiting == 2
    rig.drain(take, frames=1)
    assert take.taken == [b"one", b"two", b"three"]


def test_who_has_no_time_left_ends_between_two_batches(rig):
    rig.write(b"one", b"two", b"three")
    take = Taker()

    def check():
        if len(take.batches) == 2:
            raise StoppedError

    rig.check = check
    with pytest.raises(StoppedError):
        rig.drain(take, frames=1)
    assert take.taken == [b"one", b"two"]
    rig.check = lambda: None
    rig.drain(take)
    assert take.taken == [b"one", b"two", b"three"]
    assert rig.moved == [(1, 0), (1, 0), (1, 0)]


def test_what_is_refused_lies_in_the_quarantine(rig):
    rig.write(b"one", b"bad", b"two", b"worse")
    (segment,) = rig.segments
    rig.drain(Taker(refuses=[b"bad", b"worse"]))
    assert rig.waiting == 0
    (name,) = rig.quarantined
    assert SegmentName.parse(name) == segment.name
    found = scan(rig.quarantined[name], rig.spool.marker)
    assert [item.payload for item in found.frames] == [b"bad", b"worse"]


def test_what_cannot_be_quarantined_is_not_lost(rig):
    rig.write(b"one", b"bad")
    (rig.folder / QUARANTINE).write_text("no folder")
    take = Taker(refuses=[b"bad"])
    with pytest.raises(NotADirectoryError):
        rig.drain(take)
    assert rig.waiting == 2
    (rig.folder / QUARANTINE).unlink()
    rig.drain(take)
    assert len(rig.quarantined) == 1
    assert rig.waiting == 0
    assert rig.moved == [(1, 1)]


def change(path, position, value):
    data = bytearray(path.read_bytes())
    data[position : position + len(value)] = value
    path.write_bytes(data)


def test_damage_in_the_middle_costs_what_it_hit(rig, caplog):
    rig.write(b"one", b"two", b"three")
    (segment,) = rig.segments
    size = len(frame(rig.spool.marker, b"one"))
    change(segment.path, size + 5, b"\xff\xff")
    take = Taker()
    rig.drain(take, frames=1)
    assert take.taken == [b"one", b"three"]
    assert rig.counts.damaged == 1
    assert "are damaged" in caplog.text
    (name,) = rig.quarantined
    assert name == f"{segment.name}.{size}.damaged"
    assert len(rig.quarantined[name]) == size
    rig.drain(take)
    assert rig.counts.damaged == 1


def test_damage_is_told_once_however_often_the_taker_fails(rig):
    rig.write(b"one", b"two", b"three")
    change(rig.segments[0].path, 5, b"\xff\xff")
    take = Taker(fails=[OSError("away"), OSError("away"), None])
    for _ in range(2):
        with pytest.raises(OSError, match="away"):
            rig.drain(take)
    rig.drain(take)
    assert take.taken == [b"two", b"three"]
    assert rig.counts.damaged == 1
    assert len(rig.quarantined) == 1


def test_a_torn_tail_of_a_dead_process_is_passed_over(rig):
    rig.write(b"one", b"two")
    (segment,) = rig.segments
    rig.spool.close()
    with segment.path.open("ab") as file:
        file.write(frame(rig.spool.marker, b"never acknowledged")[:-3])
    heir = Rig(rig.folder)
    heir.spool.look_around()
    take = Taker()
    heir.drain(take)
    assert take.taken == [b"one", b"two"]
    assert (heir.counts.damaged, heir.quarantined) == (0, {})
    assert not segment.path.exists()
    assert heir.waiting == 0
    heir.spool.close()


def test_what_this_process_wrote_is_never_torn(rig):
    rig.write(b"one", b"two")
    (segment,) = rig.segments
    end = segment.end
    with segment.path.open("r+b") as file:
        file.truncate(end - 1)
    take = Taker()
    rig.drain(take)
    assert take.taken == [b"one"]
    assert rig.counts.damaged >= 1
    assert rig.segments == []


def test_a_segment_that_was_removed_is_told_and_the_rest_goes_on(rig, caplog):
    rig.write(b"one")
    rig.segments[0].path.unlink()
    take = Taker()
    rig.drain(take)
    assert "was removed by somebody" in caplog.text
    assert rig.counts.damaged == 1
    rig.write(b"two")
    rig.drain(take)
    assert take.taken == [b"two"]


def test_a_segment_that_cannot_be_read_holds_up_no_other(rig, monkeypatch):
    rig.write(b"one")
    rig.spool.lanes[0].records.seal()
    rig.write(b"two")
    bad = rig.segments[0].path
    real = Path.open

    def broken_disk(path, *args, **kwargs):
        if path == bad:
            raise OSError(errno.EIO, "broken")
        return real(path, *args, **kwargs)

    take = Taker()
    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", broken_disk)
        with pytest.raises(OSError, match="broken"):
            rig.drain(take)
    assert take.taken == [b"two"]
    rig.drain(take)
    assert take.taken == [b"two", b"one"]
