import time
from uuid import UUID

import pytest
from hand_clock import HandClock
from mlopsproj_core.events import DriftVerdict, drift_detected
from mlopsproj_records import Database, DriftCheckRecord, DriftHistory, uuid7


@pytest.fixture
def clock():
    return HandClock()


@pytest.fixture
def url(tmp_path):
    return f"sqlite:///{tmp_path}/log.db"


@pytest.fixture
def database(url):
    with Database(url) as database:
        yield database


@pytest.fixture
def drift(database, clock):
    """Record a check that found drift, which asks for a retraining; the id of that, or None."""

    def record(flow, model="animals", cooldown_seconds=0.0):
        id_ = uuid7()
        verdict = DriftVerdict(changed=("brightness",), p_value=0.0005, images=1000)
        about = {"model": model, "version": 3}
        event = drift_detected(
            UUID(id_), time=clock(), **about, source=database.url, verdict=verdict
        )
        check = DriftCheckRecord(
            id=id_,
            time=clock(),
            **about,
            verdict="drift",
            p_value=0.0005,
            images=1000,
            since=None,
            until=None,
            document={},
        )
        recorded = DriftHistory(database, clock=clock).record(
            check,
            event=event,
            key=model,
            cooldown_seconds=cooldown_seconds,
            retraining=flow.request(),
        )
        return recorded.retraining

    return record


@pytest.fixture
def until():
    """Wait until something is so, and return it."""

    def wait(condition):
        end = time.monotonic() + 120
        while not (found := condition()):
            assert time.monotonic() < end, "it did not come"
            time.sleep(0.02)
        return found

    return wait
