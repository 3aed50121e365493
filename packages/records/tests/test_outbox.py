import logging
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hand_clock import NOON
from mlopsproj_core.errors import ConfigError, EventError, RecordsError
from mlopsproj_core.events import Event
from mlopsproj_records import Database, Outbox, uuid7
from mlopsproj_records import outbox as outbox_module
from sqlalchemy import text

HOUR = 3600.0
LEASE = outbox_module.LEASE_SECONDS
LONGEST = outbox_module.LONGEST_PAUSE_SECONDS


@pytest.fixture
def outbox(database, clock):
    return Outbox(database, clock=clock)


def an_event(**changes):
    fields = {
        "id": UUID(uuid7()),
        "type": "drift-detected",
        "time": NOON,
        "model": "animals",
        "version": 3,
        "source": "test",
        "data": {"changed": ["größer"]},
    }
    return Event(**fields | changes)


def test_an_event_is_told_once_and_kept(outbox):
    event, told = an_event(), []
    assert outbox.find(str(event.id)) is None
    assert outbox.put(event, key="k", cooldown_seconds=HOUR)
    assert outbox.counts() == {"pending": 1, "delivered": 0}
    done = outbox.deliver_due(told.append)
    assert (done.delivered, done.failed, done.pending) == (1, 0, 0)
    assert outbox.deliver_due(told.append).delivered == 0
    assert told == [event]
    assert outbox.counts() == {"pending": 0, "delivered": 1}
    entry = outbox.find(str(event.id))
    assert (entry.event, entry.key, entry.state) == (event, "k", "delivered")
    assert (entry.attempts, entry.next_attempt, entry.last_error) == (1, None, None)
    assert entry.delivered == NOON


def test_an_event_without_a_model_is_kept_too(outbox):
    event = an_event(type="data-changed", model=None, version=None, data={})
    assert outbox.put(event, key="data", cooldown_seconds=0)
    assert outbox.find(str(event.id)).event == event


def test_a_key_has_one_event_within_its_cooldown(outbox, clock):
    def put(key="k"):
        return outbox.put(an_event(), key=key, cooldown_seconds=HOUR)

    assert put()
    assert put("another")
    clock.go(HOUR - 1)
    assert not put()
    clock.go(1)
    assert put()
    clock.go(1)
    assert not put()
    assert outbox.counts()["pending"] == 3


def test_the_cooldown_that_is_asked_for_now_counts(outbox, clock):
    assert outbox.put(an_event(), key="k", cooldown_seconds=0)
    assert outbox.put(an_event(), key="k", cooldown_seconds=0)
    clock.go(60)
    assert not outbox.put(an_event(), key="k", cooldown_seconds=61)
    assert outbox.put(an_event(), key="k", cooldown_seconds=60)
    assert not outbox.put(an_event(), key="k", cooldown_seconds=10**12)


def test_putting_again_is_putting_once(outbox, clock):
    event = an_event()
    assert outbox.put(event, key="k", cooldown_seconds=HOUR)
    clock.go(HOUR / 2)
    assert outbox.put(event, key="k", cooldown_seconds=HOUR)
    assert outbox.counts()["pending"] == 1
    clock.go(HOUR / 2)
    assert outbox.put(an_event(), key="k", cooldown_seconds=HOUR), "counted from the first time"


@pytest.mark.parametrize("back", [1, HOUR / 2, HOUR, 2 * HOUR, 1000 * 24 * HOUR])
def test_a_clock_that_goes_back_neither_ends_a_cooldown_nor_makes_it_last(outbox, clock, back):
    assert outbox.put(an_event(), key="k", cooldown_seconds=HOUR)
    clock.go(-back)
    assert not outbox.put(an_event(), key="k", cooldown_seconds=HOUR)
    clock.go(HOUR - 1)
    assert not outbox.put(an_event(), key="k", cooldown_seconds=HOUR)
    clock.go(1)
    assert outbox.put(an_event(), key="k", cooldown_seconds=HOUR)


@pytest.mark.parametrize("cooldown", [-1, float("nan")])
def test_a_cooldown_that_is_no_time_is_refused(outbox, cooldown):
    with pytest.raises(ConfigError, match="cooldown_seconds="):
        outbox.put(an_event(), key="k", cooldown_seconds=cooldown)
    assert outbox.counts()["pending"] == 0


def refuse(event):
    raise EventError("nobody is there")


def test_what_nobody_takes_is_tried_again_ever_more_seldom_and_for_ever(outbox, clock, caplog):
    event, told = an_event(), []
    outbox.put(event, key="k", cooldown_seconds=HOUR)
    pauses = []
    with caplog.at_level(logging.WARNING):
        for attempt in range(1, 60):
            done = outbox.deliver_due(refuse)
            assert (done.delivered, done.failed, done.pending) == (0, 1, 1)
            entry = outbox.find(str(event.id))
            assert (entry.attempts, entry.last_error) == (attempt, "nobody is there")
            pauses.append((entry.next_attempt - clock()).total_seconds())
            clock.go(pauses[-1] - 1)
            assert outbox.deliver_due(told.append).delivered == 0, "not before its time"
            clock.go(1)
    assert f"attempt 1 to tell event {event.id}: nobody is there" in caplog.text
    assert pauses[:4] == [5, 10, 20, 40]
    assert pauses == sorted(pauses)
    assert max(pauses) == LONGEST
    assert outbox.deliver_due(told.append).delivered == 1
    assert told == [event]


def test_within_the_cooldown_an_event_that_waits_gets_no_second(outbox, clock):
    outbox.put(an_event(), key="k", cooldown_seconds=HOUR)
    for _ in range(20):
        outbox.deliver_due(refuse)
        assert not outbox.put(an_event(), key="k", cooldown_seconds=HOUR)
        clock.go(60)
    told = []
    clock.go(LONGEST)
    outbox.deliver_due(told.append)
    assert len(told) == 1


@pytest.mark.parametrize("back", [HOUR, 1000 * 24 * HOUR])
def test_a_clock_that_goes_back_does_not_hold_an_attempt_up_for_ever(outbox, clock, back):
    event, told = an_event(), []
    outbox.put(event, key="k", cooldown_seconds=0)
    outbox.deliver_due(refuse)
    clock.go(-back)
    clock.go(LONGEST)
    assert outbox.deliver_due(told.append).delivered == 1
    assert told == [event]


def test_the_oldest_is_told_first_and_one_that_is_refused_holds_no_other_up(outbox):
    events = [an_event(time=NOON - timedelta(hours=n)) for n in range(4)]
    for number, event in enumerate(events):
        outbox.put(event, key=str(number), cooldown_seconds=0)
    told = []

    def all_but_the_oldest(event):
        if event == events[3]:
            raise EventError("of the wrong kind")
        told.append(event)

    assert outbox.deliver_due(all_but_the_oldest, max_events=2).delivered == 1
    assert told == [events[2]]
    assert outbox.deliver_due(all_but_the_oldest).pending == 1
    assert told == [events[2], events[1], events[0]]


@pytest.mark.parametrize("refused", [1, 2, 5])
def test_events_that_nobody_ever_takes_hold_no_other_up(outbox, clock, refused):
    """As by a command once an hour, for which each of them is due again whenever it comes."""
    bad = [an_event(time=NOON - timedelta(days=1 + n)) for n in range(refused)]
    told = []

    def all_but_the_bad(event):
        if event in bad:
            raise EventError("of the wrong kind")
        told.append(event)

    for event in bad:
        outbox.put(event, key=str(event.id), cooldown_seconds=0)
    for _ in range(2 * refused):
        outbox.deliver_due(all_but_the_bad)
        clock.go(HOUR)
    good = an_event()
    outbox.put(good, key="k", cooldown_seconds=0)
    assert outbox.deliver_due(all_but_the_bad).delivered == 1
    assert told == [good]


def test_where_nobody_is_there_the_next_call_goes_on(outbox, clock):
    for number in range(9):
        outbox.put(an_event(), key=str(number), cooldown_seconds=0)
    tried = outbox.deliver_due(refuse)
    assert (tried.failed, tried.pending) == (outbox_module.FAILURES_IN_A_ROW, 9)
    clock.go(LONGEST)
    assert outbox.deliver_due(lambda event: None).delivered == 9


def test_while_one_process_tells_an_event_no_other_does(database, outbox, clock):
    outbox.put(an_event(), key="k", cooldown_seconds=0)
    told = []

    def slowly(event):
        with Database(database._engine.url.render_as_string(hide_password=False)) as other:
            clock.go(LEASE - 1)
            assert Outbox(other, clock=clock).deliver_due(told.append).delivered == 0
            clock.go(1)
            assert Outbox(other, clock=clock).deliver_due(told.append).delivered == 1
        raise EventError("too late")

    assert outbox.deliver_due(slowly).failed == 1
    assert len(told) == 1
    assert outbox.counts() == {"pending": 0, "delivered": 1}, "what was taken stays so"


def test_an_error_of_another_kind_leaves_the_event_to_be_told(outbox, clock):
    outbox.put(an_event(), key="k", cooldown_seconds=0)
    with pytest.raises(ZeroDivisionError):
        outbox.deliver_due(lambda event: 1 / 0)
    clock.go(LEASE)
    assert outbox.deliver_due(lambda event: None).delivered == 1


def test_an_event_that_cannot_be_read_is_told_and_takes_no_other_along(database, outbox):
    bad, good = an_event(), an_event(time=NOON + timedelta(hours=1))
    for event in (bad, good):
        outbox.put(event, key=str(event.id), cooldown_seconds=0)
    statement = text("UPDATE outbox SET document = '{}' WHERE id = :id")
    database.run(lambda c: c.execute(statement, {"id": str(bad.id)}), writes=True)
    told = []
    done = outbox.deliver_due(told.append)
    assert (done.delivered, done.failed) == (1, 1)
    assert told == [good]
    with pytest.raises(RecordsError, match=f"event {bad.id} in the database cannot be read"):
        outbox.find(str(bad.id))


def test_many_threads_put_one_event_and_tell_it_once(database):
    told = []

    def put_and_tell(_):
        outbox = Outbox(database)
        put = outbox.put(an_event(), key="k", cooldown_seconds=HOUR)
        outbox.deliver_due(told.append)
        return put

    with ThreadPoolExecutor(8) as threads:
        put = list(threads.map(put_and_tell, range(40)))
    assert put.count(True) == 1
    assert len(told) == 1


# Forked, so that the processes are let go in the same instant with everything imported.
PUT = """
import os, sys, traceback
from datetime import UTC, datetime
from uuid import UUID
from mlopsproj_core.events import Event
from mlopsproj_records import Database, Outbox, uuid7

def use(url, round_):
    time = datetime.now(UTC)
    event = Event(id=UUID(uuid7()), type="drift-detected", time=time, source="test")
    with Database(url) as database:
        outbox = Outbox(database)
        outbox.put(event, key=f"key {round_}", cooldown_seconds=3600)
        outbox.deliver_due(lambda event: os.write(1, f"{event.id}\\n".encode()))

for round_ in range(int(sys.argv[2])):
    hold, go = os.pipe()
    for _ in range(4):
        if not os.fork():
            try:
                os.close(go)
                os.read(hold, 1)
                use(sys.argv[1], round_)
                os._exit(0)
            except BaseException:
                traceback.print_exc()
                os._exit(1)
    os.close(go)
    if any(os.wait()[1] for _ in range(4)):
        sys.exit(1)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_several_processes_put_one_event_and_tell_it_once(database, empty_url):
    database.ping()
    done = subprocess.run(
        [sys.executable, "-c", PUT, empty_url, "5"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    told = done.stdout.split()
    assert len(told) == len(set(told)) == 5
    assert Outbox(database).counts() == {"pending": 0, "delivered": 5}


DIE = """
import os, signal, sys
from datetime import UTC, datetime
from uuid import UUID
from mlopsproj_core.events import Event
from mlopsproj_records import Database, Outbox

def die(event=None):
    os.kill(os.getpid(), signal.SIGKILL)

with Database(sys.argv[1]) as database:
    outbox = Outbox(database)
    time = datetime.now(UTC)
    event = Event(id=UUID(sys.argv[2]), type="drift-detected", time=time, source="test")
    outbox.put(event, key="k", cooldown_seconds=3600)
    if sys.argv[3] == "while it tells":
        outbox.deliver_due(die)
    die()
"""


@pytest.mark.parametrize("when", ["before it tells", "while it tells"])
def test_what_a_killed_process_has_put_is_told_by_the_next(
    database, outbox, clock, empty_url, when
):
    database.ping()
    id_ = uuid7()
    killed = subprocess.run([sys.executable, "-c", DIE, empty_url, id_, when], check=False)
    assert killed.returncode == -9
    told = []
    clock.time = datetime.now(UTC)
    assert not outbox.put(an_event(), key="k", cooldown_seconds=HOUR)
    if when == "while it tells":
        assert outbox.deliver_due(told.append).pending == 1, "it may live still"
        assert told == []
        clock.go(LEASE)
    assert outbox.deliver_due(told.append).delivered == 1
    assert [str(event.id) for event in told] == [id_]
