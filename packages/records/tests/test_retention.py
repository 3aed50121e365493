import threading
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from mlopsproj_core.errors import ConfigError
from mlopsproj_core.events import Event
from mlopsproj_records import (
    DriftCheckRecord,
    DriftHistory,
    Outbox,
    Pruned,
    RetrainingRequest,
    Retrainings,
    prune,
    retention,
    uuid7,
)
from mlopsproj_records.schema import feedback
from sqlalchemy import select

NOW = datetime(2026, 5, 1, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def small_batches(monkeypatch):
    monkeypatch.setattr(retention, "ROWS_AT_ONCE", 3)


@pytest.fixture
def days_old(database, predicted):
    """Predictions of so many days; the images are given by name."""

    def insert(*ages, images=()):
        records = [
            predicted(time=NOW - age * DAY, image_url=images[number] if images else None)
            for number, age in enumerate(ages)
        ]
        assert database.insert(records) == []
        return records

    return insert


def kept(database):
    return [stored.record for stored in database.predictions()]


def feedback_kept(database):
    return set(database.run(lambda c: c.scalars(select(feedback.c.id)).all()))


def test_without_limits_everything_is_kept(database, days_old):
    records = days_old(9000, 1)
    assert prune(database, now=NOW) == Pruned(0, 0, 0, finished=True)
    assert kept(database) == records


def test_what_is_older_goes(database, days_old):
    records = days_old(40, 31, 30.0001, 30, 29, 0, -1)
    assert prune(database, max_age_days=30, now=NOW) == Pruned(3, 0, 0, finished=True)
    assert kept(database) == records[3:]
    assert prune(database, max_age_days=30, now=NOW) == Pruned(0, 0, 0, finished=True)


def test_an_age_before_all_time_keeps_everything(database, days_old):
    records = days_old(9000)
    assert prune(database, max_age_days=10.0**7, now=NOW).predictions == 0
    assert kept(database) == records


@pytest.mark.parametrize("count", [1, 2, 7, 8, 9, 10_000])
def test_as_many_as_wanted_of_the_newest_are_kept(database, days_old, count):
    records = days_old(8, 7, 6, 6, 6, 6, 1, 0)
    records.sort(key=lambda record: (record.time, record.id))
    assert prune(database, max_count=count, now=NOW).predictions == max(0, 8 - count)
    assert kept(database) == records[-count:]


def test_both_limits_hold(database, days_old):
    records = days_old(50, 20, 10, 5, 1)
    prune(database, max_age_days=30, max_count=3, now=NOW)
    assert kept(database) == records[2:]
    prune(database, max_age_days=7, max_count=3, now=NOW)
    assert kept(database) == records[3:]


def test_feedback_goes_with_its_prediction_and_without_one_when_it_is_old(
    database, days_old, predicted, said
):
    old, new = days_old(40, 3)
    lost = [said(predicted(), time=NOW - age * DAY) for age in (50, 49, 48, 47, 29)]
    mine = [said(old, time=NOW), said(new, time=NOW - 45 * DAY), said(new, time=NOW)]
    assert database.insert([*lost, *mine]) == []
    assert prune(database, max_age_days=30, now=NOW) == Pruned(1, 5, 0, finished=True)
    assert feedback_kept(database) == {record.id for record in (lost[4], *mine[1:])}


def test_the_feedback_of_every_prediction_of_a_batch_goes(database, days_old, said):
    records = days_old(60, 50, 40, 39, 5)
    feedback = [said(record, time=NOW) for record in records for _ in range(2)]
    database.insert(feedback)
    assert prune(database, max_age_days=30, now=NOW) == Pruned(4, 8, 0, finished=True)
    assert feedback_kept(database) == {record.id for record in feedback[8:]}


def test_images_go_that_no_kept_row_uses(database, days_old):
    gone = []
    days_old(
        *(60, 59, 58, 57, 56, 40, 20, 10),
        images=("a", "b", None, "b", "c", "a", "c", None),
    )
    pruned = prune(database, max_age_days=30, now=NOW, delete_images=gone.append)
    assert pruned == Pruned(6, 0, 2, finished=True)
    assert sorted(url for urls in gone for url in urls) == ["a", "b"]


def test_rows_whose_images_cannot_be_deleted_stay_and_are_met_again(database, days_old):
    records, met = days_old(60, 50, 40, 35, 34, images="abcde"), []

    def fail(urls):
        met.extend(urls)
        if "d" in urls:
            raise OSError("the bucket is away")

    with pytest.raises(OSError, match="the bucket is away"):
        prune(database, max_age_days=30, now=NOW, delete_images=fail)
    assert kept(database) == records[3:]
    pruned = prune(database, max_age_days=30, now=NOW, delete_images=lambda _: None)
    assert pruned == Pruned(2, 0, 2, finished=True)
    assert met == list("abcde")


def test_it_may_be_done_in_parts(database, days_old, predicted, said):
    records = days_old(*range(50, 40, -1))
    database.insert([said(predicted(), time=NOW - 90 * DAY) for _ in range(7)])
    assert prune(database, max_age_days=30, max_rows=4, now=NOW) == Pruned(6, 0, 0, finished=False)
    assert kept(database) == records[6:]
    parts = []
    while not parts or not parts[-1].finished:
        parts.append(prune(database, max_age_days=30, max_rows=4, now=NOW))
    assert sum(part.predictions for part in parts) == 4
    assert sum(part.feedback for part in parts) == 7
    assert kept(database) == []


@pytest.mark.parametrize("limits", [{"max_age_days": 0}, {"max_count": 0}, {"max_count": -1}])
def test_a_limit_that_keeps_nothing_is_refused(database, limits):
    with pytest.raises(ConfigError, match="keeps nothing: give a positive number, or none"):
        prune(database, **limits)


def test_several_may_do_it_while_others_write(database, days_old, predicted):
    days_old(*range(140, 40, -1))
    new = [predicted(time=NOW) for _ in range(30)]
    results = []
    threads = [
        threading.Thread(target=lambda: results.append(prune(database, max_age_days=30, now=NOW)))
        for _ in range(2)
    ]
    for thread in threads:
        thread.start()
    for record in new:
        assert database.insert([record]) == []
    for thread in threads:
        thread.join()
    assert sum(result.predictions for result in results) == 100
    assert kept(database) == new


def check_of(age):
    return DriftCheckRecord(
        id=uuid7(),
        time=NOW - age * DAY,
        model="animals",
        version=3,
        verdict="no drift",
        p_value=0.5,
        images=0,
        since=None,
        until=None,
        document={},
    )


def test_checks_go_by_their_age_and_events_and_retrainings_stay(database, days_old):
    history = DriftHistory(database)
    checks = [check_of(age) for age in (400, 300, 31, 30, 1)]
    event = Event(id=UUID(uuid7()), type="drift-detected", time=NOW - 400 * DAY, source="test")
    request = RetrainingRequest(uuid7(), "command: train")
    history.record(checks[0], event=event, key="k", retraining=request)
    for check in checks[1:]:
        history.record(check)
    days_old(40)
    assert prune(database, max_count=1, now=NOW).drift_checks == 0
    pruned = prune(database, max_age_days=30, now=NOW)
    assert pruned == Pruned(1, 0, 0, finished=True, drift_checks=3)
    assert history.checks() == [checks[4], checks[3]]
    assert Outbox(database).find(str(event.id)).event == event
    assert [found.id for found in Retrainings(database).recent()] == [request.id]


def test_checks_that_are_left_are_told(database):
    history = DriftHistory(database)
    for _ in range(5):
        history.record(check_of(40))
    pruned = prune(database, max_age_days=30, max_rows=2, now=NOW)
    assert pruned == Pruned(0, 0, 0, finished=False, drift_checks=3)
    assert prune(database, max_age_days=30, max_rows=3, now=NOW).drift_checks == 2
    assert prune(database, max_age_days=30, max_rows=3, now=NOW).finished
