"""A registry that is being copied to says so, until all that its aliases need is there.

    UNFINISHED_COPY.json       from where, and since when; no model can be called so

A copy that is killed leaves the mark, and the next one takes it over. Knows nothing of what is
copied.
"""

import json
from datetime import UTC, datetime
from typing import Final
from uuid import uuid4

from mlopsproj_core.errors import RegistryError
from mlopsproj_core.store import Store

MARK: Final = "UNFINISHED_COPY.json"


class CopyMark:
    """The mark of one copy, on what it writes to."""

    def __init__(self, store: Store, source: str) -> None:
        """Look for the mark of a copy that did not end; write nothing yet.

        Args:
            store: that is copied to.
            source: URL of what is copied.
        """
        self._store = store
        told = {"id": str(uuid4()), "source": source, "time": datetime.now(UTC).isoformat()}
        self._content = json.dumps(told).encode()
        self._found = _read(store)
        self._is_set = False

    def put(self) -> None:
        """See that the mark is there before anything is written; once is enough."""
        if self._is_set:
            return
        self._is_set = True
        # Its own in the place of an older one: whoever left that may end meanwhile, and remove it.
        if self._found is not None:
            self._store.remove(MARK)
        try:
            self._store.create(MARK, self._content)
        except FileExistsError:
            self._store.remove(MARK)
            self._store.create(MARK, self._content)

    def take_away(self) -> None:
        """Say that all is there; the mark of a copy that began since stays."""
        there = _read(self._store)
        if there is not None and there in (self._content, self._found):
            self._store.remove(MARK)


def refuse_unfinished(store: Store) -> None:
    """See that nobody takes a part of a registry for the whole.

    Raises:
        RegistryError: if a copy to it has not ended, naming what it is a copy of.
    """
    told = _read(store)
    if told is None:
        return
    raise RegistryError(
        f"{store.url} is a copy of {_source(told)} that is not finished: wait for the backup or the"
        f" restore that makes it; if that was interrupted, run it again. Where it never can be"
        f" finished, remove {MARK} there: what is missing is missing then."
    )


def _read(store: Store) -> bytes | None:
    try:
        return store.read(MARK)
    except FileNotFoundError:
        return None


def _source(told: bytes) -> str:
    try:
        return str(json.loads(told)["source"])
    except (ValueError, TypeError, KeyError):
        return "another registry"
