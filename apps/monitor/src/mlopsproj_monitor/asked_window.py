"""The window that a person asks for, by times or as it is set. Knows nothing of what is in it."""

from datetime import UTC, datetime, timedelta

from mlopsproj_core.errors import ConfigError
from mlopsproj_core.written_time import written_time
from mlopsproj_monitoring.window_config import WindowConfig

from mlopsproj_monitor.settings import MonitorSettings


def asked_window(
    settings: MonitorSettings, since: str | None, until: str | None
) -> tuple[WindowConfig, datetime | None]:
    """How large the window is, and when it ends; None for now.

    Args:
        settings: of the monitor.
        since: from which on its images were made, as a person writes a time.
        until: before which they were.

    Raises:
        ConfigError: if a time is none, or what is asked for contradicts itself.
    """
    first, end = written_time(since, "--since"), written_time(until, "--until")
    if first is None:
        return settings.window_config(), end
    if settings.window_images is not None or settings.window_hours is not None:
        raise ConfigError(
            "--since says how large the window is: give no number of images or hours besides."
        )
    end = end or datetime.now(UTC)
    if first >= end:
        raise ConfigError(f"--since is {since!r}, which is not before the end of the window.")
    return WindowConfig(images=None, hours=(end - first) / timedelta(hours=1)), end
