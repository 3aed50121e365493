import threading
import time

import pytest
from mlopsproj_core.errors import DatabaseAwayError
from mlopsproj_records import rounds as rounds_module
from mlopsproj_records.rounds import Rounds, StoppedError


@pytest.fixture(autouse=True)
def short_backoff(monkeypatch):
    monkeypatch.setattr(rounds_module, "FIRST_BACKOFF_SECONDS", 0.001)
    monkeypatch.setattr(rounds_module, "LONGEST_BACKOFF_SECONDS", 0.002)


class Work:
    """Rounds that are counted, and fail as they are told to."""

    def __init__(self, *errors):
        self.errors, self.told, self.rounds = list(errors), [], 0
        self.changed = threading.Condition()

    def __call__(self):
        with self.changed:
            self.rounds += 1
        if self.errors:
            raise self.errors.pop(0)

    def tell(self, error):
        with self.changed:
            self.told.append(error)
            self.changed.notify_all()

    def wait_for(self, count):
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.told) >= count, 30)


def begin(work, *, pause=0.0, idle=1000.0):
    rounds = Rounds("test", work, pause_seconds=pause, idle_seconds=idle, told=work.tell)
    rounds.start()
    work.wait_for(1)
    return rounds


def test_a_round_when_it_is_woken_and_one_at_the_end():
    work = Work()
    rounds = begin(work)
    rounds.wake()
    work.wait_for(2)
    assert rounds.stop(30)
    assert work.told[-1] is None
    assert work.rounds == len(work.told) >= 3


def test_a_round_now_and_then_without_being_woken():
    work = Work()
    rounds = begin(work, idle=0.001)
    work.wait_for(5)
    assert rounds.stop(30)


def test_who_hurries_ends_the_pause():
    work = Work()
    rounds = begin(work, pause=1000)
    rounds.hurry()
    work.wait_for(2)
    assert rounds.stop(30)


def test_after_an_error_it_goes_on_by_itself(caplog):
    away, disk, odd = DatabaseAwayError("away"), OSError("disk"), ValueError("odd")
    work = Work(away, disk, odd)
    rounds = begin(work)
    work.wait_for(4)
    assert work.told[:4] == [away, disk, odd, None]
    assert rounds.stop(30)
    assert [record.levelname for record in caplog.records] == ["ERROR"]  # only what nobody foresaw


def test_a_round_that_was_stopped_is_no_error():
    work = Work()
    rounds = begin(work)
    work.errors.append(StoppedError())
    rounds.wake()
    assert rounds.stop(30)
    assert set(work.told) == {None}


def test_a_round_that_hangs_is_not_waited_for(monkeypatch):
    go_on = threading.Event()
    work = Work()

    def hang():
        work()
        work.tell(None)
        go_on.wait()

    rounds = Rounds("test", hang, pause_seconds=0, idle_seconds=1, told=work.tell)
    rounds.start()
    work.wait_for(1)
    monkeypatch.setattr(rounds_module, "_GRACE_SECONDS", 0)
    rounds.check()
    assert not rounds.stop(0.01)
    assert rounds.is_stopping
    time.sleep(0.02)
    with pytest.raises(StoppedError):
        rounds.check()
    go_on.set()
    assert rounds.stop(30)
