"""`monitor report`: what is in a window, as a file for people.

Knows nothing of arguments.
"""

import contextlib
from pathlib import Path
from typing import Any
from uuid import uuid4

from mlopsproj_core.errors import DataError
from mlopsproj_core.local_files import put_in_place
from mlopsproj_core.registry import Registry
from mlopsproj_records.database import Database

from mlopsproj_monitor.asked_window import asked_window
from mlopsproj_monitor.checks import as_json, check
from mlopsproj_monitor.detection import Detectors
from mlopsproj_monitor.reports import page_of
from mlopsproj_monitor.settings import MonitorSettings


def write_report(
    settings: MonitorSettings,
    out: Path,
    *,
    since: str | None,
    until: str | None,
    evidently: bool,
) -> dict[str, Any]:
    """Check a window, and write a page about it.

    Args:
        settings: of the monitor.
        out: HTML file; replaced when all is written.
        since: from which on its images were made, as a person writes a time.
        until: before which they were.
        evidently: whether Evidently writes it, of the same window.

    Returns:
        What was written, and what was found, ready for JSON.

    Raises:
        ConfigError: if what is asked for contradicts itself, or Evidently is not installed.
        NotFoundError: if there is no such version.
        DataError: if the file cannot be written, or Evidently is given an empty window.
    """
    window, end = asked_window(settings, since, until)
    registry = Registry(settings.registry_url)
    version = registry.resolve(settings.reference)
    with Database(settings.database_url) as database:
        database.ping()
        prepared = Detectors(registry, settings.drift_config()).of(version)
        found = check(database, prepared, window, until=end)
        if evidently:
            from mlopsproj_monitoring.report.evidently_page import write_evidently_page

            write_evidently_page(out, reference=prepared.detector.reference, rows=found.window.rows)
        else:
            _write(out, page_of(database, prepared, found))
    return {"path": str(out), "check": as_json(found.record)}


def _write(out: Path, page: str) -> None:
    draft = out.with_name(f".{out.name}.{uuid4().hex}")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        draft.write_text(page, encoding="utf-8")
        put_in_place(draft, out)
    except OSError as error:
        raise DataError(
            f"{out} cannot be written ({error.strerror}): name another file."
        ) from error
    finally:
        with contextlib.suppress(OSError):
            draft.unlink()
