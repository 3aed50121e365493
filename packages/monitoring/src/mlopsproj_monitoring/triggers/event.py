"""The event of a check that found drift. Knows nothing of who is told."""

from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from mlopsproj_core.events import DriftVerdict, Event, drift_detected

if TYPE_CHECKING:
    from mlopsproj_monitoring.quality import Share
    from mlopsproj_monitoring.verdict import DriftCheck


def drift_event(
    check: "DriftCheck",
    *,
    id: str,  # noqa: A002 (the record's field)
    time: datetime,
    model: str,
    version: int,
    source: str,
    since: datetime | None,
    until: datetime | None,
) -> Event:
    """What a check found, in short; the same check gives the same event.

    Args:
        check: that found drift.
        id: uuid7, of the record of the check.
        time: when it was made.
        model: that drifted.
        version: of it.
        source: whose predictions were checked, e.g. the database's URL without its password.
        since: time of the first image of the window.
        until: time of the last.
    """
    verdict = DriftVerdict(
        changed=check.changed,
        p_value=1.0 if check.p_value is None else check.p_value,
        effects={found.name: found.effect for found in check.detectors if found.drifted},
        images=check.images,
        since=since,
        until=until,
        estimated_accuracy=_value(check.estimated_accuracy),
        accuracy=_value(check.accuracy),
        reference_accuracy=_value(check.reference_accuracy),
    )
    return drift_detected(
        UUID(id), time=time, model=model, version=version, source=source, verdict=verdict
    )


def _value(share: "Share | None") -> float | None:
    return None if share is None else share.value
