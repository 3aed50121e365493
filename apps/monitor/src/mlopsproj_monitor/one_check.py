"""`monitor check`: one check of one version, told to a person or a program.

Knows nothing of arguments.
"""

import json
import sys

from mlopsproj_core.errors import ConfigError
from mlopsproj_core.registry import Registry
from mlopsproj_records.database import Database

from mlopsproj_monitor.asked_window import asked_window
from mlopsproj_monitor.checks import as_json, check
from mlopsproj_monitor.detection import Detectors
from mlopsproj_monitor.following import Following
from mlopsproj_monitor.settings import MonitorSettings
from mlopsproj_monitor.verdicts import EXIT_CODES


def check_once(
    settings: MonitorSettings,
    *,
    since: str | None,
    until: str | None,
    act: bool,
    as_json_document: bool,
) -> int:
    """Check, and show what was found.

    Args:
        settings: of the monitor.
        since: of the window's first image, as a person writes a time.
        until: before which its last image was made.
        act: whether to do what the service does with a check.
        as_json_document: whether a program reads it.

    Returns:
        The exit code.

    Raises:
        ConfigError: if a time is none, or the settings contradict each other.
        NotFoundError: if there is no such version.
    """
    window, end = asked_window(settings, since, until)
    if act and (since or until):
        raise ConfigError("--act is for the newest images: leave --since and --until out.")
    registry = Registry(settings.registry_url)
    version, move = registry.locate(settings.reference)
    with Database(settings.database_url) as database:
        following = Following(settings, database) if act else None
        database.ping()  # before seconds are spent on the reference
        found = check(
            database, Detectors(registry, settings.drift_config()).of(version), window, until=end
        )
        if following is not None:
            following.record(found)
            following.go_on()
    if as_json_document:
        sys.stdout.write(json.dumps(as_json(found.record), indent=2) + "\n")
    else:
        from mlopsproj_monitor.table import print_check

        print_check(found, alias=None if move is None else move.alias)
    return EXIT_CODES[found.check.verdict]
