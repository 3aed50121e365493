"""What is asked of the database and of the registry while a request waits.

On few threads of its own, and not for long: a database that hangs holds up those and nothing else.
Knows nothing of requests.
"""

import asyncio
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from mlopsproj_core.errors import DatabaseAwayError, MlopsprojError
from mlopsproj_core.registry import ModelVersion, Registry
from mlopsproj_records.record import StoredPrediction

if TYPE_CHECKING:
    from mlopsproj_records.log import PredictionLog

THREADS = 4
"""For the database, and as many for the registry: neither waits for the other."""
PATIENCE_SECONDS = 5.0
"""For one lookup, its wait for a thread included."""
VERSIONS = 256
"""Whose classes are remembered; they never change."""


class Lookups:
    """Asks; belongs to one event loop. Its threads end with it."""

    def __init__(self, *, patience_seconds: float = PATIENCE_SECONDS) -> None:
        """Start nothing yet.

        Args:
            patience_seconds: for one lookup.
        """
        self._patience_seconds = patience_seconds
        self._database = ThreadPoolExecutor(THREADS, thread_name_prefix="lookup-database")
        self._registry = ThreadPoolExecutor(THREADS, thread_name_prefix="lookup-registry")
        self._classes: OrderedDict[ModelVersion, tuple[str, ...]] = OrderedDict()

    async def prediction(
        self,
        log: "PredictionLog",
        id: str,  # noqa: A002 (what the log calls it)
    ) -> StoredPrediction | None:
        """What the log holds of a prediction; None if it holds nothing.

        One that is on its way is waited for without a thread.

        Raises:
            DatabaseAwayError: if the database does not answer in time, or not at all.
        """
        loop = asyncio.get_running_loop()
        search = log.search(id)
        try:
            async with asyncio.timeout(self._patience_seconds):
                while True:
                    pause = await loop.run_in_executor(self._database, search.step)
                    if pause is None:
                        return search.found
                    await asyncio.sleep(pause)
        except TimeoutError:
            raise DatabaseAwayError(
                f"The database did not answer within {self._patience_seconds:g} s: try again later."
            ) from None

    async def classes(self, registry: Registry, version: ModelVersion) -> tuple[str, ...] | None:
        """The classes that a version tells apart; None if the registry does not say."""
        known = self._classes.get(version)
        if known is None:
            try:
                async with asyncio.timeout(self._patience_seconds):
                    known = await asyncio.get_running_loop().run_in_executor(
                        self._registry, lambda: registry.manifest(version).classes
                    )
            except (MlopsprojError, TimeoutError):
                return None
            self._classes[version] = known
            if len(self._classes) > VERSIONS:
                self._classes.popitem(last=False)
        return known
