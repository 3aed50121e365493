"""Images of the prediction log, fetched from where they are kept: each whole or not at all.

An image is known by its sha256, so that one that was cut or changed is told from a whole one, and
one that is here whole is not fetched again. Knows nothing of labels.
"""

import hashlib
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path, PurePosixPath
from typing import Final

from mlopsproj_core.errors import DataError
from mlopsproj_core.local_files import put_in_place
from mlopsproj_core.store import Store

from mlopsproj_data.drafts import draft_of

_AT_A_TIME: Final = 16
_LONGEST_ENDING: Final = 8

GONE: Final = "it is gone"
CHANGED: Final = "it was cut or changed"
UNREADABLE: Final = "it cannot be read"
"""Why an image is not had."""


def fetch_stored_images(
    wanted: Iterable[tuple[str, str]], folder: Path, *, image_log_url: str | None = None
) -> dict[str, Path | str]:
    """Fetch images, several at a time.

    Args:
        wanted: sha256 of each, and the URL under which it was kept.
        folder: where they are kept here, each under its sha256; is made.
        image_log_url: where the store is now, asked where an image is not at its own URL.

    Returns:
        For each sha256 the file, or why there is none: `GONE`, `CHANGED` or `UNREADABLE`.

    Raises:
        DataError: if the store cannot be reached, or the disk is full; what was fetched is kept.
    """
    stores = _Stores(image_log_url)

    def fetch(item: tuple[str, str]) -> tuple[str, Path | str]:
        sha256, url = item
        return sha256, _fetch(sha256, url, folder, stores)

    with ThreadPoolExecutor(_AT_A_TIME) as pool:
        try:
            return dict(pool.map(fetch, wanted))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


class _Stores:
    """The stores in which an image may lie, each opened once."""

    def __init__(self, image_log_url: str | None) -> None:
        self._now = image_log_url
        self._open = cache(lambda url: Store(url, called="image store", error=DataError))

    def read(self, url: str) -> bytes:
        """An image by its own URL, else below the store as it is now.

        Raises:
            FileNotFoundError: if it is in neither.
            DataError: if it is not in the one that can be reached, and the other one cannot be.
        """
        # `{store}/ab/ab12….jpg`, as `mlopsproj_records.images` keeps them.
        root, name = url.rsplit("/", 2)[0], "/".join(url.rsplit("/", 2)[1:])
        missing: DataError | FileNotFoundError = FileNotFoundError(url)
        for each in dict.fromkeys((root, self._now.rstrip("/")) if self._now else (root,)):
            try:
                return self._open(each).read(name)
            except FileNotFoundError:
                continue
            except DataError as error:
                missing = error
        raise missing


def _fetch(sha256: str, url: str, folder: Path, stores: _Stores) -> Path | str:
    target = folder / sha256[:2] / f"{sha256}{_ending(url)}"
    if target.exists() and _sha256(target.read_bytes()) == sha256:
        return target
    try:
        data = stores.read(url)
    except FileNotFoundError:
        return GONE
    except DataError as error:
        if isinstance(error.__cause__, PermissionError | IsADirectoryError):
            return UNREADABLE
        raise
    if _sha256(data) != sha256:
        return CHANGED
    with draft_of(target) as draft:
        draft.write_bytes(data)
        put_in_place(draft, target)
    return target


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _ending(url: str) -> str:
    ending = PurePosixPath(url).suffix.lower()
    plain = ending[1:].isascii() and ending[1:].isalnum() and len(ending) <= _LONGEST_ENDING
    return ending if plain else ""
