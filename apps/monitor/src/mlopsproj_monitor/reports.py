"""Pages about windows, with figures. Knows nothing of HTTP, nor of files."""

from collections import OrderedDict
from datetime import timedelta
from threading import Lock
from typing import Final

from mlopsproj_core.errors import RegistryError
from mlopsproj_core.registry import ModelVersion
from mlopsproj_monitoring import WindowConfig
from mlopsproj_records.database import Database
from mlopsproj_records.drift_history import DriftHistory

from mlopsproj_monitor.checks import Checked, check
from mlopsproj_monitor.detection import Detectors, VersionDetector

PAST_CHECKS: Final = 200
"""That are drawn."""

KEPT: Final = 4
"""Pages: each takes seconds of a core."""

PATIENCE_SECONDS: Final = 120.0
"""For a page that another waits for: no threads gather behind one that hangs."""

_TICK: Final = timedelta(microseconds=1)


class Reports:
    """Makes the page of a version; any thread may ask, one at a time is made."""

    def __init__(self, database: Database, detectors: Detectors, window: WindowConfig) -> None:
        """Make none yet.

        Args:
            database: of predictions and checks.
            detectors: of the versions.
            window: of a version that was never checked.
        """
        self._database, self._detectors, self._window = database, detectors, window
        self._kept: OrderedDict[str, str] = OrderedDict()
        self._lock = Lock()

    def page(self, version: ModelVersion) -> str:
        """About the window of the latest check of a version, as HTML.

        Raises:
            NotFoundError: if there is no such version.
            RegistryError: if the registry cannot be reached.
            BundleError: if the bundle or its reference cannot be used.
            DataError: if the predictions are another model's.
            DatabaseAwayError: if the database cannot be reached.
            MigrationError: if its schema is not this release's.
        """
        if not self._lock.acquire(timeout=PATIENCE_SECONDS):
            raise RegistryError("Another page is being made, and does not come to an end.")
        try:
            return self._page(version)
        finally:
            self._lock.release()

    def _page(self, version: ModelVersion) -> str:
        history = DriftHistory(self._database)
        latest = history.checks(model=version.name, version=version.number, limit=1)
        key = latest[0].id if latest else ""
        if key in self._kept:
            return self._kept[key]
        prepared = self._detectors.of(version)
        if latest and latest[0].images and latest[0].until is not None:
            window, until = WindowConfig(latest[0].images), latest[0].until + _TICK
        else:
            window, until = self._window, None
        found = check(self._database, prepared, window, until=until)
        page = page_of(self._database, prepared, found)
        if key:
            self._kept[key] = page
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return page


def page_of(database: Database, prepared: VersionDetector, found: Checked) -> str:
    """About a check that was made, beside those that are kept, as HTML.

    Raises:
        DatabaseAwayError: if the database cannot be reached.
        MigrationError: if its schema is not this release's.
    """
    from mlopsproj_monitoring.report.page import report_page

    version = prepared.version
    return report_page(
        found.check,
        reference=prepared.detector.reference,
        rows=found.window.rows,
        version=version.number,
        history=DriftHistory(database).checks(
            model=version.name, version=version.number, limit=PAST_CHECKS
        ),
    )
