import numpy as np
import pytest
from mlopsproj_core.image import ImageSpec
from mlopsproj_data import unfinished
from mlopsproj_data.examination import EXAMINED, examine
from mlopsproj_data.records import Record
from mlopsproj_data.splits import SPLITS
from mlopsproj_data.unfinished import Unfinished

SPEC = ImageSpec(8, 8, 1)
SIZE = 64


@pytest.fixture(autouse=True)
def pieces_of_four(monkeypatch):
    monkeypatch.setattr(unfinished, "_ROWS_OF_A_PIECE", 4)


def add(work, first, count, *, bad=()):
    """Records whose pixels all are their number, in the splits in turn."""
    for row in range(first, first + count):
        image = b"none" if row in bad else np.full((8, 8), row, np.uint8)
        (found,) = examine([Record(image, row, None, None, str(row))], SPEC)
        split = None if row in bad else SPLITS[row % 3]
        work.add([row], [{**found.facts, "split": split}], [found.pixels] * (row not in bad))


def assert_holds(folder, rows, *, bad=()):
    """What is done is exactly so many records, each with its pixels at its place."""
    with Unfinished(folder, SPEC) as work:
        assert work.done == rows
        table = work.table()
        assert table["label"].to_pylist() == list(range(rows))
        for row in table.to_pylist():
            if row["label"] in bad:
                assert row["place"] is row["split"] is None
            else:
                pixels = np.fromfile(work.pixels(row["split"]), np.uint8).reshape(-1, SIZE)
                assert (pixels[row["place"]] == row["label"]).all()


def test_nothing_is_done_at_first(tmp_path):
    with Unfinished(tmp_path / "work", SPEC) as work:
        assert work.done == 0
        assert work.unread() == []
        assert set(EXAMINED.names) < set(work.table().column_names)


@pytest.mark.parametrize("count", [1, 4, 11])
def test_what_was_added_is_there_again(tmp_path, count):
    with Unfinished(tmp_path, SPEC) as work:
        add(work, 0, count, bad={2, 7})
    assert_holds(tmp_path, count, bad={2, 7})
    with Unfinished(tmp_path, SPEC) as work:
        add(work, count, 6, bad={2, 7})
    assert_holds(tmp_path, count + 6, bad={2, 7})


def abandon(work):
    """What a killed process leaves: pixels that no piece records."""
    for file in work._files.values():
        file.write(b"half")
        file.flush()


def test_what_is_not_recorded_is_overwritten(tmp_path):
    work = Unfinished(tmp_path, SPEC)
    work.__enter__()
    add(work, 0, 10)
    abandon(work)
    assert_holds(tmp_path, 8)
    with Unfinished(tmp_path, SPEC) as work:
        add(work, 8, 5)
    assert_holds(tmp_path, 13)


@pytest.mark.parametrize("harm", ["truncated", "gone"])
@pytest.mark.parametrize("piece", [0, 1, 2])
def test_a_damaged_piece_and_all_behind_it_are_done_again(tmp_path, harm, piece):
    with Unfinished(tmp_path, SPEC) as work:
        add(work, 0, 12)
    path = tmp_path / f"{piece:08d}.arrow"
    if harm == "gone":
        path.unlink()
    else:
        path.write_bytes(path.read_bytes()[:100])
    assert_holds(tmp_path, piece * 4)
    with Unfinished(tmp_path, SPEC) as work:
        add(work, piece * 4, 3)
    assert_holds(tmp_path, piece * 4 + 3)  # no piece of old stands behind


def test_lost_pixels_are_made_again_from_the_start(tmp_path):
    with Unfinished(tmp_path, SPEC) as work:
        add(work, 0, 12)
    (tmp_path / "validation.u8").write_bytes(b"short")
    assert_holds(tmp_path, 0)


def test_what_is_looked_at_again_counts(tmp_path):
    gone = Record(tmp_path / "gone", 1, None, None, "1")
    with Unfinished(tmp_path, SPEC) as work:
        add(work, 0, 1)
        work.add([1], [found.facts for found in examine([gone], SPEC)], [])
        add(work, 2, 3)
        assert work.done == 4  # the last one stands in no piece yet
    with Unfinished(tmp_path, SPEC) as work:
        assert work.unread() == [1]
        add(work, 1, 1)
        work.record()
        assert work.unread() == []
        assert work.done == 5
    assert_holds(tmp_path, 5)


def test_a_full_disk_keeps_what_was_recorded(tmp_path, monkeypatch):
    def full(_):
        raise OSError(28, "No space left on device")

    with Unfinished(tmp_path, SPEC) as work:
        add(work, 0, 9)
        monkeypatch.setattr(work, "_piece", full)
        with pytest.raises(OSError, match="No space"):
            add(work, 9, 9)
    assert_holds(tmp_path, 8)


def test_a_piece_is_recorded_after_some_time(tmp_path, monkeypatch):
    monkeypatch.setattr(unfinished, "_SECONDS_OF_A_PIECE", -1.0)
    work = Unfinished(tmp_path, SPEC)
    work.__enter__()
    add(work, 0, 1)
    assert_holds(tmp_path, 1)
