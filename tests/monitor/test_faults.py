"""What is away, and what comes back: the monitor stays up, says why, and goes on."""

import tempfile
from pathlib import Path

import pytest
from mlopsproj_records.migration import upgrade
from monitor.watching import wait_for_check
from monitor.world import World
from serving.postgresql import PostgreSql
from small_bundle import make_small_bundle


def why(monitor):
    """What `/readyz` says; empty while it is ready."""
    answer = monitor.client.get("/readyz")
    return "" if answer.status_code == 200 else answer.json()["detail"]


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_database_goes_away_and_comes_back(tmp_path, bundle, make_monitor):
    with tempfile.TemporaryDirectory() as folder:  # pytest's let no other user in
        server = PostgreSql(Path(folder))
        world = World(tmp_path / "world", server.url)
        world.publish(bundle, "production")
        monitor = make_monitor(world)
        monitor.launch()
        try:
            monitor.wait_until(lambda: monitor.get_status("/livez") == 200, "does not live")
            monitor.wait_until(lambda: "cannot be used" in why(monitor), "does not say why")
            server.start()
            monitor.wait_until(lambda: "api migrate" in why(monitor), "does not ask for migration")
            upgrade(server.url)
            monitor.wait_ready(120)
            world.predict(bundle, 300)
            wait_for_check(monitor, images=300)
            server.kill()
            monitor.wait_until(lambda: why(monitor), "takes no notice")
            assert monitor.client.get("/v1/drift/history").status_code == 503
            assert 'reason="database"' in monitor.client.get("/metrics").text
            server.start()
            monitor.wait_ready(120)
            world.predict(bundle, 300)
            wait_for_check(monitor, images=600)
            assert monitor.terminate(60) == 0
        finally:
            server.kill()
    assert "Traceback" not in monitor.stderr()
    assert "works again" in monitor.stderr()


def test_an_empty_registry_is_told_until_it_has_a_model(tmp_path, bundle, make_monitor):
    world = World(tmp_path / "world")
    monitor = make_monitor(world)
    monitor.launch()
    monitor.wait_until(lambda: monitor.get_status("/livez") == 200, "does not live")
    monitor.wait_until(lambda: "no model" in why(monitor), "does not say why")
    assert monitor.client.get("/v1/drift").json() == {"versions": []}
    world.publish(bundle, "production")
    monitor.wait_ready()
    assert monitor.terminate(60) == 0


def test_a_version_without_a_reference_is_told_until_another_is_promoted(
    world, bundle, tmp_path, make_monitor
):
    world.publish(make_small_bundle(tmp_path / "broken"), "production")
    monitor = make_monitor(world)
    monitor.launch()
    monitor.wait_until(lambda: monitor.get_status("/livez") == 200, "does not live")
    monitor.wait_until(lambda: "reference.parquet" in why(monitor), "does not say why")
    (version,) = monitor.client.get("/v1/drift").json()["versions"]
    assert "reference.parquet" in version["problem"]
    assert 'check_failures_total{reason="bundle"} 1.0' in monitor.client.get("/metrics").text
    world.publish(bundle, "production")
    monitor.wait_ready()
    assert monitor.terminate(60) == 0
    assert "Traceback" not in monitor.stderr()
