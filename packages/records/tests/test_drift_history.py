import math
from datetime import UTC, datetime, timedelta
from uuid import UUID

import msgspec
import pytest
from mlopsproj_core.errors import ConfigError, RecordsError
from mlopsproj_core.events import DriftVerdict, drift_detected
from mlopsproj_records import (
    DriftCheckRecord,
    DriftHistory,
    Outbox,
    RetrainingRequest,
    Retrainings,
    drift_history,
    uuid7,
)
from sqlalchemy import text

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
HOUR = 3600.0


def a_check(**changes):
    fields = {
        "id": uuid7(),
        "time": NOON,
        "model": "animals",
        "version": 3,
        "verdict": "drift",
        "p_value": 0.0005,
        "images": 1000,
        "since": NOON - timedelta(hours=3),
        "until": NOON - timedelta(microseconds=1),
        "document": {"detectors": [{"name": "brightness", "effect": 0.25}], "ü": None},
    }
    return DriftCheckRecord(**fields | changes)


def event_of(check):
    verdict = DriftVerdict(changed=("brightness",), p_value=check.p_value, images=check.images)
    about = {"model": check.model, "version": check.version, "source": "test"}
    return drift_detected(UUID(check.id), time=check.time, **about, verdict=verdict)


@pytest.fixture
def history(database):
    return DriftHistory(database, clock=lambda: NOON)


def test_checks_come_back_as_they_went_newest_first(history):
    checks = [
        a_check(time=NOON + timedelta(hours=n), model=("a", "b")[n % 2], version=1 + n % 3)
        for n in range(6)
    ]
    nothing = {"p_value": None, "images": 0, "since": None, "until": None}
    empty = a_check(time=NOON - timedelta(hours=1), verdict="not enough data", **nothing)
    for check in [empty, *checks]:
        history.record(check)
    assert history.checks() == [*checks[::-1], empty]
    assert history.checks(limit=2) == checks[:3:-1]
    assert history.checks(model="a") == [c for c in checks[::-1] if c.model == "a"]
    assert history.checks(model="b", version=1) == [checks[3]]
    since, until = NOON + timedelta(hours=2), NOON + timedelta(hours=4)
    assert history.checks(since=since, until=until) == [checks[3], checks[2]]
    assert history.find(checks[1].id) == checks[1]
    assert history.find(uuid7()) is history.find("a\0b") is None


def test_a_number_that_json_does_not_know_is_kept_as_a_text(history):
    check = a_check(document={"effect": math.nan, "all": [math.inf, 1.0]})
    history.record(check)
    assert history.find(check.id).document == {"effect": "NaN", "all": ["Infinity", 1.0]}


def test_a_check_its_event_and_the_retraining_are_kept_at_once(database, history):
    check, request = a_check(), RetrainingRequest(uuid7(), "command: train")
    recorded = history.record(
        check, event=event_of(check), key="k", cooldown_seconds=HOUR, retraining=request
    )
    assert recorded.event_put
    assert recorded.retraining == request.id
    assert Outbox(database).find(check.id).event == event_of(check)
    (retraining,) = Retrainings(database).recent()
    assert (retraining.id, retraining.event_id, retraining.state) == (
        request.id,
        check.id,
        "waiting",
    )
    assert (retraining.model, retraining.version) == (check.model, check.version)


def test_what_the_cooldown_holds_back_starts_nothing_and_is_in_the_history(database, history):
    first, second = a_check(), a_check()
    history.record(first, event=event_of(first), key="k", cooldown_seconds=HOUR)
    recorded = history.record(
        second,
        event=event_of(second),
        key="k",
        cooldown_seconds=HOUR,
        retraining=RetrainingRequest(uuid7(), "command: train"),
    )
    assert not recorded.event_put
    assert recorded.retraining is None
    assert Retrainings(database).recent() == []
    assert Outbox(database).counts()["pending"] == 1
    assert history.checks() == [second, first]


def test_recording_again_is_recording_once(database, history):
    check, request = a_check(), RetrainingRequest(uuid7(), "command: train")
    both = [
        history.record(
            check, event=event_of(check), key="k", cooldown_seconds=HOUR, retraining=request
        )
        for _ in range(2)
    ]
    assert both[0] == both[1]
    assert both[0].retraining == request.id
    assert len(history.checks()) == len(Retrainings(database).recent()) == 1


@pytest.mark.parametrize("step", ["put_event", "put_request"])
def test_all_of_it_is_kept_or_nothing(database, history, monkeypatch, step):
    def fail(*_, **__):
        raise ZeroDivisionError

    check, request = a_check(), RetrainingRequest(uuid7(), "command: train")
    monkeypatch.setattr(drift_history, step, fail)
    with pytest.raises(ZeroDivisionError):
        history.record(check, event=event_of(check), key="k", retraining=request)
    assert history.checks() == []
    assert Outbox(database).counts()["pending"] == 0


def test_a_bad_cooldown_keeps_nothing(history):
    check = a_check()
    with pytest.raises(ConfigError):
        history.record(check, event=event_of(check), key="k", cooldown_seconds=-1)
    assert history.checks() == []


def test_a_value_that_no_row_can_hold_is_told(history):
    with pytest.raises(RecordsError, match="refuses a value"):
        history.record(a_check(model="\ud800"))


def test_a_row_that_another_program_changed_is_told(database, history):
    check = a_check()
    history.record(check)
    statement = text("UPDATE drift_check SET document = '[]'")
    database.run(lambda c: c.execute(statement), writes=True)
    with pytest.raises(RecordsError, match=f"The check {check.id} in the database cannot be read"):
        history.checks()


def test_a_check_is_ready_for_json():
    check = a_check()
    assert msgspec.json.decode(msgspec.json.encode(check), type=DriftCheckRecord) == check
