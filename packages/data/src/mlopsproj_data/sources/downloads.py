"""Files fetched by their URLs: several at a time, each whole or not at all, none twice.

A file is kept under the sha256 of its URL; what is there is not fetched again. Knows nothing of
what the files hold.
"""

import errno
import hashlib
import logging
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import Any, Final
from urllib.parse import unquote, urlsplit, urlunsplit

import fsspec
from fsspec.callbacks import Callback
from mlopsproj_core.errors import DataError
from mlopsproj_core.local_files import put_in_place

from mlopsproj_data.drafts import draft_of

logger = logging.getLogger(__name__)

SCHEMES: Final = frozenset({"http", "https", "gs", "gcs", "s3", "az", "abfs"})
"""Of URLs that are fetched; none that leads to a file of this machine."""

MAX_IMAGE_BYTES: Final = 256 * 2**20
MAX_SOURCE_BYTES: Final = 2**40
"""Of an archive or a table."""

_AT_A_TIME: Final = 16
_STALL_SECONDS: Final = 30.0
_IMAGE_SECONDS: Final = 300.0
_LONGEST_ENDING: Final = 16
_REPORT_EVERY: Final = 1000
_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


def is_url(text: str) -> bool:
    """Whether a text is an address that can be fetched."""
    if "://" not in text:
        return False
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in SCHEMES and bool(parts.netloc)


def shown(url: str) -> str:
    """A URL without a password that may stand in it."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def file_name(url: str) -> str:
    """The last part of a URL's path, e.g. "photos.zip"."""
    return PurePosixPath(unquote(urlsplit(url).path)).name


def fetch(url: str, folder: Path) -> Path:
    """Fetch an archive or a table.

    Raises:
        DataError: if it cannot be fetched, or the disk is full.
    """
    target = _target(url, folder)
    if not target.exists():
        logger.info("downloading %s", shown(url))
        reason = _fetch(url, target, MAX_SOURCE_BYTES, None)
        if reason:
            raise DataError(
                f"{shown(url)} cannot be downloaded ({reason}): check the address and the network."
            )
    return target


def fetch_images(
    urls: Iterable[str], folder: Path, *, max_bytes: int = MAX_IMAGE_BYTES
) -> dict[str, Path | str]:
    """Fetch many images.

    Returns:
        For each URL the file, or the reason why there is none.

    Raises:
        DataError: if the disk is full.
    """
    targets = {url: _target(url, folder) for url in urls}
    lacking = [url for url, target in targets.items() if not target.exists()]
    failed = {}
    pool = ThreadPoolExecutor(_AT_A_TIME)
    try:
        reasons = pool.map(
            lambda url: _fetch(url, targets[url], max_bytes, _IMAGE_SECONDS), lacking
        )
        for count, (url, reason) in enumerate(zip(lacking, reasons, strict=True)):
            if count % _REPORT_EVERY == 0:
                logger.info("downloading images: %s of %s", f"{count:,}", f"{len(lacking):,}")
            if reason:
                failed[url] = reason
    finally:
        pool.shutdown(cancel_futures=True)  # an interrupt does not wait for what has not begun
    return targets | failed


def _target(url: str, folder: Path) -> Path:
    """Where a URL's file is kept: many folders, since each is searched for stale drafts."""
    name = hashlib.sha256(url.encode()).hexdigest()
    ending = PurePosixPath(file_name(url)).suffix.lower()
    if not (ending[1:].isascii() and ending[1:].isalnum() and len(ending) <= _LONGEST_ENDING):
        ending = ""
    return folder / name[:2] / f"{name}{ending}"


def _fetch(url: str, target: Path, max_bytes: int, seconds: float | None) -> str | None:
    """Fetch one file; the reason where that fails."""
    if not is_url(url):
        return f"none of {', '.join(sorted(SCHEMES))}"
    with draft_of(target) as draft:
        draft.touch()  # what cannot be written is no fault of the network
        try:
            filesystem = _filesystem(urlsplit(url).scheme)
            # Those that are asynchronous take a limit of time for the whole.
            limit = {"timeout": seconds} if seconds and filesystem.async_impl else {}
            filesystem.get_file(url, str(draft), callback=_Limit(max_bytes), **limit)
        except Exception as error:
            # Each protocol has errors of its own; a disk that is full concerns all files.
            if isinstance(error, OSError) and error.errno in _FULL:
                raise
            return _reason(error)
        put_in_place(draft, target)
    return None


def _filesystem(scheme: str) -> Any:
    """Of fsspec, which keeps one for each scheme and its connections."""
    if scheme not in {"http", "https"}:
        return fsspec.filesystem(scheme)
    from aiohttp import ClientTimeout  # noqa: PLC0415 (slow to import, seldom needed)

    stall = ClientTimeout(total=None, sock_connect=_STALL_SECONDS, sock_read=_STALL_SECONDS)
    return fsspec.filesystem(scheme, client_kwargs={"timeout": stall, "trust_env": True})


def _reason(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "not found"
    if isinstance(error, TimeoutError):
        return "no answer in time"
    status, message = getattr(error, "status", None), getattr(error, "message", "")
    if status:
        return f"status {status} {message}".strip()
    return str(error) or type(error).__name__


class _TooLargeError(Exception):
    pass


class _Limit(Callback):  # type: ignore[misc]  # fsspec has no types
    """Stops a download that grows too large, whatever its header promised."""

    def __init__(self, max_bytes: int) -> None:
        super().__init__()
        self._max_bytes = max_bytes

    def set_size(self, size: int | None) -> None:
        super().set_size(size)
        self._check(size or 0)

    def relative_update(self, inc: int = 1) -> None:
        super().relative_update(inc)
        self._check(self.value)

    def _check(self, size: int) -> None:
        if size > self._max_bytes:
            raise _TooLargeError(f"larger than {self._max_bytes:,} bytes")
