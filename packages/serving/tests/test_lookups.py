import asyncio
import threading

import pytest
from mlopsproj_core.errors import DatabaseAwayError
from mlopsproj_core.registry import ModelVersion, Registry
from mlopsproj_serving.lookups import THREADS, Lookups


class HangingLog:
    """A log whose database hangs until it is let go."""

    def __init__(self):
        self.go = threading.Event()
        self.asked = 0

    def prediction(self, id_):
        self.asked += 1
        self.go.wait(30)


def test_a_database_that_hangs_is_away_after_a_while():
    log = HangingLog()

    async def ask():
        lookups = Lookups(patience_seconds=0.02)
        with pytest.raises(DatabaseAwayError, match=r"0\.02 s"):
            await lookups.prediction(log, "x")

    try:
        asyncio.run(ask())
    finally:
        log.go.set()


def test_a_database_that_hangs_holds_up_its_threads_and_nothing_else():
    log = HangingLog()

    async def ask():
        lookups = Lookups(patience_seconds=0.05)
        asking = [lookups.prediction(log, "x") for _ in range(3 * THREADS)]
        results = await asyncio.gather(*asking, return_exceptions=True)
        return results, await asyncio.to_thread(lambda: "elsewhere")

    try:
        results, elsewhere = asyncio.run(ask())
    finally:
        log.go.set()

    assert all(isinstance(result, DatabaseAwayError) for result in results)
    assert elsewhere == "elsewhere"
    assert log.asked == THREADS  # who had given up was not asked for later


def test_classes_are_those_of_the_version_and_remembered(small_registry, tmp_path):
    registry, version = small_registry
    nowhere = Registry(str(tmp_path / "nowhere"))

    async def ask():
        lookups = Lookups()
        first = await lookups.classes(registry, version)
        return first, await lookups.classes(nowhere, version)

    assert asyncio.run(ask()) == (("dark", "bright"),) * 2


def test_classes_of_what_the_registry_does_not_have_are_not_known(small_registry):
    registry, version = small_registry

    async def ask():
        return await Lookups().classes(registry, ModelVersion(version.name, 99))

    assert asyncio.run(ask()) is None
