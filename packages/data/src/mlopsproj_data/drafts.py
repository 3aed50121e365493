"""Half-written files and folders: hidden beside their place until they are whole.

What a killed process leaves behind never looks like the real thing, and the next draft in the same
folder removes it once it is a day old. Knows nothing of what is written.
"""

import errno
import logging
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from mlopsproj_core.errors import DataError
from mlopsproj_core.file_lock import locked

logger = logging.getLogger(__name__)

STALE_AFTER_SECONDS: Final = 24 * 3600.0
"""Since anything in a draft was last written: nobody is at work on it any more."""

_ENDING = ".draft"
_LOCK = "lock"
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextmanager
def draft_of(
    target: Path, elsewhere: str = "another folder by data.prepared_dir=FOLDER"
) -> Iterator[Path]:
    """A path beside `target` that no other process uses; removed at the end if it is still there.

    Args:
        target: a file or folder that the caller renames the draft to; its parent is made.
        elsewhere: what a user names to have it written to another place.

    Raises:
        DataError: in place of any `OSError`: where to find room, or `elsewhere`.
    """
    with _disk_errors(target.parent, elsewhere):
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove_stale(target.parent)
        draft = target.with_name(f".{target.name}.{uuid.uuid4().hex[:12]}{_ENDING}")
        try:
            yield draft
        finally:
            remove_draft(draft)


@contextmanager
def kept_draft_of(target: Path) -> Iterator[Path]:
    """A folder beside `target` that one process at a time uses, and the next one goes on with.

    The caller removes it by `remove_draft`, or leaves it for the next process.

    Args:
        target: a folder that is made of it; its parent is made.

    Raises:
        DataError: in place of any `OSError`.
    """
    draft = target.with_name(f".{target.name}{_ENDING}")
    kept = "another folder by data.prepared_dir=FOLDER; what is done so far is kept"

    def tell() -> None:
        logger.info("waiting for another process, which prepares %s", target)

    with _disk_errors(target.parent, kept), locked(draft / _LOCK, tell):
        _remove_stale(target.parent)
        yield draft


@contextmanager
def _disk_errors(folder: Path, elsewhere: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        # pyarrow's errors have a number, and a text that is not for people.
        reason = os.strerror(error.errno) if error.errno else error
        mend = "free some space" if error.errno in _FULL else "make it writable"
        raise DataError(
            f"{folder} cannot be written ({reason}): {mend}, or name {elsewhere}."
        ) from error


def _remove_stale(folder: Path) -> None:
    for draft in folder.glob(f".*{_ENDING}"):
        if time.time() - _last_written(draft) > STALE_AFTER_SECONDS:
            remove_draft(draft)


def _last_written(draft: Path) -> float:
    """Time of the last change, now for what another process is removing."""
    try:
        return max(path.stat().st_mtime for path in (draft, *draft.glob("*")))
    except OSError:
        return time.time()


def remove_draft(draft: Path) -> None:
    """Remove a file or folder, as far as that can be done."""
    if draft.is_dir():
        shutil.rmtree(draft, ignore_errors=True)
    else:
        with suppress(OSError):
            draft.unlink()
