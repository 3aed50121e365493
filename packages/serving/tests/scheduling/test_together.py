import logging
from threading import Thread

import pytest
from mlopsproj_serving.scheduling.together import afterwards, together


def test_alone_it_is_done_at_once():
    done = []
    afterwards(lambda: done.append(1))
    assert done == [1]


def test_what_is_given_within_is_done_at_the_end_in_order():
    done = []
    with together():
        afterwards(lambda: done.append(1))
        afterwards(lambda: done.append(2))
        assert done == []
    assert done == [1, 2]
    afterwards(lambda: done.append(3))
    assert done == [1, 2, 3]


def test_what_is_given_at_the_end_is_done_then():
    done = []
    with together():
        afterwards(lambda: afterwards(lambda: done.append(1)))
    assert done == [1]


def test_another_thread_does_not_wait_for_it():
    done = []
    with together():
        thread = Thread(target=afterwards, args=(lambda: done.append(1),))
        thread.start()
        thread.join()
        assert done == [1]


def test_one_that_fails_keeps_nobody_waiting(caplog):
    done = []

    def fails():
        raise RuntimeError("on purpose")

    with caplog.at_level(logging.ERROR), together():
        afterwards(fails)
        afterwards(lambda: done.append(1))
    assert done == [1]
    assert "on purpose" in caplog.text


def test_an_exception_within_leaves_nothing_undone():
    done = []

    def fails():
        with together():
            afterwards(lambda: done.append(1))
            raise KeyError

    with pytest.raises(KeyError):
        fails()
    assert done == [1]
