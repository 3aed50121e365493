import asyncio
import os
import sys
import threading

import pytest
from mlopsproj_serving.background import at_low_priority, in_thread, lower_priority


def test_what_a_function_returns_or_raises_in_a_thread():
    async def run():
        assert await in_thread(threading.current_thread) is not threading.current_thread()
        with pytest.raises(ZeroDivisionError):
            await in_thread(lambda: 1 // 0)

    asyncio.run(run())


def test_the_loop_goes_on_meanwhile():
    async def run():
        go = threading.Event()
        waiting = asyncio.create_task(in_thread(lambda: go.wait(30)))
        await asyncio.sleep(0)
        go.set()
        assert await waiting

    asyncio.run(run())


def test_what_nobody_waits_for_any_more_is_discarded():
    discarded, go, done = [], threading.Event(), threading.Event()

    def discard(result):
        discarded.append(result)
        done.set()

    async def run():
        task = asyncio.create_task(in_thread(lambda: go.wait(30) and "late", discard=discard))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        go.set()
        await asyncio.to_thread(done.wait, 30)

    asyncio.run(run())
    assert discarded == ["late"]


def test_what_comes_when_the_loop_has_ended_is_discarded_too():
    discarded, go, done = [], threading.Event(), threading.Event()

    def discard(result):
        discarded.append(result)
        done.set()

    async def run():
        task = asyncio.create_task(in_thread(lambda: go.wait(30) and "late", discard=discard))
        await asyncio.sleep(0.01)
        task.cancel()

    asyncio.run(run())
    go.set()
    assert done.wait(30)
    assert discarded == ["late"]


def test_a_thread_that_hangs_does_not_keep_the_process():
    async def run():
        task = asyncio.create_task(in_thread(threading.Event().wait))
        await asyncio.sleep(0.01)
        (thread,) = [each for each in threading.enumerate() if each.name == "beside"]
        assert thread.daemon
        task.cancel()

    asyncio.run(run())


def test_low_priority_gives_back_what_it_is_given():
    assert at_low_priority(lambda: 7) == 7
    with pytest.raises(ZeroDivisionError):
        at_low_priority(lambda: 1 // 0)


def niceness():
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())


@pytest.mark.skipif(sys.platform != "linux", reason="niceness belongs to the process elsewhere")
def test_low_priority_is_of_that_thread_and_of_those_that_it_starts():
    before = niceness()
    inherited = []

    def work():
        child = threading.Thread(target=lambda: inherited.append(niceness()))
        child.start()
        child.join()
        return niceness()

    assert at_low_priority(work) == 19
    assert inherited == [19]
    assert niceness() == before


@pytest.mark.skipif(sys.platform != "linux", reason="niceness belongs to the process elsewhere")
def test_where_priority_cannot_be_lowered_it_stays(monkeypatch):
    def refuse(*_):
        raise PermissionError("no")

    monkeypatch.setattr(os, "setpriority", refuse)
    lower_priority()
