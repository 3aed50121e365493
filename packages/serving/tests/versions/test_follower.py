"""How an alias is followed, with things that are cheap to load; real models are in test_reload."""

import asyncio
import itertools
import logging
import threading
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from mlopsproj_core.errors import BundleCorruptError, RegistryError, ServingError
from mlopsproj_core.registry import AliasMove, ModelVersion
from mlopsproj_serving.versions import follower as module
from mlopsproj_serving.versions.follower import Follower

POLL_SECONDS = 0.005


class Thing:
    """What is loaded: knows whether it was closed."""

    def __init__(self, version):
        self.version = version
        self.closed = threading.Event()

    def close(self):
        self.closed.set()


class World:
    """An alias that points somewhere, and versions of which some cannot be loaded."""

    def __init__(self):
        self.located = None
        self.trouble = None
        self.broken = {}
        self.attempts = []
        self.things = []
        self.handed = []
        self.failures = []
        self.looks = 0
        self.gate = None
        self._sequence = itertools.count(1)

    def point_at(self, number):
        move = AliasMove(
            alias="production",
            sequence=next(self._sequence),
            id=uuid4(),
            version=number,
            actor="test",
            reason="test",
            time=datetime.now(UTC),
        )
        self.located = (ModelVersion("m", number), move)

    def locate(self):
        self.looks += 1
        if self.trouble is not None:
            raise self.trouble
        return self.located

    def load(self, version):
        self.attempts.append(version.number)
        if self.gate is not None:
            self.gate.wait(30)
        if version.number in self.broken:
            raise self.broken[version.number]
        self.things.append(Thing(version))
        return self.things[-1]

    @asynccontextmanager
    async def followed(self):
        following = Follower(
            locate=self.locate,
            load=self.load,
            hand_over=self.handed.append,
            failed=lambda version, reason: self.failures.append((version, reason)),
            poll_seconds=POLL_SECONDS,
        )
        task = asyncio.create_task(following.run())
        try:
            yield following
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def polled(self, times=5):
        """Return when the registry was asked so many times more."""
        seen = self.looks
        async with asyncio.timeout(30):
            while self.looks < seen + times:  # noqa: ASYNC110 (another thread counts)
                await asyncio.sleep(POLL_SECONDS)

    @property
    def numbers(self):
        return [None if thing is None else thing.version.number for thing in self.handed]


@pytest.fixture
def world():
    return World()


def test_each_version_is_handed_over_and_the_one_before_closed(world):
    async def run():
        world.point_at(1)
        async with world.followed() as following:
            await following.look()
            assert following.since is not None
            for number in (2, 3, 2):
                world.point_at(number)
                await following.look()
                assert following.current is world.things[-1]
                assert following.located == world.located
            await following.all_closed()
            assert following.looked is not None

    asyncio.run(run())
    assert world.numbers == world.attempts == [1, 2, 3, 2]
    *before, last = world.things
    assert all(thing.closed.is_set() for thing in before)
    assert not last.closed.is_set()


def test_a_move_is_noticed_without_being_told(world):
    async def run():
        world.point_at(1)
        async with world.followed():
            await world.polled()
            world.point_at(2)
            await world.polled()

    asyncio.run(run())
    assert world.numbers == [1, 2]


def test_where_nothing_is_to_be_loaded_nothing_is_and_what_was_is_closed(world):
    async def run():
        async with world.followed() as following:
            await following.look()
            world.point_at(1)
            await following.look()
            world.located = None
            await following.look()
            await following.all_closed()
            assert following.current is None
            world.point_at(1)
            await following.look()

    asyncio.run(run())
    assert world.numbers == [1, None, 1]
    assert world.things[0].closed.is_set()


def test_a_version_that_fails_leaves_the_one_before_and_is_left_alone(world, caplog):
    world.broken[2] = BundleCorruptError("model.onnx was changed")

    async def run():
        world.point_at(1)
        async with world.followed() as following:
            await following.look()
            world.point_at(2)
            await following.look()
            await world.polled(20)
            assert following.current is world.things[0]
            return following.failure

    failure = asyncio.run(run())
    assert world.attempts == [1, 2], "one attempt, though the alias was looked at many times"
    assert world.numbers == [1]
    assert not world.things[0].closed.is_set()
    assert (failure.version.number, failure.attempts) == (2, 1)
    assert failure.reason == "model.onnx was changed"
    assert world.failures == [(ModelVersion("m", 2), "model.onnx was changed")]
    assert "m:2 cannot be loaded" in caplog.text
    assert "Traceback" not in caplog.text


def test_an_unexpected_error_is_no_other_and_leaves_its_trace(world, caplog):
    world.broken[2] = MemoryError("no space")

    async def run():
        world.point_at(1)
        async with world.followed() as following:
            await following.look()
            world.point_at(2)
            await following.look()
            return following.failure.reason

    assert asyncio.run(run()) == "MemoryError: no space"
    assert world.numbers == [1]
    assert "Traceback" in caplog.text


def test_it_is_tried_again_after_pauses_that_grow(world, monkeypatch):
    monkeypatch.setattr(module, "FIRST_PAUSE_SECONDS", 0.001)
    monkeypatch.setattr(module, "LONGEST_PAUSE_SECONDS", 0.004)
    world.broken[1] = BundleCorruptError("not yet")
    pauses = []

    async def run():
        world.point_at(1)
        async with world.followed() as following:
            following._failed = lambda *_: pauses.append(following.failure.pause_seconds)
            async with asyncio.timeout(30):
                while len(pauses) < 5:  # noqa: ASYNC110 (another thread counts)
                    await asyncio.sleep(POLL_SECONDS)
            world.broken.clear()
            await world.polled(10)
            return following.failure

    assert asyncio.run(run()) is None
    assert world.numbers == [1]
    assert pauses[:5] == [0.001, 0.002, 0.004, 0.004, 0.004]


@pytest.mark.parametrize("how", ["asked", "moved", "moved to the same"])
def test_its_pause_ends_when_somebody_asks_or_the_alias_moves(world, how):
    world.broken[2] = BundleCorruptError("not yet")

    async def run():
        world.point_at(1)
        async with world.followed() as following:
            await following.look()
            world.point_at(2)
            await following.look()
            world.broken.clear()
            if how == "asked":
                await following.look()
            else:
                world.point_at(3 if how == "moved" else 2)
                await world.polled()
            assert following.failure is None

    asyncio.run(run())
    assert world.numbers == [1, 3 if how == "moved" else 2]


def test_back_at_the_version_that_is_there_nothing_is_loaded_nor_failed(world):
    world.broken[2] = BundleCorruptError("never")

    async def run():
        world.point_at(1)
        async with world.followed() as following:
            await following.look()
            world.point_at(2)
            await following.look()
            world.point_at(1)
            await following.look()
            assert following.failure is None
            assert following.located == world.located

    asyncio.run(run())
    assert world.attempts == [1, 2]


def test_a_registry_that_is_away_is_told_once_and_looked_for_again(world, caplog):
    caplog.set_level(logging.INFO)

    async def run():
        world.point_at(1)
        async with world.followed() as following:
            await following.look()
            looked = following.looked
            world.trouble = RegistryError("gs://b cannot be read")
            await world.polled(20)
            assert following.current is world.things[0]
            assert following.looked == looked
            away = following.unreachable
            assert away.reason == "gs://b cannot be read"
            await world.polled()
            assert following.unreachable.since == away.since
            world.trouble = OSError("a stranger's")
            await following.look()
            assert following.unreachable.reason == "OSError: a stranger's"
            world.point_at(2)
            world.trouble = None
            await following.look()
            assert following.unreachable is None

    asyncio.run(run())
    assert world.numbers == [1, 2]
    assert caplog.text.count("gs://b cannot be read") == 1
    assert "reached again" in caplog.text
    assert world.failures[0] == (None, "gs://b cannot be read")


def test_whoever_asks_while_it_loads_is_answered_by_a_look_that_begins_later(world):
    async def run():
        world.gate = threading.Event()
        world.point_at(1)
        async with world.followed() as following:
            first = asyncio.create_task(following.look())
            async with asyncio.timeout(30):
                while not world.attempts:  # noqa: ASYNC110 (another thread counts)
                    await asyncio.sleep(0.001)
            world.point_at(2)
            second = asyncio.create_task(following.look())
            await asyncio.sleep(0)
            world.gate.set()
            await first
            await second
            assert following.current.version.number == 2

    asyncio.run(run())


def test_what_is_loaded_too_late_is_closed(world):
    async def run():
        world.gate = threading.Event()
        world.point_at(1)
        async with world.followed() as following:
            asked = asyncio.create_task(following.look())
            async with asyncio.timeout(30):
                while not world.attempts:  # noqa: ASYNC110 (another thread counts)
                    await asyncio.sleep(0.001)
        with pytest.raises(ServingError, match="ending"):
            await asked
        world.gate.set()
        async with asyncio.timeout(30):
            while not world.things:  # noqa: ASYNC110 (as above)
                await asyncio.sleep(0.001)
        assert await asyncio.to_thread(world.things[0].closed.wait, 30)
        with pytest.raises(ServingError, match="ending"):
            await following.look()

    asyncio.run(run())
    assert world.handed == []


def test_an_error_of_whoever_takes_it_does_not_end_the_following(world, caplog):
    def refuse(thing):
        world.handed.append(thing)
        if len(world.handed) == 1:
            raise RuntimeError("a fault of ours")

    async def run():
        world.point_at(1)
        async with world.followed() as following:
            following._hand_over = refuse
            await following.look()
            world.point_at(2)
            await following.look()

    asyncio.run(run())
    assert world.numbers == [1, 2]
    assert "a fault of ours" in caplog.text


def test_an_end_that_comes_with_a_wake_up_is_not_lost(world):
    async def run():
        world.point_at(1)
        async with world.followed() as following:
            await following.look()
            following._poll_seconds = 3600
            await following.look()
            for _ in range(3):  # it waits for the next look
                await asyncio.sleep(0)
            following.wake()
        # `followed` cancels at once.

    asyncio.run(asyncio.wait_for(run(), 30))


def test_a_registry_that_hangs_is_told_of_and_asked_once(world, monkeypatch):
    async def run():
        world.point_at(1)
        async with world.followed() as following:
            await following.look()
            monkeypatch.setattr(module, "LOCATING_SECONDS", 0.05)
            world.gate = threading.Event()
            locate = world.locate

            def hanging():
                found = locate()
                world.gate.wait(30)
                return found

            following._locate = hanging
            before = world.looks
            await following.look()
            await following.look()
            assert "has not answered" in following.unreachable.reason
            assert following.current is world.things[0]
            assert world.looks <= before + 2  # one may have been on its way
            monkeypatch.setattr(module, "LOCATING_SECONDS", 30)
            world.gate.set()
            world.point_at(2)
            async with asyncio.timeout(30):
                while world.numbers[-1] != 2:  # noqa: ASYNC110 (a thread changes it)
                    await asyncio.sleep(POLL_SECONDS)
            assert following.unreachable is None

    asyncio.run(run())


def test_a_version_that_is_never_loaded_fails_and_is_closed_when_it_comes(world, monkeypatch):
    async def run():
        world.point_at(1)
        async with world.followed() as following:
            await following.look()
            monkeypatch.setattr(module, "LOADING_SECONDS", 0.05)
            world.gate = threading.Event()
            world.point_at(2)
            await following.look()
            assert "not loaded within" in following.failure.reason
            assert following.current is world.things[0]
            world.gate.set()
            async with asyncio.timeout(30):
                while len(world.things) < 2:  # noqa: ASYNC110 (a thread changes it)
                    await asyncio.sleep(POLL_SECONDS)
            assert await asyncio.to_thread(world.things[1].closed.wait, 30)

    asyncio.run(run())
