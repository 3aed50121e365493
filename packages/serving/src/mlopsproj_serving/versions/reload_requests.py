"""A request to look at the registry now, that reaches every process of a service.

It is a file in a folder that they share, whose every change is a request. Knows nothing of what is
done upon one.
"""

import asyncio
import os
from pathlib import Path
from typing import Final
from uuid import uuid4

from mlopsproj_core.local_files import put_in_place

LOOK_SECONDS: Final = 0.2
_FILE = "reload"

_Seen = tuple[int, int] | None


class ReloadRequests:
    """Requests of this process to the others, and of the others to this one."""

    def __init__(self, folder: Path) -> None:
        """Begin with what was requested before.

        Args:
            folder: that exists and that all processes share.
        """
        self._file = folder / _FILE
        self._seen = self._look()

    def make(self) -> None:
        """Ask every other process.

        Raises:
            OSError: if the folder cannot be written.
        """
        draft = self._file.with_name(f".{_FILE}.{uuid4().hex}")
        try:
            draft.write_bytes(b"")
            made = _told(draft.stat())
            put_in_place(draft, self._file)
        finally:
            draft.unlink(missing_ok=True)
        self._seen = made

    async def wait(self) -> None:
        """Return when another process asks."""
        while (found := self._look()) == self._seen:  # noqa: ASYNC110 (another process sets no event)
            await asyncio.sleep(LOOK_SECONDS)
        self._seen = found

    def _look(self) -> _Seen:
        try:
            return _told(self._file.stat())
        except OSError:
            return None


def _told(status: os.stat_result) -> tuple[int, int]:
    return status.st_ino, status.st_mtime_ns
