import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from mlopsproj_core.pixel_budget import SMALL_PIXELS, PixelBudget

MILLION = 1_000_000


def test_no_more_than_the_budget_is_held_at_once():
    budget, lock, held, most = PixelBudget(10 * MILLION), threading.Lock(), [0], [0]

    def hold(millions):
        with budget.room_for(millions * MILLION):
            with lock:
                held[0] += min(millions, 10)
                most[0] = max(most[0], held[0])
            time.sleep(0.001)
            with lock:
                held[0] -= min(millions, 10)

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(hold, [3, 4, 5, 12, 2, 10, 1, 7] * 10))
    assert most[0] == 10
    assert held[0] == 0


def test_a_large_one_is_not_overtaken_for_ever():
    budget, order = PixelBudget(10 * MILLION), []
    inside, leave = threading.Event(), threading.Event()

    def first():
        with budget.room_for(5 * MILLION):
            inside.set()
            leave.wait(30)

    def other(millions):
        with budget.room_for(millions * MILLION):
            order.append(millions)

    threads = [threading.Thread(target=first)]
    threads[0].start()
    assert inside.wait(30)
    for millions in (9, 2):
        threads.append(threading.Thread(target=other, args=(millions,)))
        threads[-1].start()
        while not budget._turn.locked():  # the large one waits before the small one comes
            time.sleep(0.001)
    time.sleep(0.05)
    assert order == []  # the small one would fit, and waits behind the large one
    leave.set()
    for thread in threads:
        thread.join(30)
    assert order == [9, 2]


def test_small_ones_wait_for_nobody():
    budget = PixelBudget(MILLION)
    with budget.room_for(MILLION), budget.room_for(SMALL_PIXELS - 1):
        pass


def test_room_is_given_back_after_an_error():
    budget = PixelBudget(MILLION)
    for _ in range(2):
        with pytest.raises(ValueError, match="broken"), budget.room_for(MILLION):
            raise ValueError("broken")
