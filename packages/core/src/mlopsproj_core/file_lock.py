"""A lock between processes, which ends with its holder, however that ends.

Knows nothing of what is locked.
"""

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Final

_POLL_SECONDS: Final = 0.05


@contextmanager
def locked(path: Path, waiting: Callable[[], None] | None = None) -> Iterator[None]:
    """Hold a lock file that nobody else holds.

    Args:
        path: is made, with its folders, and left to whoever holds it to remove.
        waiting: called once if another process holds it.

    Raises:
        OSError: if the file cannot be made.
    """
    file = _acquire(path, waiting)
    try:
        yield
    finally:
        file.close()


def try_lock(path: Path) -> IO[bytes] | None:
    """Take a lock file now, or not at all.

    Args:
        path: is made, with its folders, and left to whoever holds it to remove.

    Returns:
        The open file, which holds the lock until it is closed; None if somebody else holds it.

    Raises:
        OSError: if the file cannot be made.
    """
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            file = path.open("a+b")
        except FileNotFoundError:  # its folder was removed meanwhile
            continue
        if not _try_lock(file):
            file.close()
            return None
        # Its last holder may have removed it: what is locked must be what others will find.
        if _is_at(file, path):
            os.utime(path)
            return file
        file.close()


def _acquire(path: Path, waiting: Callable[[], None] | None) -> IO[bytes]:
    told = False
    while True:
        if file := try_lock(path):
            return file
        if waiting and not told:
            waiting()
            told = True
        time.sleep(_POLL_SECONDS)


def _is_at(file: IO[bytes], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


if sys.platform == "win32":
    import msvcrt

    # A byte that is locked there, nobody else can read: one behind all that such a file holds.
    _LOCKED_BYTE: Final = 1 << 30

    def _try_lock(file: IO[bytes]) -> bool:
        file.seek(_LOCKED_BYTE)
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            file.seek(0)
        return True

else:
    import fcntl

    def _try_lock(file: IO[bytes]) -> bool:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
