import bz2
import contextlib
import gzip
import io
import lzma
import os
import shutil
import stat
import sys
import tarfile
import tracemalloc
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mlopsproj_core.errors import DataError
from mlopsproj_data.sources import archives
from mlopsproj_data.sources.archives import is_archive, stem, unpack

NAMES = ["a/1.png", "a/deep/é 2.png", "labels.csv"]


def write_zip(path, entries, **settings):
    with zipfile.ZipFile(path, "w", **settings) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return path


def write_tar(path, entries, mode="w"):
    """A tar archive of names with contents, or of ready entries."""
    with tarfile.open(path, mode) as archive:
        for name, data in entries.items():
            if isinstance(data, tarfile.TarInfo):
                archive.addfile(data)
                continue
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def entry(name, kind, target=""):
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, target
    return info


def files_in(folder):
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def leftovers(folder):
    return list(folder.iterdir()) if folder.exists() else []


@pytest.fixture
def out(tmp_path):
    return tmp_path / "unpacked"


@pytest.mark.parametrize("kind", ["zip", "tar", "gztar", "bztar", "xztar"])
def test_all_kinds_are_unpacked_once(tmp_path, out, kind):
    source = tmp_path / "source"
    for name in NAMES:
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(name.encode())
    (source / "empty").mkdir()
    path = Path(shutil.make_archive(str(tmp_path / "photos"), kind, source))
    assert is_archive(path)
    folder = unpack(path, out, "photos")
    assert folder.name.startswith("photos-")
    assert files_in(folder) == {name: name.encode() for name in NAMES}
    assert (folder / "empty").is_dir()
    (folder / "mark").touch()
    assert unpack(path, out, "photos") == folder
    assert (folder / "mark").exists()
    os.utime(path, ns=(1, 1))
    assert unpack(path, out, "photos") != folder


def test_junk_stays_packed(tmp_path, out):
    path = write_zip(tmp_path / "a.zip", {"__MACOSX/._1.png": "x", ".git/x": "x", "1.png": "x"})
    assert set(files_in(unpack(path, out, "photos"))) == {"1.png"}


@pytest.mark.parametrize("name", ["a.zip", "photos.tar", "x.tar.gz", "X.TGZ", "y.TAR.bz2", "z.txz"])
def test_the_name_is_without_the_ending(name):
    assert stem(name).lower() == name[:1].lower() if name != "photos.tar" else "photos"


def test_a_name_that_is_an_ending_stays():
    assert stem(".tar.gz") == ".tar"


@pytest.mark.parametrize(
    "name",
    [
        "../evil.png",
        "a/../../evil.png",
        "a/..",
        "/etc/evil.png",
        "C:/evil.png",
        "C:evil.png",
        "..\\evil.png",
        "a\\..\\..\\evil.png",
        "\\\\host\\share\\evil.png",
    ],
)
@pytest.mark.parametrize("write", [write_zip, write_tar])
def test_a_name_that_leads_out_is_refused(tmp_path, out, write, name):
    path = write(tmp_path / "evil.archive", {"1.png": b"x", name: b"x"})
    with pytest.raises(DataError, match=r"is refused: it holds .*, a path that leaves its folder"):
        unpack(path, out, "photos")
    assert leftovers(out) == []
    assert not list(tmp_path.rglob("evil.png"))


@given(parts=st.lists(st.sampled_from(["..", ".", "a", "", "C:", "\\", "b.png", " "]), min_size=1))
def test_no_name_leads_out(tmp_path_factory, parts):
    tmp_path = tmp_path_factory.mktemp("names")
    name = "/".join(parts) or "."
    for number, write in enumerate((write_zip, write_tar)):
        path = write(tmp_path / f"{number}.archive", {name: b"x"})
        with contextlib.suppress(DataError):
            unpack(path, tmp_path / "in" / "out", "photos")
        folders = {"in", "in/out", "0.archive", "1.archive"}
        found = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")}
        assert all(x in folders or x.startswith("in/out/") for x in found)


@pytest.mark.parametrize(
    "info",
    [
        entry("link.png", tarfile.SYMTYPE, "/etc/passwd"),
        entry("link.png", tarfile.SYMTYPE, "1.png"),
        entry("link.png", tarfile.LNKTYPE, "1.png"),
        entry("pipe.png", tarfile.FIFOTYPE),
        entry("zero.png", tarfile.CHRTYPE),
    ],
)
def test_links_and_devices_in_a_tar_are_refused(tmp_path, out, info):
    path = write_tar(tmp_path / "a.tar", {"1.png": b"x", info.name: info})
    with pytest.raises(DataError, match=rf"a\.tar is refused: it holds {info.name}, a link or dev"):
        unpack(path, out, "photos")
    assert leftovers(out) == []


def test_links_in_a_zip_are_refused(tmp_path, out):
    link = zipfile.ZipInfo("link.png")
    link.external_attr = (stat.S_IFLNK | 0o777) << 16
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(DataError, match=r"it holds link\.png, a link or device"):
        unpack(path, out, "photos")


def test_an_encrypted_zip_is_refused(tmp_path, out):
    path = write_zip(tmp_path / "a.zip", {"1.png": "x"})
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\1\2") + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"it holds 1\.png, encrypted"):
        unpack(path, out, "photos")


class TestBombs:
    def test_of_a_zip(self, tmp_path, out):
        path = tmp_path / "bomb.zip"
        write_zip(path, {"0.png": bytes(80 * 2**20)}, compression=zipfile.ZIP_DEFLATED)
        assert path.stat().st_size < 2**20
        with pytest.raises(DataError, match=r"unpacks to more than 67,108,864 bytes, 100 times"):
            unpack(path, out, "photos")
        assert leftovers(out) == []

    def test_whose_header_lies(self, tmp_path, out, monkeypatch):
        monkeypatch.setattr(archives, "FREE_BYTES", 2**20)
        path = tmp_path / "bomb.zip"
        write_zip(path, {"0.png": bytes(2**22)}, compression=zipfile.ZIP_DEFLATED)
        real, lie = (2**22).to_bytes(4, "little"), (5).to_bytes(4, "little")
        path.write_bytes(path.read_bytes().replace(real, lie))
        with pytest.raises(DataError, match=r"unpacks to more|cannot be unpacked"):
            unpack(path, out, "photos")
        assert leftovers(out) == []

    @pytest.mark.parametrize("name", ["0.png", ".hidden"])
    @pytest.mark.parametrize("mode", ["w:gz", "w:bz2", "w:xz"])
    def test_of_a_tar_also_in_what_is_skipped(self, tmp_path, out, monkeypatch, mode, name):
        monkeypatch.setattr(archives, "FREE_BYTES", 2**20)
        path = write_tar(tmp_path / "bomb", {name: bytes(2**22)}, mode)
        with pytest.raises(DataError, match="unpacks to more than"):
            unpack(path, out, "photos")
        assert leftovers(out) == []

    def test_of_empty_files(self, tmp_path, out, monkeypatch):
        monkeypatch.setattr(archives, "FREE_BYTES", 2**16)
        monkeypatch.setattr(archives, "MAX_RATIO", 2)
        path = write_zip(tmp_path / "bomb.zip", {f"{i}.png": b"" for i in range(100)})
        with pytest.raises(DataError, match="unpacks to more than 65,536 bytes"):
            unpack(path, out, "photos")

    def test_of_a_long_header(self, tmp_path, out, monkeypatch):
        monkeypatch.setattr(archives, "FREE_BYTES", 2**20)
        header = tarfile.TarInfo("pax")
        header.type, header.size = tarfile.XHDTYPE, 2**22
        path = tmp_path / "bomb.tar.gz"
        with gzip.open(path, "wb", compresslevel=1) as file:
            file.write(header.tobuf(tarfile.GNU_FORMAT) + bytes(2**22))
        with pytest.raises(DataError, match="unpacks to more than"):
            unpack(path, out, "photos")

    @pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME, tarfile.XGLTYPE])
    @pytest.mark.parametrize("first", [True, False])
    def test_of_a_name_that_would_fill_the_memory(self, tmp_path, out, kind, first):
        header = tarfile.TarInfo("name")
        header.type, header.size = kind, 32 * 2**20  # far less than may be unpacked
        begin = b"" if first else entry("0.png", tarfile.REGTYPE).tobuf(tarfile.GNU_FORMAT)
        path = tmp_path / "bomb.tar.gz"
        with gzip.open(path, "wb", compresslevel=1) as file:
            file.write(begin + header.tobuf(tarfile.GNU_FORMAT) + b"a" * header.size)
        tracemalloc.start()
        with pytest.raises(DataError, match="a name or attributes of more than 4,194,304 bytes"):
            unpack(path, out, "photos")
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < 12 * 2**20
        assert leftovers(out) == []

    def test_of_empty_files_in_a_tar(self, tmp_path, out, monkeypatch):
        monkeypatch.setattr(archives, "FREE_BYTES", 2**18)
        monkeypatch.setattr(archives, "MAX_RATIO", 1)
        path = write_tar(tmp_path / "bomb.tar", {f"{i}.png": b"" for i in range(100)})
        with pytest.raises(DataError, match="unpacks to more than 262,144 bytes"):
            unpack(path, out, "photos")

    def test_long_names_and_much_that_is_skipped_are_no_bombs(self, tmp_path, out):
        name = "/".join(["d" * 200] * 3) + "/0.png"
        path = write_tar(tmp_path / "a.tar", {".hidden": bytes(2**23), name: b"x"})
        assert len(files_in(unpack(path, out, "photos"))) == 1

    def test_of_holes(self, tmp_path, out):
        info = entry("0.png", tarfile.GNUTYPE_SPARSE)
        info.size = 0
        block = bytearray(info.tobuf(tarfile.GNU_FORMAT))
        block[386:398] = b"00000000000\0"  # a hole up to
        block[483:495] = b"77777777777\0"  # 8 GiB
        block[148:156] = b" " * 8
        block[148:156] = b"%06o\0 " % sum(block)
        (tmp_path / "bomb.tar").write_bytes(bytes(block) + bytes(1024))
        with pytest.raises(DataError, match=r"0\.png, a link or device|cannot be unpacked"):
            unpack(tmp_path / "bomb.tar", out, "photos")
        assert leftovers(out) == []

    def test_images_are_none(self, tmp_path, out):
        data = os.urandom(2**20)
        path = write_zip(tmp_path / "a.zip", {f"{i}.png": data for i in range(5)})
        assert len(files_in(unpack(path, out, "photos"))) == 5


@pytest.mark.parametrize(
    "entries",
    [{"a": b"x", "a/1.png": b"x"}, {"a/1.png": b"x", "a": b"x"}, {"x" * 300 + ".png": b"x"}],
)
@pytest.mark.parametrize("write", [write_zip, write_tar])
def test_names_that_no_disk_takes_are_refused(tmp_path, out, write, entries):
    path = write(tmp_path / "a.archive", entries)
    with pytest.raises(DataError, match=r"is refused: it holds .*, which cannot be written \("):
        unpack(path, out, "photos")
    assert leftovers(out) == []


@pytest.mark.parametrize("name", ["cats:1.png", "aux/1.png", "NUL.png"])
def test_names_that_windows_takes_for_something_else_are_refused_there(
    tmp_path, out, monkeypatch, name
):
    path = write_zip(tmp_path / "a.zip", {name: b"x"})
    if sys.platform != "win32":
        assert files_in(unpack(path, out / "here", "photos"))
    monkeypatch.setattr(sys, "platform", "win32")
    with pytest.raises(DataError, match=r"is refused: it holds .* on Windows"):
        unpack(path, out / "there", "photos")


def test_two_files_of_one_name_are_refused(tmp_path, out):
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        archive.addfile(tarfile.TarInfo("1.png"))
        archive.addfile(tarfile.TarInfo("./1.png"))
    with pytest.raises(DataError, match=r"1\.png, which cannot be written \(File exists\)"):
        unpack(path, out, "photos")


@pytest.mark.skipif(os.name == "nt", reason="Windows takes no such name")
def test_names_with_newlines_are_unpacked(tmp_path, out):
    path = write_tar(tmp_path / "a.tar", {"two\nlines.png": b"x"})
    assert files_in(unpack(path, out, "photos")) == {"two\nlines.png": b"x"}


def packed(path, mode):
    """An archive of three files that do not shrink, as bytes."""
    entries = {f"{i}.png": os.urandom(50_000) for i in range(3)}
    write_zip(path, entries) if mode == "zip" else write_tar(path, entries, mode)
    return bytearray(path.read_bytes())


def assert_broken(path, out, data):
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"a\.archive cannot be unpacked \(.+\): copy or download"):
        unpack(path, out, "photos")
    assert leftovers(out) == []


@pytest.mark.parametrize("mode", ["w", "w:gz", "w:bz2", "w:xz"])
def test_half_a_tar_is_told(tmp_path, out, mode):
    path = tmp_path / "a.archive"
    data = packed(path, mode)
    assert_broken(path, out, data[: len(data) // 2])


def test_half_a_zip_is_none(tmp_path):
    # Its list stands at its end.
    path = tmp_path / "a.archive"
    data = packed(path, "zip")
    path.write_bytes(data[: len(data) // 2])
    assert not is_archive(path)


# A plain tar archive carries no checksum of its files: their own decoders find the damage.
@pytest.mark.parametrize("mode", ["zip", "w:gz", "w:bz2", "w:xz"])
def test_changed_bytes_are_told(tmp_path, out, mode):
    path = tmp_path / "a.archive"
    data = packed(path, mode)
    data[len(data) // 2 : len(data) // 2 + 64] = bytes(64)
    assert_broken(path, out, data)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"x" * 1000,
        gzip.compress(b"x", mtime=0),
        bz2.compress(b"x"),
        lzma.compress(b"x"),
        b"\x1f\x8bx",
    ],
)
def test_what_is_no_archive(tmp_path, data):
    (tmp_path / "file").write_bytes(data)
    assert not is_archive(tmp_path / "file")


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path, out, full_disk):
    path = write_zip(tmp_path / "a.zip", {"0.png": b"x", "1.png": os.urandom(200_000)})
    with full_disk(), pytest.raises(DataError, match=r"cannot be written \(File too large\): free"):
        unpack(path, out, "photos")
    assert leftovers(out) == []
    assert len(files_in(unpack(path, out, "photos"))) == 2


def test_an_archive_that_cannot_be_read_is_told(tmp_path):
    with pytest.raises(DataError, match=r"gone\.zip cannot be read \(No such file"):
        is_archive(tmp_path / "gone.zip")


def test_another_process_may_unpack_the_same(tmp_path, out, monkeypatch):
    path = write_zip(tmp_path / "a.zip", {"1.png": "x"})
    real = Path.replace

    def late(draft, target):
        target.mkdir()
        (target / "theirs").touch()
        return real(draft, target)

    monkeypatch.setattr(Path, "replace", late)
    assert set(files_in(unpack(path, out, "photos"))) == {"theirs"}
    assert len(leftovers(out)) == 1
