"""Receivers that are down, and monitors that are killed: an event is neither lost nor doubled."""

import pytest
import webhook
from mlopsproj_records.database import Database
from mlopsproj_records.outbox import Outbox
from monitor.watching import wait_for_check
from monitor.world import DARKER

pytestmark = pytest.mark.slow


def make_due(world):
    """Let the next attempt to tell an event be made now, as if the pause were over."""
    with Database(world.database_url) as database, database._engine.begin() as connection:
        connection.exec_driver_sql("UPDATE outbox SET next_attempt = NULL")


def test_an_event_outlives_its_receiver_and_its_monitor(world, bundle, make_monitor):
    world.predict(bundle, 300, scale=DARKER)
    with webhook.serving() as server:
        server.statuses += [503] * 3  # one attempt to deliver
        monitor = make_monitor(world, MLOPSPROJ_EVENT_URL=server.url).start()
        check = wait_for_check(monitor, verdict="drift")
        monitor.wait_until(lambda: len(server.told) == 3, "did not try")
        monitor.kill()
        make_due(world)
        server.told.clear()
        world.predict(bundle, 300, scale=DARKER)
        monitor.connect()
        monitor.start()
        wait_for_check(monitor, images=600, verdict="drift")
        monitor.wait_until(lambda: server.told, "told nobody")
        assert monitor.terminate(60) == 0
        assert [event["id"] for event in server.told] == [check["id"]]
    with Database(world.database_url) as database:
        assert Outbox(database).counts() == {"pending": 0, "delivered": 1}


def test_monitors_that_are_killed_as_they_check_tell_of_it_once(world, bundle, make_monitor):
    with webhook.serving() as server:
        monitors = [make_monitor(world, MLOPSPROJ_EVENT_URL=server.url) for _ in range(2)]
        for monitor in monitors:
            monitor.start()
            wait_for_check(monitor)
        world.predict(bundle, 300, scale=DARKER)
        wait_for_check(monitors[0], images=300, verdict="drift")
        monitors[0].kill()
        make_due(world)
        monitors[1].wait_until(lambda: server.told, "told nobody")
        world.predict(bundle, 300, scale=DARKER)
        wait_for_check(monitors[1], images=600, verdict="drift")
        assert monitors[1].terminate(60) == 0
        assert len({event["id"] for event in server.told}) == 1
