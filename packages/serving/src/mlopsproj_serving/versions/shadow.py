"""A share of what is answered, computed once more by another version, for comparison.

Nobody waits for it: what is behind is dropped and counted, and while there is traffic it takes a
small part of one core. Knows nothing of aliases, nor of how its version came to be one.
"""

import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b
from queue import SimpleQueue
from threading import Condition, Thread
from typing import TYPE_CHECKING, Final

from mlopsproj_core.errors import MlopsprojError, NotDurableError
from mlopsproj_records.record import PredictionRecord

from mlopsproj_serving.model import ServedModel
from mlopsproj_serving.recording import record_of

if TYPE_CHECKING:
    from mlopsproj_records.log import PredictionLog

    from mlopsproj_serving.scheduling.job import Computed
    from mlopsproj_serving.telemetry.metrics import Metrics, ShadowResult

logger = logging.getLogger(__name__)

QUEUE_IMAGES: Final = 256
QUEUE_BYTES: Final = 64 * 1024 * 1024
BUSY_SHARE: Final = 0.05
"""Of the time, in which a copy is computed while answers are."""

_PATIENCE_SECONDS = 60.0
_LOOK_SECONDS = 0.02
_COMPLAINT_SECONDS = 60.0


@dataclass(frozen=True, slots=True, eq=False)
class _Copy:
    image: bytes
    answered: PredictionRecord


class Shadow:
    """Computes copies in a thread of its own; may be used from any thread."""

    def __init__(
        self,
        *,
        share: float,
        log: "PredictionLog | None",
        metrics: "Metrics | None",
        busy: Callable[[], bool],
    ) -> None:
        """Begin without a version: nothing is copied.

        Args:
            share: of the answered images that are copied, 0 to 1; which, follows from their ids.
            log: where its predictions are kept, each with the id of the one that was answered.
            metrics: that count them.
            busy: whether anybody waits for an answer now.
        """
        self.share = share
        self.model: ServedModel | None = None
        self._log = log
        self._metrics = metrics
        self._busy = busy
        self._copies: deque[_Copy] = deque()
        self._bytes = 0
        self._closed = False
        self._changed = Condition()
        self._thread: Thread | None = None
        self._silent_until = 0.0  # on the clock of `time.monotonic`

    def use(self, model: ServedModel | None) -> None:
        """Compute copies with this version from now on; with none, copy nothing.

        What was used until then may be closed: a copy that it is computing is finished first.
        """
        with self._changed:
            self.model = model
            if model is None:
                self._drop_all()
            elif self._thread is None and not self._closed:
                self._thread = Thread(target=self._work, name="shadow", daemon=True)
                self._thread.start()

    def copy(self, image: bytes, answered: PredictionRecord) -> None:
        """Take an image that was answered, or leave it; never blocks and never raises.

        Args:
            image: encoded, as it was sent.
            answered: what was said of it.
        """
        model = self.model
        if model is None or not chosen(answered.id, self.share):
            return
        if (model.version.name, model.version.number) == (answered.model, answered.version):
            return  # it would say the same
        with self._changed:
            fits = (
                len(self._copies) < QUEUE_IMAGES
                and self._bytes + len(image) <= QUEUE_BYTES
                and not self._closed
                and self.model is not None
            )
            if fits:
                self._copies.append(_Copy(image, answered))
                self._bytes += len(image)
                self._changed.notify()
        if not fits:
            self._count("dropped")

    def close(self) -> None:
        """Drop what is behind, and end the thread; blocks until the copy at hand is done."""
        with self._changed:
            self._closed = True
            self._drop_all()
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()

    def _work(self) -> None:
        while (copy := self._next()) is not None:
            begun = time.monotonic()
            try:
                self._compare(copy)
            except Exception as error:  # noqa: BLE001 (whoever is answered must not hear of it)
                self._fail(error)
            self._rest((time.monotonic() - begun) * (1 / BUSY_SHARE - 1))

    def _drop_all(self) -> None:
        """Under the lock."""
        for _ in self._copies:
            self._count("dropped")
        self._copies.clear()
        self._bytes = 0

    def _next(self) -> _Copy | None:
        """The oldest copy; waits for one. None when it is over."""
        with self._changed:
            self._changed.wait_for(lambda: self._copies or self._closed)
            if self._closed:
                return None
            copy = self._copies.popleft()
            self._bytes -= len(copy.image)
            return copy

    def _compare(self, copy: _Copy) -> None:
        outcomes: SimpleQueue[Computed | MlopsprojError] = SimpleQueue()
        with self._changed:  # so that nothing is submitted to a version that is not used any more
            model = self.model
            if model is None or self._closed:
                self._count("dropped")
                return
            model.compute(copy.image, _PATIENCE_SECONDS, outcomes.put)
        outcome = outcomes.get()
        if isinstance(outcome, MlopsprojError):
            self._fail(outcome)
            return
        record = record_of(
            outcome,
            copy.image,
            version=model.version,
            manifest=model.manifest,
            request_id=copy.answered.request_id,
            shadow_of=copy.answered.id,
        )
        agreed = record.top_k[0][0] == copy.answered.top_k[0][0]

        def kept(error: NotDurableError | None) -> None:
            if error is None:
                self._count("agreed" if agreed else "differed")
            else:
                self._fail(error)

        if self._log is None:
            kept(None)
        else:
            self._log.append(record, kept)

    def _rest(self, seconds: float) -> None:
        """Let those who wait for an answer have the CPU; no longer than there is anybody."""
        until = time.monotonic() + seconds
        while self._busy() and not self._closed and (left := until - time.monotonic()) > 0:
            time.sleep(min(left, _LOOK_SECONDS))

    def _fail(self, error: Exception) -> None:
        """Count it; say so now and then, since the next copy may well fail for the same reason."""
        self._count("failed")
        now = time.monotonic()
        if now >= self._silent_until:
            self._silent_until = now + _COMPLAINT_SECONDS
            ours = not isinstance(error, MlopsprojError)
            logger.warning("the shadow failed: %s", error, exc_info=error if ours else None)

    def _count(self, result: "ShadowResult") -> None:
        if self._metrics is not None:
            self._metrics.shadow(result)


def chosen(id_: str, share: float) -> bool:
    """Whether the answer with this id is among the share that is copied; always the same."""
    if share >= 1:
        return True
    digest = blake2b(id_.encode(), digest_size=8).digest()
    return int.from_bytes(digest, "big") < share * 2**64
