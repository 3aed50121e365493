import asyncio
import logging
import threading

from mlopsproj_serving.scheduling.together import together
from mlopsproj_serving.wakeups import Wakeups


class CountingLoop:
    """Counts how often an event loop is woken."""

    def __init__(self, loop):
        self._loop = loop
        self.woken = 0

    def call_soon_threadsafe(self, function):
        self.woken += 1
        self._loop.call_soon_threadsafe(function)

    def is_closed(self):
        return self._loop.is_closed()


def in_thread(function):
    thread = threading.Thread(target=function)
    thread.start()
    thread.join()


def test_calls_from_many_threads_arrive_in_the_order_of_each():
    async def run():
        wakeups, seen, all_seen = Wakeups(asyncio.get_running_loop()), [], asyncio.Event()

        def see(thread, number):
            assert threading.current_thread() is threading.main_thread()
            seen.append((thread, number))
            if len(seen) == 4000:
                all_seen.set()

        def post(thread):
            for number in range(1000):
                wakeups.post(see, thread, number)

        threads = [threading.Thread(target=post, args=(thread,)) for thread in range(4)]
        for thread in threads:
            thread.start()
        async with asyncio.timeout(60):
            await all_seen.wait()
        for thread in threads:
            thread.join()
        return seen

    seen = asyncio.run(run())
    for thread in range(4):
        assert [number for which, number in seen if which == thread] == list(range(1000))


def test_many_calls_wake_the_loop_once():
    async def run():
        loop = CountingLoop(asyncio.get_running_loop())
        wakeups, seen = Wakeups(loop), []

        def post():
            for number in range(100):
                wakeups.post(seen.append, number)

        in_thread(post)  # the loop does not turn meanwhile
        assert seen == []
        await asyncio.sleep(0.01)
        assert (loop.woken, seen) == (1, list(range(100)))
        in_thread(post)
        await asyncio.sleep(0.01)
        assert loop.woken == 2

    asyncio.run(run())


def test_outcomes_told_together_wake_the_loop_at_their_end():
    async def run():
        loop = CountingLoop(asyncio.get_running_loop())
        wakeups, seen = Wakeups(loop), []

        def post():
            with together():
                wakeups.post(seen.append, 1)
                assert loop.woken == 0
                wakeups.post(seen.append, 2)
            assert loop.woken == 1

        in_thread(post)
        await asyncio.sleep(0.01)
        assert seen == [1, 2]

    asyncio.run(run())


def test_a_call_that_fails_keeps_nobody_waiting(caplog):
    async def run():
        wakeups, seen = Wakeups(asyncio.get_running_loop()), []
        with caplog.at_level(logging.ERROR):
            wakeups.post(lambda: 1 / 0)
            wakeups.post(seen.append, 1)
            await asyncio.sleep(0.01)
        return seen

    assert asyncio.run(run()) == [1]
    assert "ZeroDivisionError" in caplog.text


def test_after_the_end_of_the_loop_posts_are_dropped():
    loop = asyncio.new_event_loop()
    wakeups = Wakeups(loop)
    loop.close()
    wakeups.post(print, "nobody waits")
    assert not wakeups._waiting
