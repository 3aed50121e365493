"""Files below a folder of this machine: created whole or not at all, durable, never overwritten.

Knows nothing of URLs, and of what the files hold.
"""

import errno
import os
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final
from uuid import uuid4

_SCANNED_SECONDS: Final = 2.0


class LocalFiles:
    """Files named by paths relative to `root`; every method may raise OSError."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def names(self, folder: str) -> list[str]:
        """Names directly in `folder`; none where there is no such folder."""
        try:
            return [path.name for path in (self.root / folder).iterdir()]
        except FileNotFoundError:
            return []

    def below(self, folder: str) -> list[str]:
        """Paths, relative to `folder`, of all files below it."""
        top = self.root / folder
        return [
            Path(parent, name).relative_to(top).as_posix()
            for parent, _, names in os.walk(top, onerror=_raise_unless_gone)
            for name in names
        ]

    def sizes(self, folder: str) -> dict[str, int]:
        """Sizes in bytes of all files below `folder`, by path relative to it."""
        found = {}
        for path in self.below(folder):
            with suppress(FileNotFoundError):  # removed meanwhile
                found[path] = (self.root / folder / path).stat().st_size
        return found

    def read(self, path: str) -> bytes:
        """Content of a file."""
        return (self.root / path).read_bytes()

    def exists(self, path: str) -> bool:
        """Whether there is such a file; unlike `Path.exists`, not hidden by missing permission."""
        try:
            (self.root / path).stat()
        except FileNotFoundError:
            return False
        return True

    def create(self, path: str, data: bytes) -> None:
        """Write a draft, whose name begins with a dot, and give it the name if that is free.

        Raises:
            FileExistsError: if it is not.
        """
        target = self.root / path
        make_folder(target.parent)
        draft = target.parent / f".{target.name}.{uuid4().hex}"
        try:
            with draft.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            _name(draft, target)
        finally:
            draft.unlink(missing_ok=True)
        sync_folder(target.parent)

    def remove(self, path: str) -> None:
        """Remove a file, if it is there."""
        (self.root / path).unlink(missing_ok=True)


def put_in_place(draft: Path, target: Path) -> None:
    """Give a draft its name in one step; a file that has the name goes.

    On Windows nothing is renamed that is open elsewhere, and virus scanners open whatever was just
    written: they are waited for.

    Args:
        draft: a file or folder, of which this process has nothing open.
        target: may be a file, or an empty folder where the system allows it.

    Raises:
        OSError: if that cannot be.
    """
    _patiently(draft.replace, target)


def _patiently(rename: Callable[[Path], object], target: Path) -> None:
    patience_ends = time.monotonic() + _SCANNED_SECONDS
    while True:
        try:
            rename(target)
        except PermissionError:
            if sys.platform != "win32" or target.is_dir() or time.monotonic() > patience_ends:
                raise
            time.sleep(_SCANNED_SECONDS / 100)
        else:
            return


if sys.platform == "win32":

    def _name(draft: Path, target: Path) -> None:
        """Give a draft its name, in one step, unless the name is taken."""
        _patiently(draft.rename, target)  # refuses a name that is taken, there

else:
    import fcntl

    # What systems answer that know no hard links, e.g. exFAT or a mounted share.
    _NO_LINKS = {errno.EPERM, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP}

    def _name_under_lock(draft: Path, target: Path) -> None:
        """The same where there are no hard links; the lock ends with its process."""
        with (target.parent / ".lock").open("ab") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if target.exists():
                raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(target))
            draft.rename(target)

    def _name(draft: Path, target: Path) -> None:
        """Give a draft its name, in one step, unless the name is taken."""
        try:
            os.link(draft, target)
        except FileExistsError:
            # NFS may lose its answer, ask again, and find what it has just made.
            if not target.samefile(draft):
                raise
        except OSError as error:
            if error.errno not in _NO_LINKS:
                raise
            _name_under_lock(draft, target)


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it, so that they survive a power cut.

    Raises:
        OSError: if that cannot be.
    """
    made = [path for path in (folder, *folder.parents) if not path.exists()]
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:  # the name is free, but its folder cannot be
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(folder)) from error
    for path in made:
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Make a new name survive a power cut, where the system can."""
    if sys.platform == "win32":
        return
    with suppress(OSError):  # some network file systems sync no folders
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def _raise_unless_gone(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise error
