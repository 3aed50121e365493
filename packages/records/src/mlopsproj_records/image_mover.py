"""Takes images from the spool to the image store.

A prediction is in the database before its image is in the store, and is told the image's URL
afterwards: no record waits for an image, however long the store is away. Knows nothing of how
predictions get there.
"""

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import msgspec
from sqlalchemy import Connection, bindparam, select, update

from mlopsproj_records.counts import Counts
from mlopsproj_records.database import Database
from mlopsproj_records.draining import Draining
from mlopsproj_records.images import ImageStore, SpooledImage
from mlopsproj_records.lane import Lane
from mlopsproj_records.rounds import StoppedError
from mlopsproj_records.schema import prediction
from mlopsproj_records.spool import Spool

logger = logging.getLogger(__name__)

UPLOADS_AT_ONCE: Final = 8
_BATCH_IMAGES: Final = 64
_BATCH_BYTES: Final = 8 << 20
_ROW_PAUSE_SECONDS: Final = 0.02

_decode = msgspec.msgpack.Decoder(SpooledImage).decode
_SET_URL = (
    update(prediction)
    .where(prediction.c.id == bindparam("its_id"))
    .values(image_url=bindparam("url"))
)


class ImageMover:
    """Moves the images of a spool; the same one may be stored more than once."""

    def __init__(
        self,
        spool: Spool,
        database: Database,
        store: ImageStore | None,
        counts: Counts,
        *,
        check: Callable[[], None],
        is_stopping: Callable[[], bool],
    ) -> None:
        """Move nothing yet.

        Args:
            spool: that is emptied.
            database: told where the images are.
            store: where they go; what is found in the spool is dropped without one.
            counts: told what was moved.
            check: called now and then; what it raises ends a move.
            is_stopping: whether nothing that is not there yet is to be waited for.
        """
        self._spool, self._database, self._counts = spool, database, counts
        self._store, self._is_stopping = store, is_stopping
        self._draining = Draining(
            spool, counts, frames=_BATCH_IMAGES, size_bytes=_BATCH_BYTES, check=check
        )

    def move(self) -> None:
        """Move all there are.

        Raises:
            RecordsError: if the store or the database is away.
            OSError: if the spool cannot be read or written.
            StoppedError: if it is stopping before the database has the images' predictions.
        """
        for lane in self._spool.lanes:
            self._draining.drain(lane, lane.images, partial(self._take, lane))

    def _take(self, lane: Lane, payloads: Sequence[bytes]) -> list[bytes]:
        predictions = lane.records.end  # written before their images, thus among these
        images = []
        for payload in payloads:
            try:
                images.append(_decode(payload))
            except msgspec.MsgspecError as error:
                logger.error("an image in the spool is of another release: %s", error)  # noqa: TRY400 (says it all)
        if self._store is None:
            if images:
                logger.warning(
                    "%d images go nowhere: MLOPSPROJ_IMAGE_LOG_URL is empty", len(images)
                )
            kept = 0
        else:
            while not predictions.is_moved:
                if self._is_stopping():
                    raise StoppedError
                time.sleep(_ROW_PAUSE_SECONDS)
            kept = self._keep(self._store, images)
        self._counts.add(images_stored=kept, images_failed=len(payloads) - kept)
        return []

    def _keep(self, store: ImageStore, images: Sequence[SpooledImage]) -> int:
        """Keep images, and tell their predictions; says of how many."""
        if not images:
            return 0
        ids = [image.prediction_id for image in images]
        there = self._database.run(partial(_existing, ids))
        # An image whose prediction was refused, or has expired, would be kept for ever.
        images = [image for image in images if image.prediction_id in there]
        if images:
            urls = _in_parallel(store, images)
            rows = [
                {"its_id": image.prediction_id, "url": url}
                for image, url in zip(images, urls, strict=True)
            ]
            self._database.run(partial(_set_urls, rows), writes=True)
        return len(images)


def _existing(ids: Sequence[str], connection: Connection) -> set[str]:
    return set(connection.scalars(select(prediction.c.id).where(prediction.c.id.in_(ids))))


def _set_urls(rows: list[dict[str, str]], connection: Connection) -> None:
    connection.execute(_SET_URL, rows)


def _in_parallel(store: ImageStore, images: Sequence[SpooledImage]) -> list[str]:
    """The URLs of all images, once all are kept; raises what went wrong with one of them.

    The threads are no pool's: an interpreter that ends would wait for those, as long as a store
    that is away likes.
    """
    urls: dict[int, str] = {}
    errors: list[Exception] = []
    jobs = deque(enumerate(images))

    def keep() -> None:
        while jobs and not errors:
            try:
                number, image = jobs.popleft()
            except IndexError:  # another thread took the last one
                return
            try:
                urls[number] = store.keep(image.sha256, image.data)
            except Exception as error:  # noqa: BLE001 (raised below)
                errors.append(error)
                return

    threads = [
        threading.Thread(target=keep, name="records-upload", daemon=True)
        for _ in range(min(UPLOADS_AT_ONCE, len(images)))
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if errors:
        raise errors[0]
    return [urls[number] for number in range(len(images))]
