"""Images of predictions, kept under a URL by what they hold: the same image is kept once.

    {url}/ab/ab12….jpg

Knows nothing of predictions.
"""

import logging
from contextlib import suppress
from typing import Final

import msgspec
from mlopsproj_core.errors import RecordsError
from mlopsproj_core.store import Store

logger = logging.getLogger(__name__)

_ENDINGS: Final = (
    (b"\xff\xd8\xff", "jpg"),
    (b"\x89PNG\r\n\x1a\n", "png"),
    (b"GIF8", "gif"),
    (b"BM", "bmp"),
    (b"II*\x00", "tif"),
    (b"MM\x00*", "tif"),
)


class SpooledImage(msgspec.Struct, frozen=True, array_like=True):
    """An image on its way through the spool.

    Attributes:
        prediction_id: that it was sent for.
        sha256: of the image, hexadecimal.
        data: as it was sent.
    """

    prediction_id: str
    sha256: str
    data: bytes


class ImageStore:
    """Images under a URL; any thread may use it.

    Attributes:
        url: as it was given; a local folder's absolute path.
    """

    def __init__(self, url: str) -> None:
        """Open a store; nothing is reached yet.

        Args:
            url: a folder, or what fsspec knows, e.g. `gs://bucket/images`.

        Raises:
            RecordsError: if no file system goes with it.
        """
        self._store = Store(url, called="image store", error=RecordsError)
        folder = self._store.local_path("")
        self.url = folder.as_posix() if folder else url.rstrip("/")
        self._said_elsewhere = False

    def keep(self, sha256: str, data: bytes) -> str:
        """Keep an image, durably, unless it is there.

        Returns:
            its own URL.

        Raises:
            RecordsError: if the store cannot be reached.
        """
        path = f"{sha256[:2]}/{sha256}.{_ending(data)}"
        with suppress(FileExistsError):  # the same bytes: their hash is their name
            self._store.create(path, data)
        return f"{self.url}/{path}"

    def delete(self, url: str) -> None:
        """Delete an image by its own URL, if it is there and below this store's.

        One that was kept elsewhere, before the store was moved, is left there, which is said once.

        Raises:
            RecordsError: if the store cannot be reached.
        """
        prefix = f"{self.url}/"
        if url.startswith(prefix):
            self._store.remove(url.removeprefix(prefix))
        elif not self._said_elsewhere:
            self._said_elsewhere = True
            logger.warning(
                "%s is not below %s: predictions whose images were kept there are deleted, and the"
                " images are left",
                url,
                self.url,
            )


def is_chosen(sha256: str, share: float) -> bool:
    """Whether an image belongs to the share that is kept; the same image always does, or never."""
    return int(sha256[:8], 16) < share * 0x1_0000_0000


def _ending(data: bytes) -> str:
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp"
    return next((ending for start, ending in _ENDINGS if data.startswith(start)), "bin")
