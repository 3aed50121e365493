"""Half-written files and folders: hidden beside their place until they are whole.

What a killed process leaves behind never looks like the real thing, and the next draft in the same
folder removes it once it is a day old. Knows nothing of what is written.
"""

import errno
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from mlopsproj_core.errors import DataError

STALE_AFTER_SECONDS: Final = 24 * 3600.0
"""Since anything in a draft was last written: nobody is at work on it any more."""

_ENDING = ".draft"
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextmanager
def draft_of(target: Path) -> Iterator[Path]:
    """A path beside `target` that no other process uses; removed at the end if it is still there.

    Args:
        target: a file or folder that the caller renames the draft to; its parent is made.

    Raises:
        DataError: in place of any `OSError`: where to find room, or another folder.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _remove_stale(target.parent)
        draft = target.with_name(f".{target.name}.{uuid.uuid4().hex[:12]}{_ENDING}")
        try:
            yield draft
        finally:
            _remove(draft)
    except OSError as error:
        # pyarrow's errors have a number, and a text that is not for people.
        reason = os.strerror(error.errno) if error.errno else error
        mend = "free some space" if error.errno in _FULL else "make it writable"
        raise DataError(
            f"{target.parent} cannot be written ({reason}): {mend}, or name"
            " another folder by data.prepared_dir=FOLDER."
        ) from error


def _remove_stale(folder: Path) -> None:
    for draft in folder.glob(f".*{_ENDING}"):
        if time.time() - _last_written(draft) > STALE_AFTER_SECONDS:
            _remove(draft)


def _last_written(draft: Path) -> float:
    """Time of the last change, now for what another process is removing."""
    try:
        return max(path.stat().st_mtime for path in (draft, *draft.glob("*")))
    except OSError:
        return time.time()


def _remove(draft: Path) -> None:
    if draft.is_dir():
        shutil.rmtree(draft, ignore_errors=True)
    else:
        with suppress(OSError):
            draft.unlink()
