"""Whether the prediction log can be kept: the database, its schema, and what waits in the spool.

Makes and changes nothing. Knows nothing of what is in the records.
"""

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from mlopsproj_core.errors import MlopsprojError
from mlopsproj_records.database_url import identity, read_url, shown
from mlopsproj_records.inspection import inspect_database, sqlite_file
from mlopsproj_records.schema import REVISIONS
from mlopsproj_records.waiting import survey_spool

from mlopsproj_doctor.findings import Finding, fail, ok, warn
from mlopsproj_doctor.places import can_be_written, nearest_that_exists
from mlopsproj_doctor.units import in_bytes
from mlopsproj_doctor.variables import DoctorSettings

LATE_SECONDS: Final = 300.0
"""A service moves what waits within seconds, unless its database is away."""

_OFF: Final = {"0", "f", "false", "n", "no", "off"}


def examine() -> Iterator[Finding]:
    """Look at the database and the spool that the environment names."""
    if os.environ.get("MLOPSPROJ_API_LOG", "").lower() in _OFF:
        yield ok("log", "MLOPSPROJ_API_LOG is off: no answer is kept")
        return
    settings = DoctorSettings()
    yield from examine_spool(settings.spool_dir, settings.database_url, time.time())
    yield from examine_database(settings.database_url)


def examine_database(url: str) -> Iterator[Finding]:
    """Look at a database; raises MlopsprojError if it cannot be used."""
    parsed = read_url(url)
    called = shown(parsed)
    facts = inspect_database(url)
    if parsed.get_backend_name() == "sqlite":
        path = sqlite_file(parsed)
        if not can_be_written(path) or not can_be_written(path.parent):
            mend = "Let the service's user write there, or name another by MLOPSPROJ_DATABASE_URL."
            yield fail("file", f"{nearest_that_exists(path)} cannot be written", mend)
    if facts is None:
        yield ok("database", f"{called} does not exist yet: `uv run api` makes it")
        return
    yield ok("database", f"{called}: {facts.kind} {facts.version}")
    if not facts.is_complete:
        mend = "`uv run api` takes it up when it is started."
        yield warn("schema", "was not closed: its last changes lie in its log alone", mend)
    else:
        yield examine_schema(facts.revision, REVISIONS, migrates_itself=facts.kind == "SQLite")


def examine_schema(
    revision: str | None, revisions: tuple[str, ...], *, migrates_itself: bool
) -> Finding:
    """Hold a database's schema against this release's.

    Args:
        revision: that the database has; None for no tables.
        revisions: that this release knows, the oldest first; it reads and writes the last.
        migrates_itself: whether the service brings it up when it opens it.
    """
    head = revisions[-1]
    if revision == head:
        return ok("schema", f"{revision}, that of this release")
    if revision is not None and revision not in revisions:
        mend = "Use the newer release that wrote it, or another database."
        return fail("schema", f"{revision} is not known to this release (its is {head})", mend)
    found = "no tables yet" if revision is None else f"{revision}, of an older release"
    if migrates_itself and revision is None:
        return ok("schema", f"{found}: `uv run api` makes them")
    if migrates_itself:
        mend = "Make a backup: `uv run api` brings it up when it is started."
        return warn("schema", f"{found}; this release's is {head}", mend)
    mend = "`uv run api migrate`" if revision is None else "Make a backup and `uv run api migrate`."
    return fail("schema", f"{found}; this release needs {head}", mend)


def examine_spool(folder: Path, url: str, now: float) -> Iterator[Finding]:
    """Look at what waits for a database.

    Args:
        folder: of the spool.
        url: of the database.
        now: seconds since the epoch.
    """
    try:
        waiting = survey_spool(folder)
    except OSError as error:
        mend = "Name another by MLOPSPROJ_SPOOL_DIR."
        yield fail("spool", f"{folder} cannot be read: {error.strerror or error}", mend)
        return
    if not can_be_written(folder):
        mend = "Let the service's user write there, or name another by MLOPSPROJ_SPOOL_DIR."
        yield fail("spool", f"{nearest_that_exists(folder)} cannot be written", mend)
    if waiting is None or not (waiting.files or waiting.quarantined):
        yield ok("spool", f"nothing waits in {folder}")
        return
    if waiting.quarantined:
        yield warn(
            "spool",
            f"{waiting.quarantined} files in {folder / 'quarantine'} hold what was refused or"
            " damaged",
            "Once the cause is mended, files that are moved back into the folder are read again.",
        )
    if not waiting.files or waiting.oldest is None:
        return
    since = datetime.fromtimestamp(waiting.oldest, UTC).strftime("%Y-%m-%d %H:%M UTC")
    told = f"{in_bytes(waiting.size_bytes)} in {waiting.files} files wait in {folder}"
    if others := [name for name in waiting.databases if name != _identity(url)]:
        mend = "A service that uses that database moves them."
        yield warn("spool", f"{told}, some for {', '.join(others)}", mend)
    elif now - waiting.oldest > LATE_SECONDS:
        mend = "Start `uv run api`, and see that its database can be reached."
        yield warn("spool", f"{told}, since {since}", mend)
    else:
        yield ok("spool", told)


def _identity(url: str) -> str:
    try:
        return identity(read_url(url))
    except MlopsprojError:  # told by the check of the database
        return ""
