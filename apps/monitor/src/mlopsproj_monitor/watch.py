"""Looks at the versions of a model, again and again, and checks those that have something new.

A check of the same images would be another chance of a false alarm, and of nearly the same ones
too: so a version is checked again when so much time has passed since its last check, and so many
images have come. Only a window that had too few is checked as soon as it may have enough. What
was checked stands in the database: a monitor that starts anew, or stands beside another, goes on
from there.

Knows nothing of HTTP, nor of how anything is told to anybody.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from mlopsproj_core.errors import BundleError, DataError, MlopsprojError, RegistryError
from mlopsproj_core.registry import ModelVersion, Registry
from mlopsproj_monitoring import WindowConfig
from mlopsproj_records.database import Database
from mlopsproj_records.drift_history import DriftCheckRecord, DriftHistory

from mlopsproj_monitor.checks import check
from mlopsproj_monitor.conditions import Conditions, defect
from mlopsproj_monitor.detection import Detectors
from mlopsproj_monitor.following import Following
from mlopsproj_monitor.metrics import FailReason, MonitorMetrics
from mlopsproj_monitor.verdicts import NOT_ENOUGH_DATA
from mlopsproj_monitor.versions import Watched, recent_versions

REGISTRY: Final = "registry"
DATABASE: Final = "database"

PAUSE_SECONDS: Final = 60.0
"""After which a version is tried again that could not be checked."""


@dataclass(frozen=True, slots=True)
class WatchConfig:
    """When and how a version is checked.

    Attributes:
        reference: of what is watched, as `Registry.locate` takes it.
        window: how large it is.
        minimum_images: of a window, for a verdict.
        interval: at least, between two checks.
        step_images: new ones at least, for another check.
    """

    reference: str
    window: WindowConfig
    minimum_images: int
    interval: timedelta
    step_images: int


class Watch:
    """Looks; one thread at a time."""

    def __init__(
        self,
        config: WatchConfig,
        *,
        registry: Registry,
        database: Database,
        detectors: Detectors,
        following: Following,
        metrics: MonitorMetrics,
        conditions: Conditions,
        told: Callable[[], None],
    ) -> None:
        """Look at nothing yet.

        Args:
            config: when and how a version is checked.
            registry: of the models.
            database: of their predictions, and of the checks.
            detectors: of the versions.
            following: keeps a check, and what follows from it.
            metrics: show what was found.
            conditions: are told what does not work.
            told: called when there is an event to be delivered.
        """
        self._config, self._registry, self._database = config, registry, database
        self._detectors, self._following, self._metrics = detectors, following, metrics
        self._conditions, self._told = conditions, told
        self._history = DriftHistory(database)
        self._meant: tuple[ModelVersion, str | None] | None = None
        self._before: set[ModelVersion] = set()
        self._retry_at: dict[ModelVersion, float] = {}
        self.watched: tuple[Watched, ...] = ()
        """What is watched, the version that is meant first; any thread may read it."""
        self.looked = False
        """Whether registry and database have answered once."""

    def look(self) -> None:
        """Look once: check what has something new."""
        self._find_what_is_meant()
        if self._meant is None:
            return
        try:
            watched = recent_versions(self._database, *self._meant)
        except MlopsprojError as error:
            self._fails(DATABASE, error, "database")
            return
        except Exception as error:
            self._fails(DATABASE, defect("The look at the log", error), "internal")
            raise
        self._conditions.works(DATABASE)
        self.watched = tuple(watched)
        versions = {each.version for each in watched}
        self._metrics.keep_only(versions)
        self._conditions.forget({str(each) for each in self._before - versions})
        self._before = versions
        for each in watched:
            self._look_at(each)
        self.looked = True

    def _find_what_is_meant(self) -> None:
        """The version that the alias points at; the one before while the registry is away."""
        try:
            version, move = self._registry.locate(self._config.reference)
        except (RegistryError, BundleError) as error:
            self._fails(REGISTRY, error, "registry")
            return
        except Exception as error:
            self._fails(REGISTRY, defect("The look at the registry", error), "internal")
            raise
        self._conditions.works(REGISTRY)
        self._meant = version, None if move is None else move.alias

    def _look_at(self, watched: Watched) -> None:
        version = watched.version
        part = str(version)
        if time.monotonic() < self._retry_at.get(version, 0.0):
            return
        try:
            last = self._last_check(version)
            if self._is_due(watched, last):
                self._check(watched)
            elif last is not None:
                self._metrics.show(last)
            self._metrics.watched(
                version,
                last_prediction=watched.last_prediction,
                created=self._detectors.created(version),
            )
        except BundleError as error:
            self._fails(part, error, "bundle")
        except RegistryError as error:
            self._fails(part, error, "registry")
        except DataError as error:
            self._fails(part, error, "data")
        except MlopsprojError as error:
            self._fails(part, error, "database")
        except Exception as error:
            self._fails(part, defect("The check", error), "internal")
            self._retry_at[version] = time.monotonic() + PAUSE_SECONDS
            raise
        else:
            self._retry_at.pop(version, None)
            self._conditions.works(part)
            return
        self._retry_at[version] = time.monotonic() + PAUSE_SECONDS

    def _last_check(self, version: ModelVersion) -> DriftCheckRecord | None:
        """The latest of a version, but for those that were made before a clock went back.

        Clocks of machines beside each other differ by less than an interval, or by a second.
        """
        ahead = max(self._config.interval, timedelta(seconds=1))
        found = self._history.checks(
            model=version.name, version=version.number, until=datetime.now(UTC) + ahead, limit=1
        )
        return found[0] if found else None

    def _is_due(self, watched: Watched, last: DriftCheckRecord | None) -> bool:
        if last is None:
            return True
        since = last.until
        if watched.last_prediction is None or (since and watched.last_prediction <= since):
            return False
        config = self._config
        is_time = last.time <= datetime.now(UTC) - config.interval
        if last.verdict == NOT_ENOUGH_DATA:
            # What a window of some hours had then may be too old by now.
            had = last.images if config.window.hours is None else 0
            wanted = 1 if is_time else max(1, config.minimum_images - had)
        elif is_time:
            wanted = config.step_images
        else:
            return False
        return self._has_come(watched.version, since, wanted)

    def _has_come(self, version: ModelVersion, since: datetime | None, wanted: int) -> bool:
        """Whether so many images came after a time."""
        found = 0
        for page in self._database.pages(
            model=version.name, version=version.number, since=since, page_size=wanted + 1
        ):
            found += sum(since is None or time > since for time in page.times)
            if found >= wanted:
                return True
        return False

    def _check(self, watched: Watched) -> None:
        begun = time.monotonic()
        config = self._config
        checked = check(self._database, self._detectors.of(watched.version), config.window)
        recorded = self._following.record(checked)
        self._metrics.checked(checked.record, time.monotonic() - begun)
        if recorded.event_put:
            self._told()

    def _fails(self, part: str, error: MlopsprojError, reason: FailReason) -> None:
        self._conditions.fails(part, error)
        self._metrics.check_failed(reason)
