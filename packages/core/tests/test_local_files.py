import errno
import os
import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from mlopsproj_core.local_files import LocalFiles, put_in_place

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="about POSIX")


@pytest.fixture
def files(tmp_path):
    return LocalFiles(tmp_path)


@pytest.fixture
def no_links(monkeypatch):
    """As on exFAT and some mounted shares."""

    def link(source, target):
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", link)


def test_a_file_without_content_s_end_is_never_seen(files, tmp_path, monkeypatch):
    def link(source, target):
        assert source.read_bytes() == b"content"
        assert files.names("a") == [source.name]
        assert source.name.startswith(".")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "link", link)
    with pytest.raises(OSError, match="No space left"):
        files.create("a/b", b"content")
    assert files.names("a") == []


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o077, 0o600), (0o002, 0o664)])
def test_permissions_are_those_that_the_user_asks_for(files, tmp_path, umask, mode):
    before = os.umask(umask)
    try:
        files.create("a", b"")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == mode


def test_creates_without_hard_links_too(files, no_links):
    files.create("a/b", b"first")
    with pytest.raises(FileExistsError):
        files.create("a/b", b"second")
    assert files.read("a/b") == b"first"
    assert sorted(files.names("a")) == [".lock", "b"]


def test_one_creator_wins_without_hard_links(files, no_links):
    def create(worker):
        try:
            files.create("a/b", str(worker).encode())
        except FileExistsError:
            return None
        return worker

    with ThreadPoolExecutor(8) as pool:
        winners = [winner for winner in pool.map(create, range(40)) if winner is not None]
    assert len(winners) == 1
    assert files.read("a/b") == str(winners[0]).encode()


def test_any_other_refusal_of_a_link_is_an_error(files, monkeypatch):
    def link(source, target):
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "link", link)
    with pytest.raises(OSError, match="Input/output error"):
        files.create("a", b"")
    assert files.names("") == []


def test_a_link_whose_answer_was_lost_is_not_taken_for_another_s(files, monkeypatch):
    really_link = os.link

    def link(source, target):
        really_link(source, target)
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))

    monkeypatch.setattr(os, "link", link)
    files.create("a", b"mine")
    assert files.read("a") == b"mine"
    assert files.names("") == ["a"]


def test_new_folders_are_made_durable_up_to_the_first_that_was_there(files, tmp_path, monkeypatch):
    synced = []
    really_sync = os.fsync

    def fsync(handle):
        synced.append(str(Path(f"/proc/self/fd/{handle}").readlink()))
        really_sync(handle)

    if not Path("/proc/self/fd").is_dir():
        pytest.skip("this system does not tell what a handle is open for")
    monkeypatch.setattr(os, "fsync", fsync)
    files.create("a/b/c", b"")
    folders = {str(tmp_path), str(tmp_path / "a"), str(tmp_path / "a" / "b")}
    assert folders <= set(synced)
    assert len(set(synced) - folders) == 1  # the draft


def test_a_file_in_the_place_of_its_folder_is_no_taken_name(files):
    files.create("a", b"")
    with pytest.raises(NotADirectoryError):
        files.create("a/b", b"")


def test_what_goes_away_while_it_is_listed_is_no_error(files, tmp_path, monkeypatch):
    files.create("a/b/c", b"")
    files.create("a/d", b"")
    really_scan = os.scandir

    def scandir(path):
        if str(path).endswith("b"):
            (tmp_path / "a/b/c").unlink(missing_ok=True)
            (tmp_path / "a/b").rmdir()
        return really_scan(path)

    monkeypatch.setattr(os, "scandir", scandir)
    assert files.below("a") == ["d"]


def open_elsewhere(monkeypatch, platform, times):
    """What is renamed is open elsewhere for so many attempts, which Windows refuses."""
    attempts, replace = [], Path.replace

    def refuse(draft, target):
        attempts.append(target)
        if len(attempts) <= times:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return replace(draft, target)

    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(Path, "replace", refuse)
    return attempts


def test_on_windows_a_scanner_that_looks_at_what_was_written_is_waited_for(tmp_path, monkeypatch):
    (tmp_path / "draft").write_text("new")
    (tmp_path / "file").write_text("old")
    attempts = open_elsewhere(monkeypatch, "win32", times=2)
    put_in_place(tmp_path / "draft", tmp_path / "file")
    assert len(attempts) == 3
    assert (tmp_path / "file").read_text() == "new"


def test_on_windows_what_stays_open_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr("mlopsproj_core.local_files._SCANNED_SECONDS", 0.1)
    (tmp_path / "draft").touch()
    attempts = open_elsewhere(monkeypatch, "win32", times=1000)
    with pytest.raises(PermissionError):
        put_in_place(tmp_path / "draft", tmp_path / "file")
    assert 1 < len(attempts) < 1000


def test_elsewhere_a_refusal_is_told_at_once(tmp_path, monkeypatch):
    (tmp_path / "draft").touch()
    attempts = open_elsewhere(monkeypatch, "linux", times=1)
    with pytest.raises(PermissionError):
        put_in_place(tmp_path / "draft", tmp_path / "file")
    assert len(attempts) == 1
