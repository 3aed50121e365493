import time

import pytest
import webhook
from mlopsproj_core.errors import ConfigError
from mlopsproj_monitor.checks import check
from mlopsproj_monitor.following import Following
from mlopsproj_monitoring import WindowConfig
from mlopsproj_records.database import Database
from monitor.world import DARKER


@pytest.fixture
def drifted(world, bundle, watching):
    """A watch that found drift, kept with what follows: `drifted(NAME=value, …)`."""

    def made(**environment):
        world.publish(bundle, "production")
        world.predict(bundle, 300, scale=DARKER)
        watch = watching(environment=environment)
        prepared = watch.detectors.of(world.registry.resolve("brightness:1"))
        assert watch.following.record(check(watch.database, prepared, WindowConfig())).event_put
        return watch

    return made


def test_an_event_is_delivered_once(drifted):
    with webhook.serving() as server:
        watch = drifted(MLOPSPROJ_EVENT_URL=server.url)
        delivered = [watch.following.go_on().delivered for _ in range(2)]
        assert delivered == [1, 0]
        assert [event["id"] for event in server.told] == [watch.checks()[0].id]


def test_what_nobody_took_waits(drifted, tmp_path):
    watch = drifted(MLOPSPROJ_EVENT_URL="http://127.0.0.1:9/events")
    made = watch.following.go_on()
    assert (made.delivered, made.failed, made.pending) == (0, 1, 1)


def test_a_command_starts_by_itself_where_nobody_is_asked(drifted, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    watch = drifted(
        MLOPSPROJ_MONITOR_RETRAIN="command:touch trained", MLOPSPROJ_MONITOR_APPROVE="auto"
    )
    retrainings = watch.following.flow.retrainings
    end = time.monotonic() + 60
    while retrainings.recent()[0].state != "done":
        watch.following.go_on()
        assert time.monotonic() < end, retrainings.recent()
        time.sleep(0.05)
    assert (tmp_path / "trained").exists()


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("MLOPSPROJ_EVENT_URL", "ftp://host"),
        ("MLOPSPROJ_MONITOR_RETRAIN", "uv run train"),
        ("MLOPSPROJ_MONITOR_RETRAIN", "command:"),
    ],
)
def test_what_cannot_be_told_or_started_is_refused_at_once(world, settings, variable, value):
    with (
        Database(world.database_url) as database,
        pytest.raises(ConfigError, match=variable),
    ):
        Following(settings(**{variable: value}), database)
