import os
import socket
import sys
import unicodedata
from pathlib import Path

import pytest
from mlopsproj_core.errors import DataError
from mlopsproj_data.records import SourceIssue
from mlopsproj_data.sources.image_files import list_images

NEEDS_LINKS = pytest.mark.skipif(os.name == "nt", reason="links need a privilege on Windows")


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "root"
    folder.mkdir()
    return folder


def put(root, *names):
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"x")


def found(root):
    return [file.relative for file in list_images(root).files]


def problems(root):
    return [(issue.check, issue.origin) for issue in list_images(root).issues]


def test_images_are_known_by_their_ending(root):
    names = ["a.JPG", "b.jpeg", "c.Png", "d.webp", "e.bmp", "f.tif", "g.TIFF", "h.gif"]
    put(root, *names, "notes.txt", "photo.jpg.txt", "heic.heic", "jpg")
    listing = list_images(root)
    assert [file.relative for file in listing.files] == names
    assert listing.others == ["heic.heic", "jpg", "notes.txt", "photo.jpg.txt"]
    assert not listing.issues


def test_junk_is_skipped(root):
    put(
        root, ".hidden.png", "._a.png", ".git/x.png", "__MACOSX/a.png", "a/Thumbs.db", "desktop.ini"
    )
    listing = list_images(root)
    assert (listing.files, listing.others, listing.folders) == ([], [], ["a"])


def test_folders_are_listed_the_empty_ones_too(root):
    put(root, "a/b/1.png")
    (root / "c" / "d").mkdir(parents=True)
    assert list_images(root).folders == ["a", "a/b", "c", "c/d"]


def test_sizes_and_times_are_told(root):
    put(root, "1.png")
    os.utime(root / "1.png", ns=(5, 7_000_000_000))
    [file] = list_images(root).files
    assert (file.path, file.size, file.modified) == (root / "1.png", 1, 7_000_000_000)


def test_names_of_any_letters_are_found(root):
    names = ["été.png", unicodedata.normalize("NFD", "àé.png"), "猫.png", "🐈 1.png", "a'\"b.png"]
    put(root, *names)
    assert sorted(unicodedata.normalize("NFC", name) for name in found(root)) == sorted(
        unicodedata.normalize("NFC", name) for name in names
    )
    assert all(file.path.exists() for file in list_images(root).files)


@pytest.mark.skipif(os.name == "nt", reason="Windows takes no such name")
def test_names_with_newlines_and_without_encoding_are_found(root):
    put(root, "two\nlines.png")
    (root / os.fsdecode(b"no\xfftext.png")).write_bytes(b"x")
    assert [file.path.read_bytes() for file in list_images(root).files] == [b"x", b"x"]
    assert found(root)[1] == "two\nlines.png"


def test_a_folder_with_the_name_of_an_image(root):
    (root / "a" / "empty.jpg").mkdir(parents=True)
    put(root, "a/full.jpg/1.png")
    assert found(root) == ["a/full.jpg/1.png"]
    assert problems(root) == [("not a file", "a/empty.jpg")]


@pytest.mark.skipif(sys.platform != "linux", reason="paths may not be as long elsewhere")
def test_folders_may_be_nested_deeper_than_functions(root, monkeypatch):
    depth = sys.getrecursionlimit() + 100
    monkeypatch.chdir(root)
    for _ in range(depth):
        Path("d").mkdir()
        os.chdir("d")
    Path("1.png").touch()
    try:
        assert found(root) == ["d/" * depth + "1.png"]
    finally:
        Path("1.png").unlink()
        for _ in range(depth):
            os.chdir("..")
            Path("d").rmdir()


@NEEDS_LINKS
class TestLinks:
    def test_inside_are_followed(self, root):
        put(root, "real/1.png", "real/sub/2.png")
        (root / "file.png").symlink_to(root / "real" / "1.png")
        (root / "folder").symlink_to("real/sub", target_is_directory=True)
        assert found(root) == ["file.png", "folder/2.png", "real/1.png", "real/sub/2.png"]
        assert not problems(root)

    def test_out_of_the_folder_are_not(self, root, tmp_path):
        put(tmp_path, "outside/secret.png")
        put(root, "1.png")
        (root / "file.png").symlink_to(tmp_path / "outside" / "secret.png")
        (root / "folder").symlink_to(tmp_path / "outside", target_is_directory=True)
        (root / "up").symlink_to("..", target_is_directory=True)
        assert found(root) == ["1.png"]
        assert problems(root) == [
            ("link out of the folder", name) for name in ("file.png", "folder", "up")
        ]

    def test_beside_a_folder_of_the_same_beginning_are_not(self, root, tmp_path):
        put(tmp_path, "root-2/secret.png")
        (root / "folder").symlink_to(tmp_path / "root-2", target_is_directory=True)
        assert problems(root) == [("link out of the folder", "folder")]

    def test_in_a_circle_end(self, root):
        put(root, "a/1.png", "b/2.png")
        (root / "a" / "self").symlink_to(".", target_is_directory=True)
        (root / "a" / "top").symlink_to("..", target_is_directory=True)
        (root / "a" / "b").symlink_to("../b", target_is_directory=True)
        (root / "b" / "a").symlink_to("../a", target_is_directory=True)
        (root / "loop.png").symlink_to("loop.png")
        assert found(root) == ["a/1.png", "a/b/2.png", "b/2.png", "b/a/1.png"]
        assert problems(root) == [("cannot be read", "loop.png")]

    def test_to_nothing_are_told(self, root):
        (root / "gone.png").symlink_to("nowhere.png")
        (root / "cat").symlink_to("nowhere", target_is_directory=True)
        assert problems(root) == [("cannot be read", "cat"), ("cannot be read", "gone.png")]

    def test_of_other_files_are_no_matter(self, root, tmp_path):
        put(tmp_path, "README.md")
        (root / "gone.txt").symlink_to("nowhere.txt")
        (root / "README.md").symlink_to(tmp_path / "README.md")
        assert list_images(root).others == ["README.md", "gone.txt"]
        assert not problems(root)

    def test_the_folder_itself_may_be_one(self, root, tmp_path):
        put(root, "a/1.png")
        (tmp_path / "link").symlink_to(root, target_is_directory=True)
        assert found(tmp_path / "link") == ["a/1.png"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names here")
def test_a_pipe_or_socket_is_not_waited_for(root, monkeypatch):
    os.mkfifo(root / "pipe.png")
    monkeypatch.chdir(root)  # the name of a socket may not be long
    with socket.socket(socket.AF_UNIX) as endpoint:
        endpoint.bind("socket.png")
        assert problems(root) == [("not a file", "pipe.png"), ("not a file", "socket.png")]


@pytest.mark.skipif(not hasattr(os, "geteuid"), reason="other permissions here")
def test_a_folder_that_may_not_be_read_is_told(root):
    put(root, "open/1.png", "closed/2.png")
    # Pytest's folders are for their owner alone.
    folder = root.parent
    while folder.stat().st_uid == os.geteuid() and folder != folder.parent:
        if folder.stat().st_mode & 0o077 == 0:
            folder.chmod(0o711)
        folder = folder.parent
    root.chmod(0o755)
    (root / "closed").chmod(0o000)
    user = os.geteuid()
    try:
        if user == 0:  # whom permissions do not bind
            os.seteuid(65534)
        listing = list_images(root)
    finally:
        os.seteuid(user)
        (root / "closed").chmod(0o700)
    assert [file.relative for file in listing.files] == ["open/1.png"]
    assert listing.issues == [SourceIssue("folder cannot be read", "closed", "Permission denied")]


def test_a_folder_that_is_gone_is_an_error(root):
    with pytest.raises(DataError, match=r"root/gone cannot be read \(No such file"):
        list_images(root / "gone")
