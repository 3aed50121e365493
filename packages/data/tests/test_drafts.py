import errno
import os
import time

import pytest
from mlopsproj_core.errors import DataError
from mlopsproj_data.drafts import STALE_AFTER_SECONDS, draft_of


def age(path, seconds):
    moment = time.time() - seconds
    os.utime(path, (moment, moment))


def test_a_draft_stands_beside_its_place_and_is_hidden(tmp_path):
    target = tmp_path / "new" / "target"
    with draft_of(target) as one, draft_of(target) as other:
        assert one != other
        assert one.parent == other.parent == target.parent
        assert one.name.startswith(".")
        one.write_text("whole")
        one.rename(target)
    assert [path.name for path in target.parent.iterdir()] == ["target"]


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_what_is_left_of_a_draft_is_removed(tmp_path, kind):
    def fail():
        with draft_of(tmp_path / "target") as draft:
            if kind == "folder":
                draft.mkdir()
            (draft / "part" if kind == "folder" else draft).write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("code", "mend"),
    [
        (errno.ENOSPC, "free some space, or name another folder by data.prepared_dir=FOLDER"),
        (errno.EFBIG, "free some space"),
        (errno.EACCES, "make it writable"),
    ],
)
def test_a_disk_that_refuses_is_named_with_the_mend(tmp_path, code, mend):
    with pytest.raises(DataError, match=mend) as caught, draft_of(tmp_path / "target"):
        raise OSError(code, os.strerror(code))
    assert str(tmp_path) in str(caught.value)
    assert os.strerror(code) in str(caught.value)


def test_a_file_in_place_of_the_folder_is_named(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"file.* cannot be written"), draft_of(tmp_path / "file/x"):
        pass


def test_drafts_of_killed_processes_are_removed_after_a_day(tmp_path):
    stale, fresh, at_work, stale_file = (
        tmp_path / f".{name}.draft" for name in ("stale", "fresh", "at_work", "stale_file")
    )
    for folder in (stale, fresh, at_work):
        folder.mkdir()
        (folder / "train.u8").write_bytes(b"half")
    stale_file.write_bytes(b"half")
    (tmp_path / "dataset").mkdir()
    for path in (stale / "train.u8", stale, at_work, stale_file, tmp_path / "dataset"):
        age(path, STALE_AFTER_SECONDS + 60)
    age(fresh, STALE_AFTER_SECONDS - 60)
    with draft_of(tmp_path / "target"):
        pass
    assert {path.name for path in tmp_path.iterdir()} == {
        ".fresh.draft",
        ".at_work.draft",
        "dataset",
    }
