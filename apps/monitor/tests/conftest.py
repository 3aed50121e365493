"""A model and its log to watch, and what watches them, put together without a process."""

import os
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from mlopsproj_monitor.conditions import Conditions
from mlopsproj_monitor.detection import Detectors, VersionDetector
from mlopsproj_monitor.following import Following
from mlopsproj_monitor.metrics import MonitorMetrics
from mlopsproj_monitor.settings import MonitorSettings
from mlopsproj_monitor.watch import Watch, WatchConfig
from mlopsproj_monitoring import DriftConfig, DriftDetector, Reference, WindowConfig
from mlopsproj_records.database import Database
from mlopsproj_records.drift_history import DriftHistory
from mlopsproj_records.outbox import Outbox
from monitor.world import World, make_bundle

CONFIG = DriftConfig(draws=1000)


@pytest.fixture(autouse=True)
def no_settings(monkeypatch):
    for name in list(os.environ):
        if name.startswith("MLOPSPROJ_") or name == "PORT":
            monkeypatch.delenv(name)


@pytest.fixture
def settings(monkeypatch):
    """Settings of an environment: `settings(NAME=value, ...)`."""

    def read(**environment):
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        return MonitorSettings.read()

    return read


@pytest.fixture(scope="session")
def bundle(tmp_path_factory):
    return make_bundle(tmp_path_factory.mktemp("bundle") / "1")


@pytest.fixture(scope="session")
def detector(bundle):
    return DriftDetector(Reference.read(bundle), CONFIG)


@pytest.fixture
def world(tmp_path):
    return World(tmp_path / "world")


class QuickDetectors(Detectors):
    """Gives every version the one detector that was made before all tests."""

    def __init__(self, registry, detector):
        super().__init__(registry, CONFIG)
        self.detector = detector
        self.fails = None

    def _made(self, version):
        if self.fails is not None:
            raise self.fails
        return VersionDetector(version, self._registry.manifest(version).created, self.detector)


@dataclass
class Watching:
    """A watch and all that it is made of."""

    world: World
    detector: DriftDetector
    settings: MonitorSettings
    interval: timedelta = timedelta(0)
    window: WindowConfig = field(default_factory=WindowConfig)
    reference: str = "@production"

    def __post_init__(self):
        self.database = Database(self.world.database_url)
        self.metrics, self.conditions = MonitorMetrics(), Conditions()
        self.following = Following(self.settings, self.database)
        self.detectors = QuickDetectors(self.world.registry, self.detector)
        self.told = 0
        self.watch = Watch(
            WatchConfig(
                reference=self.reference,
                window=self.window,
                minimum_images=CONFIG.minimum_images,
                interval=self.interval,
                step_images=100,
            ),
            registry=self.world.registry,
            database=self.database,
            detectors=self.detectors,
            following=self.following,
            metrics=self.metrics,
            conditions=self.conditions,
            told=self._tell,
        )

    def _tell(self):
        self.told += 1

    def look(self):
        self.watch.look()

    def checks(self, **conditions):
        return DriftHistory(self.database).checks(**conditions)

    def verdicts(self):
        """Of all checks, the first one first."""
        return [check.verdict for check in reversed(self.checks())]

    def events(self):
        return sum(Outbox(self.database).counts().values())

    def metric(self, name, **labels):
        """A number of the page; None if it is not there."""
        for line in self.metrics.render().decode().splitlines():
            if line.startswith(
                f"mlopsproj_monitor_{name}{{" if labels else f"mlopsproj_monitor_{name} "
            ) and all(f'{key}="{value}"' in line for key, value in labels.items()):
                return float(line.rpartition(" ")[2])
        return None


@pytest.fixture
def watching(world, detector, settings):
    """`watching(**options)`: a watch over `world`, whose times pass as told."""
    made = []

    def make(*, environment=None, **options):
        made.append(Watching(world, detector, settings(**environment or {}), **options))
        return made[-1]

    yield make
    for each in made:
        each.database.close()


@pytest.fixture
def client(watching, world):
    """`client(watch=…, keys=…, admin_keys=…)`: asks an application over a watch."""
    from concurrent.futures import ThreadPoolExecutor
    from contextlib import ExitStack, asynccontextmanager

    from fastapi.testclient import TestClient
    from mlopsproj_monitor.application import create_app
    from mlopsproj_monitor.monitor import Monitor
    from mlopsproj_monitor.reports import Reports

    with ExitStack() as stack:
        readers = stack.enter_context(ThreadPoolExecutor(2))

        def make(watch=None, **options):
            watch = watch or watching()
            reports = Reports(watch.database, watch.detectors, watch.window)
            monitor = Monitor(
                watch.database, watch.watch, watch.following, watch.conditions, reports
            )

            @asynccontextmanager
            async def lifespan(app):
                app.state.monitor, app.state.readers = monitor, readers
                app.state.decided = lambda: None
                yield

            app = create_app(lifespan, metrics=watch.metrics, **options)
            made = stack.enter_context(TestClient(app, raise_server_exceptions=False))
            made.watch = watch
            return made

        yield make
