import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from hand_clock import NOON
from mlopsproj_core.errors import RecordsError
from mlopsproj_records import RetrainingRequest, Retrainings, uuid7
from mlopsproj_records.outbox import FIRST_PAUSE_SECONDS, LEASE_SECONDS
from mlopsproj_records.retraining import STATES


@pytest.fixture
def retrainings(database, clock):
    return Retrainings(database, clock=clock)


@pytest.fixture
def request_one(retrainings):
    """Request a retraining; its id, or None if the model has another."""

    def ask(model="animals", **changes):
        request = RetrainingRequest(uuid7(), "command: train", **changes)
        done = retrainings.request(request, event_id="e", model=model, version=3)
        return request.id if done else None

    return ask


def state(retrainings, id_):
    return retrainings.find(id_).state


def test_it_waits_for_somebody_who_decides_and_says_why(retrainings, request_one, clock):
    id_ = request_one()
    waiting = retrainings.find(id_)
    assert (waiting.state, waiting.actor, waiting.decided) == ("waiting", None, None)
    assert (waiting.model, waiting.version, waiting.time) == ("animals", 3, NOON)
    assert not retrainings.start(id_, how="x", place=None), "nobody has approved it"
    assert retrainings.attempt(id_, how="x") is None
    clock.go(60)
    approved = retrainings.approve(id_, actor="ann", reason="it rains")
    assert approved == retrainings.find(id_)
    assert (approved.state, approved.actor, approved.reason) == ("approved", "ann", "it rains")
    assert approved.decided == clock()
    assert retrainings.approve(id_, actor="bob").actor == "ann", "once is enough"


def test_one_that_is_approved_beforehand_does_not_wait(retrainings, request_one):
    found = retrainings.find(request_one(approved_by="automatic"))
    assert (found.state, found.actor, found.decided) == ("approved", "automatic", NOON)


def test_a_model_gets_one_at_a_time(retrainings, request_one):
    first = request_one()
    assert request_one() is None
    assert request_one(model="plants")
    retrainings.approve(first, actor="ann")
    assert request_one() is None
    assert retrainings.start(first, how="x", place="here")
    assert request_one() is None
    retrainings.finish(first, succeeded=True, detail="exit code 0")
    second = request_one()
    assert second
    retrainings.decline(second, actor="ann")
    assert request_one()


def test_requesting_again_is_requesting_once(retrainings):
    request = RetrainingRequest(uuid7(), "command: train")
    for _ in range(2):
        assert retrainings.request(request, event_id="e", model="animals", version=3)
    assert len(retrainings.recent()) == 1


def test_it_is_started_once_and_ends_once(retrainings, request_one, clock):
    id_ = request_one(approved_by="automatic")
    clock.go(60)
    assert retrainings.start(id_, how="command: other", place="here:/folder")
    assert not retrainings.start(id_, how="command: third", place="there")
    started = retrainings.find(id_)
    assert (started.state, started.how, started.place) == (
        "started",
        "command: other",
        "here:/folder",
    )
    assert (started.started, started.attempts) == (clock(), 1)
    clock.go(60)
    assert retrainings.finish(id_, succeeded=False, detail="exit code 3")
    assert not retrainings.finish(id_, succeeded=True, detail="exit code 0")
    ended = retrainings.find(id_)
    assert (ended.state, ended.detail, ended.finished) == ("failed", "exit code 3", clock())


@pytest.mark.parametrize("before", ["waiting", "approved"])
def test_it_can_be_declined_until_it_has_started(retrainings, request_one, before):
    id_ = request_one(approved_by="automatic" if before == "approved" else None)
    declined = retrainings.decline(id_, actor="bob", reason="not today")
    assert (declined.state, declined.actor, declined.reason) == ("declined", "bob", "not today")
    assert declined.finished == NOON
    assert not retrainings.start(id_, how="x", place=None)
    with pytest.raises(RecordsError, match=f"{id_} is declined already by bob: it cannot be appr"):
        retrainings.approve(id_, actor="ann")


def test_one_that_has_started_can_be_given_up(retrainings, request_one):
    id_ = request_one(approved_by="automatic")
    retrainings.start(id_, how="x", place="a machine that is gone")
    given_up = retrainings.decline(id_, actor="bob", reason="it is gone")
    assert (given_up.state, given_up.detail) == ("failed", "given up by bob: it is gone")
    assert given_up.actor == "automatic", "who approved it stays"
    assert request_one()
    with pytest.raises(RecordsError, match="is failed already"):
        retrainings.decline(id_, actor="bob")


@pytest.mark.parametrize("id_", ["nothing", "a\0b", ""])
def test_one_that_is_not_there_is_told(retrainings, id_):
    assert retrainings.find(id_) is None


def test_deciding_on_one_that_is_not_there_is_told(retrainings):
    with pytest.raises(RecordsError, match="There is no retraining nothing"):
        retrainings.approve("nothing", actor="ann")
    with pytest.raises(RecordsError, match="There is no retraining nothing"):
        retrainings.decline("nothing", actor="ann")


def test_an_attempt_is_one_process_s_until_its_time_is_up(retrainings, request_one, clock):
    id_ = request_one(approved_by="automatic")
    assert retrainings.attempt(id_, how="https://x") == 1
    clock.go(LEASE_SECONDS - 1)
    assert retrainings.attempt(id_, how="https://x") is None
    clock.go(1)
    assert retrainings.attempt(id_, how="https://x") == 2
    retrainings.postpone(id_, 1, "too late")
    assert retrainings.find(id_).detail is None, "another attempt is made"
    retrainings.postpone(id_, 2, "nobody is there")
    assert retrainings.find(id_).detail == "nobody is there"
    clock.go(2 * FIRST_PAUSE_SECONDS - 1)
    assert retrainings.attempt(id_, how="https://x") is None
    clock.go(-(10**7))
    assert retrainings.attempt(id_, how="https://x") == 3, "the clock went back"
    assert retrainings.finish(id_, succeeded=True, detail="told")
    done = retrainings.find(id_)
    assert (done.state, done.started, done.next_attempt) == ("done", clock(), None)
    assert retrainings.attempt(id_, how="https://x") is None


def test_they_are_listed_and_counted(retrainings, request_one, clock):
    ids = []
    for model in "abc":
        ids.append(request_one(model=model))
        clock.go(1)
    retrainings.approve(ids[1], actor="ann")
    assert [found.id for found in retrainings.recent()] == ids[::-1]
    assert [found.id for found in retrainings.recent(limit=1)] == ids[2:]
    assert [found.id for found in retrainings.recent(model="a")] == ids[:1]
    assert [found.id for found in retrainings.recent(states=["approved"])] == ids[1:2]
    assert retrainings.counts() == dict.fromkeys(STATES, 0) | {"waiting": 2, "approved": 1}


def test_of_many_threads_one_requests_one_decides_and_one_starts(database):
    retrainings = Retrainings(database)

    def ask(_):
        request = RetrainingRequest(uuid7(), "command: train", approved_by="automatic")
        return retrainings.request(request, event_id="e", model="animals", version=3)

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(ask, range(24))).count(True) == 1
        (found,) = retrainings.recent()
        started = threads.map(
            lambda n: retrainings.start(found.id, how="x", place=str(n)), range(24)
        )
        assert list(started).count(True) == 1


# Forked, so that the processes are let go in the same instant with everything imported.
ASK = """
import os, sys, traceback
from mlopsproj_records import Database, RetrainingRequest, Retrainings, uuid7

def use(url):
    with Database(url) as database:
        request = RetrainingRequest(uuid7(), "command: train")
        Retrainings(database).request(request, event_id="e", model="animals", version=3)

hold, go = os.pipe()
for _ in range(4):
    if not os.fork():
        try:
            os.close(go)
            os.read(hold, 1)
            use(sys.argv[1])
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
os.close(go)
sys.exit(any(os.wait()[1] for _ in range(4)))
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_several_processes_request_one(database, empty_url):
    database.ping()
    done = subprocess.run(
        [sys.executable, "-c", ASK, empty_url], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert len(Retrainings(database).recent()) == 1
