import os
from pathlib import Path

import pytest
from mlopsproj_records.segments import SegmentName
from mlopsproj_records.spool import QUARANTINE, Spool
from mlopsproj_records.waiting import Waiting, survey_spool

DATABASE = "sqlite:////data/log.db"


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "spool"


def test_a_folder_that_is_not_there_is_not_made(folder):
    assert survey_spool(folder) is None
    assert not folder.exists()


def test_an_empty_folder_holds_nothing(folder):
    folder.mkdir()
    assert survey_spool(folder) == Waiting(0, 0, None, (), 0)


def test_what_is_no_folder_is_refused(folder):
    folder.write_bytes(b"")
    with pytest.raises(OSError, match="spool"):
        survey_spool(folder)


def test_counts_what_a_process_has_written(folder):
    spool = Spool(folder, 1 << 20, database=DATABASE)
    spool.write("records", b"x" * 100, 1)
    spool.write("images", b"y" * 50, 1)
    (folder / "note.txt").write_text("not of ours")
    names = sorted(path.name for path in folder.iterdir())
    found = survey_spool(folder)
    assert (found.files, found.size_bytes, found.databases) == (2, 150, (DATABASE,))
    assert found.oldest == min(
        path.stat().st_mtime for path in folder.iterdir() if SegmentName.parse(path.name)
    )
    assert sorted(path.name for path in folder.iterdir()) == names


def test_the_oldest_is_the_one_that_was_written_first(folder):
    folder.mkdir()
    for number, time in ((1, 3000), (2, 1000), (3, 2000)):
        path = folder / str(SegmentName("ab" * 8, number, "records"))
        path.write_bytes(b"record" * number)
        os.utime(path, (time, time))
    (folder / str(SegmentName("ab" * 8, 4, "records"))).touch()
    assert survey_spool(folder) == Waiting(3, 36, 1000, (), 0)


def test_counts_what_was_put_aside(folder):
    (folder / QUARANTINE).mkdir(parents=True)
    for name in ("a", "b"):
        Path(folder / QUARANTINE / name).touch()
    assert survey_spool(folder).quarantined == 2
