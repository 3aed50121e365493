"""One check of one version, and what is told of it: record and event.

Knows nothing of when a version is to be checked.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from mlopsproj_core.events import Event
from mlopsproj_monitoring import DriftCheck, Window, WindowConfig, read_window
from mlopsproj_monitoring.triggers import drift_event
from mlopsproj_records.database import Database
from mlopsproj_records.drift_history import DriftCheckRecord
from mlopsproj_records.identifiers import uuid7

from mlopsproj_monitor.detection import VersionDetector
from mlopsproj_monitor.verdicts import DRIFT


@dataclass(frozen=True, slots=True)
class Checked:
    """A check that was made.

    Attributes:
        record: of it, as the database keeps it.
        window: that was looked at.
        check: what was found.
    """

    record: DriftCheckRecord
    window: Window
    check: DriftCheck


def check(
    database: Database,
    prepared: VersionDetector,
    window: WindowConfig,
    *,
    until: datetime | None = None,
) -> Checked:
    """Hold the predictions of a version against its reference.

    Args:
        database: of the log.
        prepared: what the version is checked with.
        window: how large it is.
        until: before which the predictions were made; all that there are unless given.

    Raises:
        DataError: if none of the predictions is of that model.
        DatabaseAwayError: if the database cannot be reached.
        MigrationError: if its schema is not this release's.
    """
    version = prepared.version
    read = read_window(database, prepared.detector, version.number, window, until=until)
    found = prepared.detector.check(read)
    record = DriftCheckRecord(
        id=uuid7(),
        time=datetime.now(UTC),
        model=version.name,
        version=version.number,
        verdict=found.verdict,
        p_value=found.p_value,
        images=found.images,
        since=found.since,
        until=found.until,
        document=found.to_document(),
    )
    return Checked(record, read, found)


def event_of(checked: Checked, source: str) -> Event | None:
    """The event that tells of a check; None if it found no drift.

    Args:
        checked: that was made.
        source: of the predictions.
    """
    record = checked.record
    if record.verdict != DRIFT:
        return None
    return drift_event(
        checked.check,
        id=record.id,
        time=record.time,
        model=record.model,
        version=record.version,
        source=source,
        since=record.since,
        until=record.until,
    )


def as_json(record: DriftCheckRecord) -> dict[str, Any]:
    """A check as one JSON document."""
    return {
        "id": record.id,
        "time": record.time.isoformat(),
        "model": record.model,
        "version": record.version,
        **record.document,
    }
