import os
import shutil

import pytest
from mlopsproj_core.errors import DataError
from mlopsproj_data.sources.locations import locate, tables_in, wrappers


def put(root, *names):
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def relative(root, folders):
    return [folder.relative_to(root).as_posix() for folder in folders]


@pytest.mark.parametrize(
    ("names", "entered"),
    [
        (["a/b/cat/1.png", "a/b/dog/1.png"], [".", "a", "a/b"]),
        (["a/b/cat/1.png", "a/b/dog/1.png", "a/LICENSE", ".git/x"], [".", "a", "a/b"]),
        (["cat/1.png"], ["."]),
        (["a/cat/1.png"], [".", "a"]),
        (["a/1.png", "a/t.csv"], [".", "a"]),
        (["a/b/1.png", "t.csv"], ["."]),
        (["a/b/1.png", "loose.png"], ["."]),
        (["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "a/b/c.txt"], ["."]),
        ([], ["."]),
    ],
)
def test_a_folder_in_a_folder_is_entered(tmp_path, names, entered):
    assert relative(tmp_path, wrappers(put(tmp_path, *names))) == entered


def test_a_table_may_be_passed_by(tmp_path):
    put(tmp_path, "t.csv", "images/cat/1.png", "images/dog/1.png")
    assert relative(tmp_path, wrappers(tmp_path, past_tables=True)) == [".", "images"]


def test_wrappers_end(tmp_path):
    put(tmp_path, "/".join("abcdefghijklmno") + "/1/2.png")
    assert len(wrappers(tmp_path)) == 9


@pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")
def test_a_link_is_not_entered(tmp_path):
    put(tmp_path, "outside/cat/1.png", "outside/dog/1.png")
    (tmp_path / "root").mkdir()
    (tmp_path / "root" / "link").symlink_to(tmp_path / "outside", target_is_directory=True)
    assert relative(tmp_path, wrappers(tmp_path / "root")) == ["root"]


def test_tables_are_known_by_their_ending(tmp_path):
    put(tmp_path, "b.CSV", "a.parquet", "c.tsv", ".hidden.csv", "notes.txt", "deep/d.csv")
    (tmp_path / "folder.csv").mkdir()
    assert [path.name for path in tables_in(tmp_path)] == ["a.parquet", "b.CSV", "c.tsv"]


def test_an_archive_is_fetched_and_unpacked(web, tmp_path):
    put(tmp_path / "made", "outer/cat/1.png", "outer/dog/1.png")
    shutil.make_archive(str(web.folder / "My pets"), "gztar", tmp_path / "made")
    location = locate(f"{web.url}/My%20pets.tar.gz?token=x", tmp_path / "prepared")
    assert (location.name, location.archive) == ("my-pets", "My pets.tar.gz")
    assert sorted(path.name for path in location.folder.iterdir()) == ["cat", "dog"]
    assert location.folders[0].is_relative_to(tmp_path / "prepared" / "unpacked")


def test_a_table_is_fetched(web, tmp_path):
    put(web.folder, "deep/labels.csv")
    url = f"{web.url}/deep/labels.csv"
    location = locate(url, tmp_path)
    assert (location.name, location.url) == ("labels", url)
    assert location.table.is_file()


def test_an_address_of_something_else_is_not_recognised(web, tmp_path):
    (web.folder / "page.html").write_text("<html>")
    with pytest.raises(DataError, match=r"data\.path=http.*page\.html is not recognised: name a f"):
        locate(f"{web.url}/page.html", tmp_path)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.csv")
    with pytest.raises(DataError, match=r"pipe\.csv is neither a file nor a folder: name a folder"):
        locate(str(tmp_path / "pipe.csv"), tmp_path)
