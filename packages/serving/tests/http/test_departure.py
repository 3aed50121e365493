import asyncio

import pytest
from mlopsproj_serving.http import departure
from mlopsproj_serving.http.departure import Departure
from mlopsproj_serving.http.problems import ClientGoneError


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr(departure, "PATIENCE_SECONDS", 0.0)


class Connection:
    """What an application receives, when the test says so."""

    def __init__(self):
        self.messages = asyncio.Queue()
        self.asked = asyncio.Event()

    async def receive(self):
        self.asked.set()
        return await self.messages.get()

    def leave(self):
        self.messages.put_nowait({"type": "http.disconnect"})


def test_work_for_a_client_that_leaves_is_cancelled():
    async def answer():
        connection, cancelled = Connection(), False
        try:
            with Departure(connection.receive):
                await connection.asked.wait()
                connection.leave()
                try:
                    await asyncio.Event().wait()
                except asyncio.CancelledError:
                    cancelled = True
                    raise
        except ClientGoneError:
            assert asyncio.current_task().cancelling() == 0
            return cancelled

    assert asyncio.run(answer())


def test_an_answer_in_time_is_left_alone():
    async def answer():
        connection = Connection()
        with Departure(connection.receive):
            found = "answer"
        connection.leave()
        await asyncio.sleep(0.01)
        return found, connection.asked.is_set(), len(asyncio.all_tasks())

    assert asyncio.run(answer()) == ("answer", False, 1)


def test_nobody_listens_any_more_once_it_is_answered():
    async def answer():
        connection = Connection()
        with Departure(connection.receive):
            await connection.asked.wait()
        await asyncio.sleep(0)
        return len(asyncio.all_tasks())

    assert asyncio.run(answer()) == 1


def test_whatever_else_the_client_sends_is_passed_over():
    async def answer():
        connection = Connection()
        with Departure(connection.receive):
            connection.messages.put_nowait(
                {"type": "http.request", "body": b"", "more_body": False}
            )
            await asyncio.sleep(0.01)
        return "answer"

    assert asyncio.run(answer()) == "answer"


def test_an_error_of_the_work_is_its_error():
    async def answer():
        with Departure(Connection().receive):
            raise ValueError

    with pytest.raises(ValueError):
        asyncio.run(answer())


def test_somebody_else_may_cancel_the_task_as_well():
    async def answer(connection):
        with Departure(connection.receive):
            await asyncio.Event().wait()

    async def cancelled():
        connection = Connection()
        task = asyncio.create_task(answer(connection))
        await connection.asked.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(cancelled())


def test_a_client_that_leaves_as_the_answer_comes_is_not_cancelled_later():
    async def answer():
        connection = Connection()
        done = asyncio.get_running_loop().create_future()
        try:
            with Departure(connection.receive):
                await connection.asked.wait()
                connection.leave()
                done.set_result(None)
                await done
        except ClientGoneError:
            pass
        await asyncio.sleep(0.01)  # would be cancelled here
        return asyncio.current_task().cancelling()

    assert asyncio.run(answer()) == 0
