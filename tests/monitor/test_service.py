"""The monitor from its start to its end, on both kinds of database."""

import signal
import tempfile
from pathlib import Path

import pytest
import webhook
from mlopsproj_records.migration import upgrade
from monitor.watching import checks, wait_for_check
from monitor.world import DARKER, World
from serving.postgresql import PostgreSql


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)])
def any_world(request, tmp_path, bundle):
    """A world over each kind of database."""
    if request.param == "sqlite":
        world = World(tmp_path / "world")
        world.publish(bundle, "production")
        yield world
        return
    with tempfile.TemporaryDirectory() as folder:  # pytest's let no other user in
        server = PostgreSql(Path(folder))
        server.start()
        upgrade(server.url)
        world = World(tmp_path / "world", server.url)
        world.publish(bundle, "production")
        yield world
        server.kill()


def test_it_is_quiet_then_tells_of_drift_once_and_ends_in_order(any_world, bundle, make_monitor):
    world = any_world
    with webhook.serving() as server:
        monitor = make_monitor(world, MLOPSPROJ_EVENT_URL=server.url).start()
        assert wait_for_check(monitor)["verdict"] == "not enough data"
        world.predict(bundle, 300)
        steady = wait_for_check(monitor, images=300)
        assert steady["verdict"] == "no drift"
        assert not server.told
        world.predict(bundle, 300, scale=DARKER)
        drift = wait_for_check(monitor, images=600)
        assert drift["verdict"] == "drift"
        monitor.wait_until(lambda: server.told, "told nobody")
        world.predict(bundle, 300, scale=DARKER)
        assert wait_for_check(monitor, images=900)["verdict"] == "drift"
        monitor.process.send_signal(signal.SIGTERM)
        assert monitor.process.wait(60) == 0
        (event,) = server.told
    assert (event["type"], event["id"]) == ("drift-detected", drift["id"])
    assert any("brightness fell" in text for text in event["data"]["changed"])
    assert "Traceback" not in monitor.stderr()


def test_a_second_monitor_goes_on_where_the_first_one_was(world, bundle, make_monitor):
    world.predict(bundle, 300, scale=DARKER)
    with webhook.serving() as server:
        for _ in range(2):
            monitor = make_monitor(world, MLOPSPROJ_EVENT_URL=server.url).start()
            wait_for_check(monitor, verdict="drift")
            monitor.wait_until(lambda: server.told, "told nobody")
            assert len(checks(monitor)) == 1
            assert monitor.terminate(60) == 0
        assert len(server.told) == 1


def test_a_promotion_is_followed(world, bundle, make_monitor):
    monitor = make_monitor(world).start()
    world.publish(bundle, "production")
    world.predict(bundle, 300, version=2)
    assert wait_for_check(monitor, images=300)["version"] == 2
    versions = monitor.client.get("/v1/drift").json()["versions"]
    assert [(each["version"], each["alias"]) for each in versions] == [(2, "production")]


def test_the_start_says_what_and_where(world, make_monitor):
    hidden = "https://hooks.example/secret"
    monitor = make_monitor(world, MLOPSPROJ_MONITOR_RETRAIN=hidden).start()
    said = monitor.stderr()
    assert f"listens   {monitor.url} " in said
    assert "watches   @production of ./registry, in sqlite:///" in said
    assert "checks    the newest 1,000 images" in said
    assert "starts    https://hooks.example" in said
    assert "secret" not in said
    assert f"next      curl {monitor.url}/v1/drift\n" in said
