import asyncio
import threading
from types import SimpleNamespace

import pytest
from mlopsproj_core.errors import DatabaseAwayError
from mlopsproj_core.registry import ModelVersion, Registry
from mlopsproj_serving.lookups import THREADS, Lookups


class HangingLog:
    """A log whose database hangs until it is let go."""

    def __init__(self):
        self.go = threading.Event()
        self.asked = 0

    def search(self, id_):
        return self

    def step(self):
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


class SlowLog:
    """A log in which everything is on its way."""

    def search(self, id_):
        search = SimpleNamespace(found=None, steps=0)

        def step():
            search.steps += 1
            if id_ == "arrives" and search.steps == 3:
                search.found = "here"
                return None
            return 0.01

        search.step = step
        return search


def test_what_is_on_its_way_is_waited_for_without_a_thread():
    async def ask():
        lookups = Lookups(patience_seconds=1)
        # Many more than there are threads.
        waiting = [lookups.prediction(SlowLog(), "made up") for _ in range(20 * THREADS)]
        waiting = [asyncio.ensure_future(each) for each in waiting]
        await asyncio.sleep(0.05)
        async with asyncio.timeout(0.9):
            found = await lookups.prediction(SlowLog(), "arrives")
        return found, await asyncio.gather(*waiting, return_exceptions=True)

    found, others = asyncio.run(ask())
    assert found == "here"
    assert all(isinstance(each, DatabaseAwayError) for each in others)


def test_a_registry_that_hangs_does_not_hold_up_the_database():
    go = threading.Event()
    registry = SimpleNamespace(manifest=lambda _: go.wait(30))

    async def ask():
        lookups = Lookups(patience_seconds=0.5)
        versions = [ModelVersion("m", number) for number in range(1, 2 * THREADS)]
        hanging = [asyncio.ensure_future(lookups.classes(registry, each)) for each in versions]
        await asyncio.sleep(0)
        found = await lookups.prediction(SlowLog(), "arrives")
        return found, await asyncio.gather(*hanging)

    try:
        found, classes = asyncio.run(ask())
    finally:
        go.set()
    assert found == "here"
    assert set(classes) == {None}
