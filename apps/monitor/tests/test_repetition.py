import threading

from mlopsproj_monitor.repetition import Repetition


def test_it_goes_on_after_a_defect_which_is_logged_once(caplog):
    calls, enough = [], threading.Event()

    def work():
        calls.append(1)
        if len(calls) == 4:
            enough.set()
        if len(calls) < 4:
            raise ValueError("a defect")

    repetition = Repetition("work", work, seconds=0.001)
    assert not repetition.runs
    repetition.start()
    assert enough.wait(60)
    assert repetition.runs
    repetition.stop(patience_seconds=60)
    assert not repetition.runs
    assert caplog.text.count("ValueError: a defect") == 1


def test_it_is_woken_before_its_time():
    calls = threading.Semaphore(0)
    repetition = Repetition("work", calls.release, seconds=3600)
    repetition.start()
    assert calls.acquire(timeout=60)
    repetition.wake()
    assert calls.acquire(timeout=60)
    repetition.stop(patience_seconds=60)
    assert not repetition.runs


def test_a_call_that_hangs_is_not_waited_for():
    hangs, begun = threading.Event(), threading.Event()

    def work():
        begun.set()
        hangs.wait(60)

    repetition = Repetition("work", work, seconds=3600)
    repetition.start()
    assert begun.wait(60)
    repetition.stop(patience_seconds=0.01)
    assert repetition.runs
    hangs.set()
