import pytest
from mlopsproj_core.errors import DatabaseAwayError
from mlopsproj_monitor.delivery import EVENTS, Delivery
from monitor.world import DARKER


def test_it_counts_what_it_tells_and_shows_what_waits(world, bundle, watching):
    world.publish(bundle, "production")
    world.predict(bundle, 300, scale=DARKER)
    watch = watching(
        environment={
            "MLOPSPROJ_EVENT_URL": "http://127.0.0.1:9/events",
            "MLOPSPROJ_MONITOR_RETRAIN": "command:true",
        }
    )
    watch.look()
    Delivery(watch.following, metrics=watch.metrics, conditions=watch.conditions).deliver()
    assert watch.metric("events_pending") == watch.metric("event_failures_total") == 1
    assert watch.metric("events_delivered_total") == 0
    assert watch.metric("retrainings", state="waiting") == 1
    assert watch.metric("retrainings", state="done") == 0


def test_a_database_that_is_away_is_told_and_comes_back(watching, monkeypatch):
    watch = watching()
    delivery = Delivery(watch.following, metrics=watch.metrics, conditions=watch.conditions)

    def away(*_, **__):
        raise DatabaseAwayError("nobody answers")

    monkeypatch.setattr(watch.database, "run", away)
    delivery.deliver()
    assert "nobody answers" in str(watch.conditions.failing[EVENTS])
    monkeypatch.undo()
    delivery.deliver()
    assert not watch.conditions.failing


def test_a_defect_is_told_and_raised_for_the_log(watching, monkeypatch):
    watch = watching()
    delivery = Delivery(watch.following, metrics=watch.metrics, conditions=watch.conditions)

    def broken():
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(watch.following, "go_on", broken)
    with pytest.raises(ZeroDivisionError):
        delivery.deliver()
    assert "ZeroDivisionError" in str(watch.conditions.failing[EVENTS])
