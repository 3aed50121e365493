"""The prediction log: durable before anybody is told so, and in the database soon after.

Knows nothing of HTTP, nor of models.
"""

import logging
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from mlopsproj_core.errors import ConfigError, DatabaseAwayError, MigrationError

from mlopsproj_records.counts import Counts
from mlopsproj_records.database import Database
from mlopsproj_records.expiry import Expiry
from mlopsproj_records.health import Health
from mlopsproj_records.image_mover import ImageMover
from mlopsproj_records.images import ImageStore, is_chosen
from mlopsproj_records.mover import LOOK_AROUND_SECONDS, Mover
from mlopsproj_records.record import PredictionRecord, Record, StoredPrediction
from mlopsproj_records.rounds import Rounds
from mlopsproj_records.search import Search
from mlopsproj_records.segments import Kind
from mlopsproj_records.spool import Spool
from mlopsproj_records.writer import Done, Writer

logger = logging.getLogger(__name__)

CLOSING_SECONDS: Final = 5.0
"""How long closing tries to move what waits."""

# A round costs half a millisecond however little it moves; who reads hurries it.
_PAUSE_SECONDS: Final = 0.25
_WRITING_SECONDS: Final = 30.0
_FLUSH_PAUSE_SECONDS: Final = 0.02


@dataclass(frozen=True, slots=True)
class LogConfig:
    """Where records go, and how many stay.

    Attributes:
        database_url: `sqlite:///file.db` or `postgresql://user:password@host:port/name`.
        spool_dir: a folder on a local disk, shared by the processes of this machine only.
        image_url: where images are kept; None keeps none.
        image_share: of the images that is kept, 0 to 1; the same image always is, or never.
        max_spool_bytes: of what waits in the spool; images have half of it at most.
        retention_days: predictions that are older are deleted; None keeps them for ever.
        retention_count: so many of the newest predictions stay; None keeps all.
    """

    database_url: str = "sqlite:///mlopsproj.db"
    spool_dir: Path = Path("spool")
    image_url: str | None = None
    image_share: float = 1.0
    max_spool_bytes: int = 1 << 30
    retention_days: float | None = None
    retention_count: int | None = None

    def __post_init__(self) -> None:
        """Check the values.

        Raises:
            ConfigError: for one that cannot be.
        """
        if not 0 <= self.image_share <= 1:
            raise ConfigError(f"image_share={self.image_share} is no share: give 0 to 1.")
        if self.max_spool_bytes <= 0:
            raise ConfigError(f"max_spool_bytes={self.max_spool_bytes} holds nothing: give more.")
        for name in ("retention_days", "retention_count"):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ConfigError(
                    f"{name}={value} keeps nothing: give a positive number, or none for all."
                )


@dataclass(frozen=True, slots=True)
class LogState:
    """What the log of this process has done since its start, and what waits.

    Attributes:
        spooled_records: waiting for the database, as far as is known of the lanes of dead
            processes.
        spooled_images: waiting for the image store.
        spool_bytes: waiting in the folder, of all processes.
        spool_limit_bytes: that may wait there.
        spool_up: whether the spool takes records.
        database_up: whether the database took or gave what it was last asked for.
        images_up: whether images and retention were last done without an error.
        appended: see `Counts`, as for the rest.
        last_error: what went wrong last, wherever; None if nothing ever has.
    """

    spooled_records: int
    spooled_images: int
    spool_bytes: int
    spool_limit_bytes: int
    spool_up: bool
    database_up: bool
    images_up: bool
    appended: int
    direct: int
    refused: int
    moved: int
    rejected: int
    damaged: int
    images_stored: int
    images_left_out: int
    images_failed: int
    expired: int
    last_error: str | None


class PredictionLog:
    """One for each process; any thread may use it."""

    def __init__(self, config: LogConfig) -> None:
        """Begin. The database, the spool and the image store may be away.

        Args:
            config: all of it.

        Raises:
            ConfigError: if the database's URL is none, or its driver is not installed.
            RecordsError: if the image store's URL is none.
        """
        self.config = config
        store = ImageStore(config.image_url) if config.image_url else None
        self._counts = Counts()
        self._database = Database(config.database_url)
        self._spool = Spool(
            config.spool_dir, config.max_spool_bytes, database=self._database.identity
        )
        self._closed = False
        where = config.spool_dir
        self._spool_health = Health(
            f"Records go to the database, which answers wait for, since the spool {where} takes"
            " none; free space there, or see to its permissions",
            f"Records go to the spool {where} again",
        )
        self._database_health = Health(
            f"Records wait in the spool {where}", "Records go to the database again"
        )
        self._images_health = Health(
            f"Images wait in the spool {where}, and none expires", "Images are kept again"
        )
        self._writer = Writer(
            self._spool,
            self._database,
            self._counts,
            written=self._wake,
            told=self._spool_health.note,
        )
        self._moving = Rounds(
            "records-mover",
            self._move,
            pause_seconds=_PAUSE_SECONDS,
            idle_seconds=LOOK_AROUND_SECONDS,
            told=self._database_health.note,
        )
        self._upkeep = Rounds(
            "records-images",
            self._keep_up,
            pause_seconds=_PAUSE_SECONDS,
            idle_seconds=LOOK_AROUND_SECONDS,
            told=self._images_health.note,
        )
        self._mover = Mover(
            self._spool,
            self._database,
            self._counts,
            seal_moved=self._writer.seal_moved,
            check=self._moving.check,
        )
        self._images = ImageMover(
            self._spool,
            self._database,
            store,
            self._counts,
            check=self._upkeep.check,
            is_stopping=lambda: self._upkeep.is_stopping,
        )
        self._expiry = Expiry(
            config.spool_dir,
            self._database,
            store,
            self._counts,
            max_age_days=config.retention_days,
            max_count=config.retention_count,
        )
        self._writer.start()
        self._moving.start()
        self._upkeep.start()

    def append(self, record: Record, done: Done, *, image: bytes | None = None) -> None:
        """Make a record durable; never blocks.

        The caller bounds how much it appends before it is told that it is done.

        Args:
            record: of an answer, or what was said of one.
            done: called exactly once, from the writer's thread: with None when the record is
                durable, else with why it cannot be. It must not block.
            image: as it was sent, kept if images are, this one is chosen and there is space; its
                SHA-256 is the record's.

        Raises:
            TypeError: if a field holds what cannot be written; `done` is not called then.
            OverflowError: the same, for an integer of more than 64 bits.
        """
        if image is not None and not (
            isinstance(record, PredictionRecord) and self.keeps_image(record.image_sha256)
        ):
            image = None
        self._writer.append(record, done, image)

    def keeps_image(self, image_sha256: str) -> bool:
        """Whether an image belongs to those that are kept.

        Its URL is in the database some time after its prediction.
        """
        return self.config.image_url is not None and is_chosen(
            image_sha256, self.config.image_share
        )

    def prediction(self, id: str) -> StoredPrediction | None:  # noqa: A002 (the record's field)
        """A prediction and its latest feedback; blocks, for seconds where the database is slow.

        Returns:
            None if there is no such prediction.

        Raises:
            DatabaseAwayError: see `Search.step`.
            MigrationError: the same.
        """
        search = self.search(id)
        while (pause := search.step()) is not None:
            time.sleep(pause)
        return search.found

    def search(self, id: str) -> Search:  # noqa: A002 (the record's field)
        """The same for those who do not block."""
        return Search(
            id,
            self._spool.lanes,
            read=self._read,
            is_away=lambda: self._database_health.error is not None,
            hurry=self._moving.hurry,
        )

    def flush(self, timeout_seconds: float) -> bool:
        """Wait until everything that this process has appended is where it belongs.

        Returns:
            Whether it is, within the time.
        """
        end = time.monotonic() + timeout_seconds
        if not self._writer.pass_through(timeout_seconds):
            return False
        while any(
            lane.records.waiting_bytes or lane.images.waiting_bytes for lane in self._spool.lanes
        ):
            if time.monotonic() > end:
                return False
            self._moving.hurry()
            self._upkeep.hurry()
            time.sleep(_FLUSH_PAUSE_SECONDS)
        return True

    def state(self) -> LogState:
        """Cheap enough to be asked for at every scrape."""
        lanes, counts = self._spool.lanes, self._counts
        parts = (self._spool_health, self._database_health, self._images_health)
        last = max(parts, key=lambda part: part.failed_at)
        return LogState(
            spooled_records=sum(lane.records.waiting_frames for lane in lanes),
            spooled_images=sum(lane.images.waiting_frames for lane in lanes),
            spool_bytes=self._spool.waiting_bytes,
            spool_limit_bytes=self.config.max_spool_bytes,
            spool_up=self._spool_health.error is None,
            database_up=self._database_health.error is None,
            images_up=self._images_health.error is None,
            appended=counts.appended,
            direct=counts.direct,
            refused=counts.refused,
            moved=counts.moved,
            rejected=counts.rejected,
            damaged=counts.damaged,
            images_stored=counts.images_stored,
            images_left_out=counts.images_left_out,
            images_failed=counts.images_failed,
            expired=counts.expired,
            last_error=last.last_error,
        )

    def close(self) -> None:
        """Make durable what was appended, and move what can be moved in a short time.

        What is not moved stays in the spool, for the next process. A record that is appended from
        now on is said not to be durable.
        """
        if self._closed:
            return
        self._closed = True
        end = time.monotonic() + CLOSING_SECONDS
        ended = self._writer.stop(_WRITING_SECONDS)
        for rounds in (self._moving, self._upkeep):
            ended &= rounds.stop(max(0.1, end - time.monotonic()))
        if waiting := self.state().spooled_records:
            logger.warning("%d records wait in %s.", waiting, self.config.spool_dir)
        if ended:  # else a thread still holds on to a lane, until this process ends
            self._spool.close()
            self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _wake(self, written: Kind) -> None:
        (self._moving if written == "records" else self._upkeep).wake()

    def _move(self) -> None:
        if self._spool_health.error:
            with suppress(OSError):
                self._spool.probe()
                self._spool_health.note(None)
        if self._spool_health.error or self._database_health.error:
            self._database.ping()  # where nothing waits, a round would say that all is well
        self._mover.move()

    def _keep_up(self) -> None:
        try:
            if self._expiry.step():
                self._upkeep.wake()
        finally:
            self._images.move()

    def _read(self, id: str) -> StoredPrediction | None:  # noqa: A002 (the record's field)
        try:
            found = self._database.prediction(id)
        except (DatabaseAwayError, MigrationError) as error:
            self._database_health.note(error)
            raise
        return found
