"""A world to watch, and `monitor` as a real process in it."""

import sys

import pytest
from monitor.world import World, make_bundle
from serving.server import Monitor

SHOWN_CHARACTERS = 6000
PATIENCE_SECONDS = 240

QUICK = {
    "MLOPSPROJ_MONITOR_INTERVAL_SECONDS": "0.2",
    "MLOPSPROJ_MONITOR_ACCESS_LOG": "0",
}


class PatientMonitor(Monitor):
    """Computes for seconds before it answers, which is a minute and more on a busy machine."""

    def wait_until(self, happened, complaint, seconds=0):
        super().wait_until(happened, complaint, max(seconds, PATIENCE_SECONDS))


@pytest.fixture(scope="session")
def bundle(tmp_path_factory):
    return make_bundle(tmp_path_factory.mktemp("bundle") / "1")


@pytest.fixture
def world(tmp_path, bundle):
    """One whose model's first version is in production, and was asked nothing yet."""
    made = World(tmp_path / "world")
    made.publish(bundle, "production")
    return made


@pytest.fixture
def make_monitor():
    """`make_monitor(world, NAME=value, ...)`: a monitor in a world's folder, not started yet."""
    made = []

    def make(world, **environment):
        settings = QUICK | {"MLOPSPROJ_DATABASE_URL": world.database_url} | environment
        monitor = PatientMonitor(world.folder, settings)
        made.append(monitor)
        return monitor

    yield make
    for monitor in made:
        monitor.kill()
        monitor.client.close()
        # pytest shows it beside a failure, and only there.
        sys.stderr.write(f"--- monitor said:\n{monitor.stderr()[-SHOWN_CHARACTERS:]}\n")
