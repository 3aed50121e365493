"""Archives of strangers: zip and tar, unpacked without harm, whole or not at all, once.

Refused are names that lead out of the folder, links, devices, encrypted files and archives that
unpack to far more than they are. What is counted are the bytes that come out, whatever the headers
promise. Knows nothing of images.
"""

import bz2
import errno
import gzip
import hashlib
import io
import lzma
import shutil
import stat
import sys
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, TYPE_CHECKING, Final

from mlopsproj_core.errors import DataError
from mlopsproj_core.local_files import put_in_place
from mlopsproj_core.manifest import is_device

from mlopsproj_data.drafts import draft_of
from mlopsproj_data.sources.image_files import is_junk
from mlopsproj_data.sources.printing import printable

if TYPE_CHECKING:
    from _typeshed import WriteableBuffer

_ENDINGS: Final = (".tar.gz", ".tar.bz2", ".tar.xz", ".tgz", ".tbz2", ".tbz", ".txz")
"""Of archives whose names have more than a last ending, or lose it with too little."""

MAX_BYTES: Final = 2**40
"""Most that an archive may unpack to."""

MAX_RATIO: Final = 100
"""Most that an archive may unpack to, over its own size; images hardly shrink."""

FREE_BYTES: Final = 64 * 2**20
"""That any archive may unpack to, however small it is."""

_CHUNK: Final = 2**20
_BYTES_OF_A_FILE: Final = 4096
"""Counted for each file beside what it holds: an empty one takes room on a disk too."""

_BYTES_OF_HEADERS: Final = 4 * 2**20
"""Most that is read of a tar archive for an entry's name and attributes, all of which are in memory
at once; a name has 4 KiB at most."""

_COMPRESSED: Final = {
    b"\x1f\x8b": gzip.GzipFile,
    b"BZh": bz2.BZ2File,
    b"\xfd7zXZ\0": lzma.LZMAFile,
}
_TAR_MAGIC: Final = (257, b"ustar")


class _CorruptError(Exception):
    """What the decompressors say of damaged bytes, which for some is an OSError."""


_BROKEN: Final = (
    _CorruptError,
    *(EOFError, zlib.error, lzma.LZMAError, gzip.BadGzipFile, tarfile.TarError),
    *(zipfile.BadZipFile, NotImplementedError, UnicodeError),
)
_BAD_NAME: Final = frozenset(
    {errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.EINVAL}
)


def is_archive(path: Path) -> bool:
    """Whether a file is a zip or tar archive, by its content.

    Raises:
        DataError: if it cannot be read.
    """
    _check_readable(path)
    return zipfile.is_zipfile(path) or _is_tar(path)


def unpack(path: Path, folder: Path, name: str) -> Path:
    """Unpack an archive below a folder, or find it unpacked.

    Args:
        path: of the archive.
        folder: where unpacked archives are kept.
        name: that the new folder's begins with.

    Returns:
        The folder that holds what was in the archive.

    Raises:
        DataError: if the archive is broken or refused, or the disk is full.
    """
    status = path.stat()
    key = f"{path.resolve()} {status.st_size} {status.st_mtime_ns}".encode(errors="surrogatepass")
    target = folder / f"{name}-{hashlib.sha256(key).hexdigest()[:12]}"
    if not target.exists():
        most = min(MAX_BYTES, max(FREE_BYTES, status.st_size * MAX_RATIO))
        with draft_of(target) as draft:
            draft.mkdir()
            _unpack_into(path, draft, _Budget(path, most))
            try:
                put_in_place(draft, target)
            except OSError:
                # Another process unpacked the same meanwhile: either is as good.
                if not target.exists():
                    raise
    return target


def stem(name: str) -> str:
    """A file's name without the ending of an archive, or its last one."""
    for ending in _ENDINGS:
        if name.lower().endswith(ending) and len(name) > len(ending):
            return name[: -len(ending)]
    return Path(name).stem


def _check_readable(path: Path) -> None:
    try:
        path.open("rb").close()
    except OSError as error:
        raise DataError(f"{path} cannot be read ({error.strerror}): make it readable.") from error


class _Budget:
    """How much more an archive may unpack to."""

    def __init__(self, path: Path, most: int) -> None:
        self._path = path
        self._most = most
        self._left = most
        self._left_of_headers: int | None = None

    @contextmanager
    def of_headers(self) -> Iterator[None]:
        """What is spent meanwhile is kept in memory, and must be little."""
        self._left_of_headers = _BYTES_OF_HEADERS
        try:
            yield
        finally:
            self._left_of_headers = None

    def spend(self, count: int) -> None:
        if self._left_of_headers is not None:
            self._left_of_headers -= count
            if self._left_of_headers < 0:
                raise DataError(
                    f"{self._path} holds a name or attributes of more than"
                    f" {_BYTES_OF_HEADERS:,} bytes: it is no archive of images."
                )
        self._left -= count
        if self._left < 0:
            raise DataError(
                f"{self._path} unpacks to more than {self._most:,} bytes, {MAX_RATIO} times what"
                " it is: it is no archive of images, or unpack it yourself and name the folder."
            )


def _unpack_into(path: Path, folder: Path, budget: _Budget) -> None:
    with _broken_archives(path), ExitStack() as stack:
        if zipfile.is_zipfile(path):
            entries = _zip_entries(path, stack.enter_context(zipfile.ZipFile(path)), budget)
        else:
            entries = _tar_entries(path, stack.enter_context(_open_tar(path, budget)), budget)
        for name, file in entries:
            with _bad_names(path, name):
                target = folder / name
                target.parent.mkdir(parents=True, exist_ok=True)
                if file is None:
                    target.mkdir(exist_ok=True)
                    continue
                with file, target.open("xb") as copy:
                    shutil.copyfileobj(file, copy, _CHUNK)


def _zip_entries(
    path: Path, archive: zipfile.ZipFile, budget: _Budget
) -> Iterator[tuple[PurePosixPath, IO[bytes] | None]]:
    """Folders (None) and files of a zip archive."""
    for entry in archive.infolist():
        # Some programs of Windows write its separators, against the standard.
        name = _checked(path, entry.filename.replace("\\", "/"))
        kind = stat.S_IFMT(entry.external_attr >> 16)
        if kind not in {0, stat.S_IFREG, stat.S_IFDIR}:
            raise _refused(path, entry.filename, "a link or device")
        if entry.flag_bits & 1:
            raise _refused(path, entry.filename, "encrypted")
        if _wanted(name):
            budget.spend(_BYTES_OF_A_FILE)
            yield name, None if entry.is_dir() else _counted(archive.open(entry), budget)


def _tar_entries(
    path: Path, archive: tarfile.TarFile, budget: _Budget
) -> Iterator[tuple[PurePosixPath, IO[bytes] | None]]:
    """Folders (None) and files of a tar archive."""
    while True:
        with budget.of_headers():
            entry = archive.next()
        if entry is None:
            return
        archive.members = []  # type: ignore[attr-defined]  # (not in typeshed) else all are kept
        name = _checked(path, entry.name)
        if not (entry.isreg() or entry.isdir()) or entry.issparse():
            raise _refused(path, entry.name, "a link or device")
        file = archive.extractfile(entry)
        if _wanted(name):
            budget.spend(_BYTES_OF_A_FILE)
            yield name, file
        elif file is not None:
            while file.read(_CHUNK):  # it is no part of the next one's headers
                pass


@contextmanager
def _open_tar(path: Path, budget: _Budget) -> Iterator[tarfile.TarFile]:
    """A tar archive as a stream, all of which is counted: headers and what is skipped too."""
    with _counted(_decompressed(path), budget) as file:
        with budget.of_headers():  # those of the first entry are read at once
            archive = tarfile.open(fileobj=file, mode="r|", errorlevel=2)  # noqa: SIM115 (below)
        with archive:
            yield archive


def _decompressed(path: Path) -> io.BufferedIOBase:
    with path.open("rb") as file:
        beginning = file.read(8)
    for magic, decompress in _COMPRESSED.items():
        if beginning.startswith(magic):
            opened: io.BufferedIOBase = decompress(path)
            return opened
    return path.open("rb")


def _is_tar(path: Path) -> bool:
    offset, magic = _TAR_MAGIC
    try:
        with _decompressed(path) as file:
            return file.read(offset + len(magic)).endswith(magic)
    except (OSError, *_BROKEN):
        return False


class _Counted(io.RawIOBase):
    """Reads from a file and counts what comes out of it."""

    def __init__(self, file: IO[bytes] | io.BufferedIOBase, budget: _Budget) -> None:
        self._file = file
        self._budget = budget

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: "WriteableBuffer") -> int:
        view = memoryview(buffer)
        try:
            data = self._file.read(len(view))
        except (OSError, *_BROKEN) as error:
            raise _CorruptError(str(error) or type(error).__name__) from error
        self._budget.spend(len(data))
        view[: len(data)] = data
        return len(data)

    def close(self) -> None:
        self._file.close()
        super().close()


def _counted(file: IO[bytes] | io.BufferedIOBase, budget: _Budget) -> io.BufferedReader:
    return io.BufferedReader(_Counted(file, budget), _CHUNK)


def _checked(path: Path, name: str) -> PurePosixPath:
    """Refuse what leads out of the folder on any system."""
    windows = PureWindowsPath(name)
    if PurePosixPath(name).is_absolute() or windows.anchor or ".." in windows.parts:
        raise _refused(path, name, "a path that leaves its folder")
    if sys.platform == "win32" and any(":" in part or is_device(part) for part in windows.parts):
        raise _refused(path, name, "which cannot be written (a device or a stream on Windows)")
    return PurePosixPath(name)


def _wanted(name: PurePosixPath) -> bool:
    return bool(name.parts) and not any(is_junk(part) for part in name.parts)


def _refused(path: Path, name: str, why: str) -> DataError:
    return DataError(
        f"{path} is refused: it holds {printable(name)[:200]}, {why}. Pack the images again"
        " without it."
    )


@contextmanager
def _broken_archives(path: Path) -> Iterator[None]:
    try:
        yield
    except _BROKEN as error:
        raise DataError(
            f"{path} cannot be unpacked ({str(error) or type(error).__name__}): copy or download"
            " it again."
        ) from error


@contextmanager
def _bad_names(path: Path, name: PurePosixPath) -> Iterator[None]:
    """Tell two files of one name, or one that no disk takes, from a disk that is full."""
    try:
        yield
    except OSError as error:
        if error.errno not in _BAD_NAME:
            raise
        raise _refused(path, str(name), f"which cannot be written ({error.strerror})") from error
