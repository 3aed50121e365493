"""Follows an alias: loads what it points at, hands it over, and closes what was there before.

Whatever cannot be loaded leaves the present version where it is. Knows nothing of what is done with
a version, nor of any other alias.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Generic, Protocol, TypeVar

from mlopsproj_core.errors import MlopsprojError, ServingError
from mlopsproj_core.registry import AliasMove, ModelVersion

from mlopsproj_serving.background import in_thread

logger = logging.getLogger(__name__)

FIRST_PAUSE_SECONDS: Final = 10.0
LONGEST_PAUSE_SECONDS: Final = 600.0
"""Between two attempts to load a version that failed; a move of the alias ends the pause."""

LOCATING_SECONDS: Final = 10.0
"""After which a registry that says nothing is told to be out of reach."""

LOADING_SECONDS: Final = 900.0
"""For one version: the registry may be far away, and the bundle large."""

_ENDING = "The service is ending: it loads nothing more."


class Closable(Protocol):
    """What a follower loads."""

    def close(self) -> None:
        """End it; blocks meanwhile."""


_T = TypeVar("_T", bound=Closable)

Located = tuple[ModelVersion, AliasMove | None]


@dataclass(frozen=True, slots=True)
class LoadFailure:
    """A version that the alias points at, and that could not be loaded.

    Attributes:
        version: that failed.
        reason: why.
        time: of the last attempt, UTC.
        attempts: so far.
        pause_seconds: from then to the next attempt, unless the alias moves.
    """

    version: ModelVersion
    reason: str
    time: datetime
    attempts: int
    pause_seconds: float


@dataclass(frozen=True, slots=True)
class Unreachable:
    """The registry could not be asked where the alias points.

    Attributes:
        reason: why.
        since: of the first failed look, UTC.
    """

    reason: str
    since: datetime


class Follower(Generic[_T]):
    """Keeps one thing loaded that an alias points at; belongs to one event loop.

    Attributes:
        current: what was handed over last, and is not closed.
        located: where the alias pointed at the last look that reached the registry.
        failure: of the version that the alias points at now.
        unreachable: why the last look reached no registry.
        looked: when the registry was reached last, UTC.
        since: when `current` was handed over, UTC.
    """

    def __init__(
        self,
        *,
        locate: Callable[[], Located | None],
        load: Callable[[ModelVersion], _T],
        hand_over: Callable[[_T | None], None],
        failed: Callable[[ModelVersion | None, str], None],
        poll_seconds: float,
    ) -> None:
        """Begin with nothing; `run` follows.

        Args:
            locate: where the alias points; None if nothing shall be loaded. Blocks, in a thread.
            load: a version, ready to be used. Blocks, in a thread.
            hand_over: use this from now on; called in the event loop, before what was used until
                then is closed in a thread.
            failed: called in the event loop with the version that could not be loaded, or None if
                the registry could not be asked, and why.
            poll_seconds: between two looks.
        """
        self._locate = locate
        self._load = load
        self._hand_over = hand_over
        self._failed = failed
        self._poll_seconds = poll_seconds
        self._wake = asyncio.Event()
        self._waiting: list[asyncio.Future[None]] = []
        self._ended = False
        self._version: ModelVersion | None = None
        self._retry_at = 0.0  # on the clock of `time.monotonic`
        self._locating: asyncio.Future[Located | None] | None = None
        self._closing: set[asyncio.Task[None]] = set()
        self.current: _T | None = None
        self.located: Located | None = None
        self.failure: LoadFailure | None = None
        self.unreachable: Unreachable | None = None
        self.looked: datetime | None = None
        self.since: datetime | None = None

    async def run(self) -> None:
        """Follow until cancelled."""
        answered = 0
        try:
            while True:
                self._wake.clear()
                answered = len(self._waiting)
                try:
                    await self._look(at_once=answered > 0)
                except Exception:
                    logger.exception("an alias could not be followed; it is looked at again")
                for waiting in self._waiting[:answered]:
                    if not waiting.done():
                        waiting.set_result(None)
                del self._waiting[:answered]
                # Before Python 3.12 `wait_for` would lose a cancellation that comes with a wake-up.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._poll_seconds):
                        await self._wake.wait()
        finally:
            self._ended = True
            if self._locating is not None:
                self._locating.cancel()
            for waiting in self._waiting:
                if not waiting.done():
                    waiting.set_exception(ServingError(_ENDING))

    async def look(self) -> None:
        """Look now, and return when what the alias points at was handed over or has failed.

        A version that failed is tried again, though its pause is not over.

        Raises:
            ServingError: if nothing is followed any more.
        """
        if self._ended:
            raise ServingError(_ENDING)
        waiting: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        self._wake.set()
        await waiting

    def wake(self) -> None:
        """Look soon, without waiting for the interval to pass."""
        self._wake.set()

    async def all_closed(self) -> None:
        """Return when everything that was replaced is closed."""
        while self._closing:
            await asyncio.wait(self._closing)

    async def _look(self, *, at_once: bool) -> None:
        # One that hangs is waited for, not asked again and again: each would hang by itself.
        locating = self._locating or asyncio.ensure_future(in_thread(self._locate))
        self._locating = locating
        try:
            async with asyncio.timeout(LOCATING_SECONDS) as limit:
                located = await asyncio.shield(locating)
        except Exception as error:  # noqa: BLE001 (every file system has its own)
            if limit.expired():
                self._tell_unreachable(
                    f"The registry has not answered for {LOCATING_SECONDS:g} s: see that it can be"
                    " reached from here."
                )
                return
            self._locating = None
            self._tell_unreachable(_reason(error))
            return
        self._locating = None
        if self.unreachable is not None:
            logger.info("the registry is reached again")
        self.unreachable, self.looked = None, datetime.now(UTC)
        if located != self.located:
            self.located, self.failure = located, None
        version = located[0] if located is not None else None
        if version == self._version:
            self.failure = None
        elif version is None:
            self._replace(None, None)
        elif self.failure is None or at_once or time.monotonic() >= self._retry_at:
            await self._load_and_replace(version)

    async def _load_and_replace(self, version: ModelVersion) -> None:
        begun = time.monotonic()
        try:
            async with asyncio.timeout(LOADING_SECONDS) as limit:
                loaded = await in_thread(
                    lambda: self._load(version), discard=lambda late: late.close()
                )
        except MlopsprojError as error:
            self._tell_failure(version, _reason(error))
        except Exception as error:
            if limit.expired():
                self._tell_failure(version, f"It was not loaded within {LOADING_SECONDS:g} s.")
                return
            logger.exception("%s cannot be loaded", version)
            self._tell_failure(version, _reason(error))
        else:
            self.failure = None
            self._replace(loaded, version)
            logger.info("%s is used, %.1f s after it was found", version, time.monotonic() - begun)

    def _replace(self, loaded: _T | None, version: ModelVersion | None) -> None:
        before, self.current = self.current, loaded
        self._version, self.since = version, datetime.now(UTC)
        self._hand_over(loaded)
        if before is not None:
            closing = asyncio.create_task(in_thread(before.close))
            self._closing.add(closing)
            closing.add_done_callback(self._closing.discard)

    def _tell_unreachable(self, reason: str) -> None:
        if self.unreachable is None or self.unreachable.reason != reason:
            logger.warning("%s", reason)
        since = self.unreachable.since if self.unreachable else datetime.now(UTC)
        self.unreachable = Unreachable(reason, since)
        self._failed(None, reason)

    def _tell_failure(self, version: ModelVersion, reason: str) -> None:
        attempts = self.failure.attempts + 1 if self.failure else 1
        pause = min(FIRST_PAUSE_SECONDS * 2 ** min(attempts - 1, 20), LONGEST_PAUSE_SECONDS)
        self._retry_at = time.monotonic() + pause
        self.failure = LoadFailure(version, reason, datetime.now(UTC), attempts, pause)
        goes_on = "nothing is used" if self._version is None else f"{self._version} goes on"
        logger.warning("%s cannot be loaded, and %s: %s", version, goes_on, reason)
        self._failed(version, reason)


def _reason(error: Exception) -> str:
    return str(error) if isinstance(error, MlopsprojError) else f"{type(error).__name__}: {error}"
